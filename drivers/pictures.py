"""Picture files turned into luminance, with bounds against files that are not what they say."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Final

from drivers.errors import DeviceError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS: Final = ("JPEG", "PNG", "PPM", "BMP", "WEBP", "GIF")
"""What is opened; the rest of what Pillow knows is left out, since some of it starts other programs."""

LARGEST_FILE: Final = 64 * 1024 * 1024
"""Bytes; a larger picture file is refused unread."""


def read_luma(data: bytes, most_pixels: int, name: str = "picture") -> tuple[bytes, int, int]:
    """Decode a picture file to ``width * height`` luminance bytes, and its width and height.

    What is transparent becomes white, as on paper. Raises DeviceError naming the picture when it is none, is broken
    or has more than ``most_pixels``, which is known before it is unpacked.
    """
    from PIL import Image, UnidentifiedImageError

    # What Pillow's decoders raise on broken data is not one family; these are what fuzzing them brings up.
    broken = (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, MemoryError)
    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > most_pixels:
                raise DeviceError(name, f"{image.width}x{image.height} pixels are too many", "make it smaller")
            grey = _grey(image)
            return grey.tobytes(), grey.width, grey.height
    except DeviceError:
        raise
    except UnidentifiedImageError as error:
        raise DeviceError(name, "it is not a picture", "remove it, or save it as JPEG or PNG") from error
    except bombs as error:
        raise DeviceError(name, "it has too many pixels", "make it smaller") from error
    except (*broken, struct.error, zlib.error) as error:
        raise DeviceError(name, f"it is broken ({type(error).__name__})", "replace it") from error


def _grey(image: Image) -> Image:
    from PIL import Image as Images

    image.draft("L", image.size)  # lets a JPEG decoder leave the colours packed; other formats ignore it
    if image.has_transparency_data:
        image = Images.alpha_composite(Images.new("RGBA", image.size, "white"), image.convert("RGBA"))
    if image.mode.startswith("I;16"):
        return image.point(lambda level: level / 256).convert("L")
    return image.convert("L")
