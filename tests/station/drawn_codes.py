"""Draws codes the way a camera would see them: pictures in luminance, padded or not."""

from __future__ import annotations

import io

import segno
import zxingcpp
from PIL import Image

from station.reading.plane import Plane


def qr(data, scale=5, **options) -> Image.Image:
    """Draw a QR code with its quiet zone; bytes and text as UTF-8 without ECI, as Vietnamese cards do."""
    if "encoding" not in options:
        data = data.encode() if isinstance(data, str) else data
        options |= {"mode": "byte"}
    png = io.BytesIO()
    segno.make_qr(data, **{"error": "m"} | options).save(png, kind="png", scale=scale, border=4)
    return Image.open(png).convert("L")


def other(form: zxingcpp.BarcodeFormat, text: str) -> Image.Image:
    """Draw a code of another symbology."""
    drawn = zxingcpp.create_barcode(text, form).to_image(scale=3, add_quiet_zones=True)
    height, width = drawn.shape
    return Image.frombytes("L", (width, height), bytes(memoryview(drawn).cast("B")))


def scene(*codes: tuple[Image.Image, tuple[int, int]], size=(640, 480), grey=150) -> Image.Image:
    """Lay codes onto an even background."""
    image = Image.new("L", size, grey)
    for code, at in codes:
        image.paste(code, at)
    return image


def padded(image: Image.Image, stride: int, filling: int = 0x55) -> Plane:
    """Store a picture as camera buffers do: rows of ``stride`` bytes with rubbish at their ends."""
    rows = (image.crop((0, y, image.width, y + 1)).tobytes() for y in range(image.height))
    return Plane(
        memoryview(b"".join(row + bytes([filling]) * (stride - image.width) for row in rows)),
        image.width,
        image.height,
        stride,
    )
