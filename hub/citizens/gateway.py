"""How a one-time code reaches its phone: a provider's HTTP gateway, the console of a demo, or not at all."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Protocol

from hub.config import SmsSettings
from hub.errors import ConfigError

SECONDS = 8


class NotSent(Exception):
    """The message did not go out; ``str()`` says why without saying to whom."""


class Gateway(Protocol):
    """Sends short messages."""

    def send(self, phone: str, text: str) -> None:
        """Hands one message over; ``NotSent`` when it was not taken."""


class HttpGateway:
    """A provider that takes a POST: JSON, or a form, with the fields that the settings name."""

    def __init__(self, settings: SmsSettings, token: str) -> None:
        self._settings = settings
        self._token = token

    def send(self, phone: str, text: str) -> None:
        """Posts one message; any answer but 2xx within eight seconds is ``NotSent``."""
        request = urllib.request.Request(self._settings.url, self._body(phone, text), self._headers())  # noqa: S310  # http or https: see open_gateway
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310  # the same
                answer.read(1)
        except urllib.error.HTTPError as error:
            raise NotSent(f"the SMS gateway answered {error.code}") from None
        except (OSError, ValueError) as error:
            raise NotSent(f"the SMS gateway cannot be reached: {type(error).__name__}") from None

    def _body(self, phone: str, text: str) -> bytes:
        named = {self._settings.phone_field: phone, self._settings.text_field: text}
        if self._settings.sender:
            named[self._settings.sender_field] = self._settings.sender
        return (json.dumps(named) if self._settings.json else urllib.parse.urlencode(named)).encode()

    def _headers(self) -> dict[str, str]:
        kind = "application/json" if self._settings.json else "application/x-www-form-urlencoded"
        return {"Content-Type": kind} | ({"Authorization": f"Bearer {self._token}"} if self._token else {})


class Console:
    """Standard output, for a demo and for trying: whoever started the hub reads the codes there."""

    def send(self, phone: str, text: str) -> None:
        """Writes the message with the end of the number it is for."""
        sys.stdout.write(f"SMS …{phone[-3:]}: {text}\n")
        sys.stdout.flush()


class Nowhere:
    """No gateway is set: nobody can prove a phone, and the page says so."""

    def send(self, phone: str, text: str) -> None:
        """Always ``NotSent``."""
        raise NotSent("no SMS gateway is set; see [sms] in the settings")


def open_gateway(settings: SmsSettings) -> Gateway:
    """The gateway that the settings name; ``ConfigError`` says what they lack."""
    if settings.gateway == "console":
        return Console()
    if settings.gateway == "none":
        return Nowhere()
    if not settings.url.startswith(("http://", "https://")):
        raise ConfigError("sms.url: the gateway's address, beginning with https:// (or http:// in a closed network)")
    try:
        token = Path(settings.token_file).read_text().strip() if settings.token_file else ""
    except OSError as error:
        raise ConfigError(f"sms.token_file {settings.token_file}: {error.strerror or error}") from error
    return HttpGateway(settings, token)
