"""QR pictures: dark on white with a full quiet zone whatever the page's colours, as SVG and PNG."""

from __future__ import annotations

import io

import segno
from markupsafe import Markup

QUIET_MODULES = 4
PNG_SCALE = 12


def _code(text: str) -> segno.QRCode:
    return segno.make(text, micro=False, error="l")  # raised by itself as far as the same size allows


def inline(text: str) -> Markup:
    """An SVG element that fills its box."""
    svg = _code(text).svg_inline(border=QUIET_MODULES, dark="#000", light="#fff", omitsize=True)
    return Markup(svg)  # noqa: S704  # made of numbers alone


def svg(text: str) -> bytes:
    """An SVG file."""
    out = io.BytesIO()
    _code(text).save(out, kind="svg", border=QUIET_MODULES, dark="#000", light="#fff", scale=10)
    return out.getvalue()


def png(text: str) -> bytes:
    """A PNG file, large enough to print."""
    out = io.BytesIO()
    _code(text).save(out, kind="png", border=QUIET_MODULES, scale=PNG_SCALE)
    return out.getvalue()
