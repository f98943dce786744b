"""Who may speak to the page: browsers at this address, and no other web page through them.

A page from elsewhere runs in the same browser and can send requests here.  It cannot name another host than its own
(``Host``), hide where it comes from (``Origin``, ``Sec-Fetch-Site``) or add a header without asking first.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Final

from werkzeug.datastructures import Headers

MARK: Final = "X-Front-Panel"
"""The header that every request which changes something must carry; its value does not matter."""

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What goes with every answer: nothing from elsewhere, in no frame, kept by nobody."""

_SAFE: Final = frozenset(("GET", "HEAD"))


def refusal(method: str, headers: Headers) -> str:
    """Why this request is refused, in a sentence, or nothing."""
    host = headers.get("Host", "")
    if not is_ours(_name_of(host)):
        return "the page is called by another name; open it by its address"
    site = headers.get("Sec-Fetch-Site", "none")
    navigates = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest", "") == "document"
    if site not in ("same-origin", "none") and not (method in _SAFE and navigates):
        return "another web page may not use this one"
    if method in _SAFE:
        return ""
    origin = headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != host:
        return "another web page may not use this one"
    return "" if headers.get(MARK) else f"the header {MARK} is missing"


def is_ours(name: str) -> bool:
    """Whether a host name can only mean this machine: an address, ``localhost``, or the machine's own name.

    Any other name might be somebody's who points it here for the length of an attack.
    """
    name = name.lower().rstrip(".")
    own = socket.gethostname().lower()
    if name in {"localhost", own, f"{own.partition('.')[0]}.local"}:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _name_of(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
