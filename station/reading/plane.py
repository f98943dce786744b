"""Pictures as the decoders see them: 8-bit luminance in rows that may be padded."""

from __future__ import annotations

from typing import Any, Protocol, cast

import msgspec
from PIL import Image


class Luma(Protocol):
    """Any picture in 8-bit luminance, such as a camera's frame."""

    @property
    def pixels(self) -> memoryview:
        """The bytes, flat and contiguous."""
        ...

    @property
    def width(self) -> int:
        """Pixels a row."""
        ...

    @property
    def height(self) -> int:
        """Rows."""
        ...

    @property
    def stride(self) -> int:
        """Bytes from one row to the next, at least ``width``."""
        ...


class Plane(msgspec.Struct, frozen=True):
    """A picture in memory, as ``Luma`` says."""

    pixels: memoryview
    width: int
    height: int
    stride: int


def plane_of(image: Image.Image) -> Plane:
    """Copy a picture of mode ``L`` into a plane without padding."""
    return Plane(memoryview(image.tobytes()), image.width, image.height, image.width)


def image_of(luma: Luma) -> Image.Image:
    """Look at a picture as a Pillow picture of mode ``L``, sharing its memory; raises as ``whole`` does."""
    luma = whole(luma)
    pixels = cast(Any, luma.pixels)  # the stubs name bytes, the function takes any buffer
    return Image.frombuffer("L", (luma.width, luma.height), pixels, "raw", "L", luma.stride, 1)


def rows_of(luma: Luma) -> bytes:
    """Copy the rows of a picture without their padding; raises as ``whole`` does."""
    check(luma)
    if luma.stride == luma.width:
        return bytes(luma.pixels[: luma.width * luma.height])
    starts = range(0, luma.stride * luma.height, luma.stride)
    return b"".join(luma.pixels[start : start + luma.width] for start in starts)


def whole(luma: Luma) -> Luma:
    """Return a picture whose memory holds every row to the end of its padding, as the decoders' buffers must.

    That is the picture itself, without a copy, but for cameras that leave the last row unpadded.  Raises
    ``ValueError`` as ``check`` does.
    """
    check(luma)
    if luma.pixels.nbytes >= luma.stride * luma.height:
        return luma
    return Plane(memoryview(rows_of(luma)), luma.width, luma.height, luma.width)


def check(luma: Luma) -> None:
    """Raise ``ValueError`` when a picture's numbers would let a decoder read outside its memory."""
    held = luma.pixels.nbytes
    if luma.width < 1 or luma.height < 1 or luma.stride < luma.width:
        raise ValueError(f"a picture of {luma.width}x{luma.height} cannot have rows of {luma.stride} bytes")
    if held < luma.stride * (luma.height - 1) + luma.width:
        raise ValueError(f"a picture of {luma.width}x{luma.height} in rows of {luma.stride} holds only {held} bytes")
