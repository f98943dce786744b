"""Time-based one-time codes (RFC 6238 over RFC 4226, SHA-1, steps of 30 s), as every authenticator app makes them."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime
from urllib.parse import quote, urlencode

STEP = 30
DIGITS = 6
SECRET_BYTES = 20
STEPS_OFF = 1
"""How many steps a phone's clock may be off, either way."""


def code(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of one time step (RFC 4226, section 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def step_at(now: datetime) -> int:
    """The time step that a moment lies in."""
    return int(now.timestamp()) // STEP


def accept(secret: bytes, typed: str, now: datetime, used: int) -> int | None:
    """The step whose code was typed, if it is a recent one and later than ``used``; each code works once."""
    given = typed.replace(" ", "")
    if not (given.isascii() and given.isdecimal()):
        return None
    present = step_at(now)
    steps = range(max(present - STEPS_OFF, used + 1), present + STEPS_OFF + 1)
    return next((step for step in steps if hmac.compare_digest(code(secret, step), given)), None)


def spelt(secret: bytes) -> str:
    """The secret as people type it into an app: base32 in groups of four."""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def uri(secret: bytes, account: str, issuer: str) -> str:
    """What the app's QR code holds (``otpauth://``)."""
    label = quote(f"{issuer}:{account}")
    given = urlencode({"secret": spelt(secret).replace(" ", ""), "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{label}?{given}"
