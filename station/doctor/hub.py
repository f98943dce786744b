"""The hub, asked as the station would: does it answer, does it take the token, and how far is its clock from ours."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from station.config import Settings
from station.doctor.findings import Finding, fail, ok, warn
from station.errors import HubUnreachable

SECONDS = 5.0
CLOCK_APART = 5.0
"""Seconds by which the two clocks may differ before somebody should look."""


def find(settings: Settings) -> Iterator[Finding]:
    """Fetch the policy from the configured hub, and its time."""
    from station.http import HttpHub

    hub, what = settings.hub, f"hub {settings.hub.url}"
    with HttpHub(hub.url, hub.token, settings.station.kind, hub.ca_file) as line:
        try:
            document = line.policy({}, SECONDS)
        except HubUnreachable as error:
            yield fail(what, error.problem, "check the network, [hub] url and the token; see `station doctor --help`")
            return
    if document is None:
        yield warn(what, "takes the token, and has no policy for this gate", "issue one at the hub")
    else:
        yield ok(what, "takes the token and has a policy")
    yield from compare_clocks(_date(settings), datetime.now(UTC))


def compare_clocks(said: str | None, now: datetime) -> Iterator[Finding]:
    """Hold the hub's ``Date`` header against this board's clock."""
    try:
        theirs = parsedate_to_datetime(said or "")
    except ValueError:
        return
    apart = (now - theirs.astimezone(UTC)).total_seconds()
    words = f"{abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} the hub's"
    if abs(apart) > CLOCK_APART:
        yield warn("clock against hub", words, "let this board reach a time server (timedatectl status)")
    else:
        yield ok("clock against hub", "agrees")


def _date(settings: Settings) -> str | None:
    to = urlsplit(settings.hub.url)
    if to.scheme == "https":
        context = ssl.create_default_context(cafile=settings.hub.ca_file)
        line: http.client.HTTPConnection = http.client.HTTPSConnection(to.netloc, timeout=SECONDS, context=context)
    else:
        line = http.client.HTTPConnection(to.netloc, timeout=SECONDS)
    try:
        line.request("HEAD", to.path or "/")
        return line.getresponse().getheader("Date")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        line.close()
