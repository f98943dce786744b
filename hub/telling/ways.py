"""The ways by which alarms are told: a POST to a webhook, an e-mail.  Nothing of a secret reaches a log or an error."""

from __future__ import annotations

import smtplib
import ssl
import urllib.error
import urllib.request
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Protocol

import msgspec

from hub.config import AlarmSettings
from hub.errors import ConfigError
from hub.telling.composing import Message

SECONDS = 10


class NotTold(Exception):
    """Why a message was not taken."""


class Way(Protocol):
    """One way."""

    name: str

    def tell(self, message: Message, now: datetime) -> None:
        """Hands one message over; ``NotTold`` when it was not taken."""


class _NoDetours(urllib.request.HTTPRedirectHandler):
    """A secret goes where it was meant to go and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        """Never."""


class Webhook:
    """Posts JSON; any answer but 2xx within ten seconds is a failure."""

    name = "webhook"

    def __init__(self, settings: AlarmSettings, secret: str) -> None:
        self._settings, self._secret = settings, secret
        self._opener = urllib.request.build_opener(_NoDetours)

    def tell(self, message: Message, now: datetime) -> None:
        """Posts it."""
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if self._secret:
            headers[self._settings.secret_header] = self._secret
        request = urllib.request.Request(self._settings.url, msgspec.json.encode(message), headers)  # noqa: S310  # http or https: the settings are checked
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                answer.read(1)
        except urllib.error.HTTPError as error:
            raise NotTold(f"the webhook answered {error.code}") from None
        except (OSError, ValueError) as error:
            raise NotTold(f"the webhook cannot be reached: {type(error).__name__}") from None


class Mail:
    """Sends an e-mail to everybody named in the settings."""

    name = "mail"

    def __init__(self, settings: AlarmSettings, password: str) -> None:
        self._settings, self._password = settings, password

    def tell(self, message: Message, now: datetime) -> None:
        """Sends it."""
        settings, mail = self._settings, EmailMessage()
        mail["Subject"] = f"[Trạm Quét] {message.title}"
        mail["From"], mail["To"], mail["Date"] = settings.sender, ", ".join(settings.to), format_datetime(now)
        mail["Message-ID"] = make_msgid("-".join(str(each.id) for each in message.alarms[:1]) or "trial")
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        try:
            with self._line() as line:
                if settings.smtp_user:
                    line.login(settings.smtp_user, self._password)
                line.send_message(mail)
        except smtplib.SMTPResponseException as error:
            raise NotTold(f"the mail server answered {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise NotTold(f"the mail server does not take it: {type(error).__name__}") from None

    def _line(self) -> smtplib.SMTP:
        settings, safe = self._settings, ssl.create_default_context()
        where = (settings.smtp_host, settings.smtp_port)
        if settings.smtp_tls == "tls":
            return smtplib.SMTP_SSL(*where, timeout=SECONDS, context=safe)
        line = smtplib.SMTP(*where, timeout=SECONDS)
        if settings.smtp_tls == "starttls":
            line.starttls(context=safe)
        return line


def ways(settings: AlarmSettings) -> list[Way]:
    """Those that are set up; ``ConfigError`` for a secret that cannot be read."""
    found: list[Way] = []
    if settings.url:
        found.append(Webhook(settings, _secret("secret_file", settings.secret_file)))
    if settings.smtp_host:
        found.append(Mail(settings, _secret("smtp_password_file", settings.smtp_password_file)))
    return found


def _secret(key: str, path: str) -> str:
    try:
        return Path(path).read_text().strip() if path else ""
    except OSError as error:
        raise ConfigError(f"alarms.{key} {path}: {error.strerror or error}") from error
