"""Style sheet, scripts and pictures: read once, addressed by what is in them, so that browsers may keep them."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from importlib import resources

STATIC = "/static"
FOREVER = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".css": "text/css", ".webmanifest": "application/json"}


@cache
def _files() -> dict[str, bytes]:
    """Every file by its name: what is asked for is looked up, and never part of a path."""
    folder = resources.files("hub.web").joinpath("static")
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


def read(name: str) -> bytes | None:
    """The bytes of a file of ``static/``; nothing when there is none of that name."""
    return _files().get(name)


@cache
def url(name: str) -> str:
    """The address of a file; it changes with its content.  ``KeyError`` when there is no such file."""
    body = read(name)
    if body is None:
        raise KeyError(name)
    return f"{STATIC}/{name}?{hashlib.sha256(body).hexdigest()[:12]}"


def media_type(name: str) -> str:
    """What a file is, by its ending."""
    ending = name[name.rfind(".") :]
    return _TYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"
