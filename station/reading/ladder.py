"""The ladder: ways to prepare a picture for a decoder, cheapest first, for codes that cannot be read as they are.

Each rung was chosen by what it alone rescues among phone screens and cards with glare, shake, darkness, moiré and
defocus, per millisecond (``bench/reading.py`` measures the whole against the obvious ladder built on OpenCV).  All
work is Pillow's and the decoders' own: numpy is not needed on a station.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace
from PIL import Image, ImageChops, ImageFilter

from core.model import Symbology
from station.reading.decoders import Binarizer, Decoder, Read, ZxingDecoder
from station.reading.plane import Luma, image_of, plane_of
from station.reading.zbar import ZbarDecoder

Engine = Literal["zxing", "zbar"]

ENGINES: Mapping[Engine, Callable[[Iterable[Symbology]], Decoder]] = {"zxing": ZxingDecoder, "zbar": ZbarDecoder}
"""The decoders by the name that ``config.toml`` gives them."""

LARGEST_PREPARED = 1600
"""Pixels of the longer side above which a picture is shrunk before it is prepared: more detail only costs time."""

_BRIGHTER = [round(255 * (level / 255) ** 0.5) for level in range(256)]


class Rung(msgspec.Struct, frozen=True):
    """One way to look: which engine, how it tells black from white, and what is done to the picture first."""

    name: str
    engine: Engine
    binarizer: Binarizer = "local"
    prepare: Callable[[Image.Image], Image.Image] | None = None


def brighten(image: Image.Image) -> Image.Image:
    """Lift the shadows (gamma 0.5): dark pictures, dim screens."""
    return image.point(_BRIGHTER)


def flatten(image: Image.Image) -> Image.Image:
    """Take away the close surroundings' mean, so that 128 parts black from white under glare and shadow."""
    return ImageChops.subtract(image, image.filter(ImageFilter.BoxBlur(7)), offset=128)


def flatten_widely(image: Image.Image) -> Image.Image:
    """Take away the wide surroundings' mean, found on a small copy: large modules under uneven light."""
    around = image.reduce(8).filter(ImageFilter.BoxBlur(2)).resize(image.size, Image.Resampling.BILINEAR)
    return ImageChops.subtract(image, around, scale=0.5, offset=128)


def sift(image: Image.Image) -> Image.Image:
    """Keep what is larger than a pixel and smaller than a module's surroundings: noise and moiré under glare."""
    fine, coarse = image.filter(ImageFilter.BoxBlur(1)), image.filter(ImageFilter.BoxBlur(12))
    return ImageChops.subtract(fine, coarse, offset=128)


def smooth(image: Image.Image) -> Image.Image:
    """Average each pixel with its neighbours: grain, screen pixels."""
    return image.filter(ImageFilter.BoxBlur(1))


def sharpen(image: Image.Image) -> Image.Image:
    """Steepen edges: shake, a lens a little out of focus."""
    return image.filter(ImageFilter.UnsharpMask(2, 200, 0))


def enlarge(image: Image.Image) -> Image.Image:
    """Double the size: modules of hardly two pixels."""
    return image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC)


def shrink_and_brighten(image: Image.Image) -> Image.Image:
    """Halve the size and lift the shadows: noise of dark pictures, and quick."""
    return brighten(image.reduce(2))


RUNGS = (
    Rung("zxing", "zxing"),
    Rung("zxing global", "zxing", "global"),
    Rung("zxing brightened", "zxing", prepare=brighten),
    Rung("zbar smoothed", "zbar", prepare=smooth),
    Rung("zxing flattened", "zxing", "middle", flatten),
    Rung("zbar small", "zbar", prepare=shrink_and_brighten),
    Rung("zxing sifted", "zxing", "middle", sift),
    Rung("zxing widely flattened", "zxing", "middle", flatten_widely),
    Rung("zbar", "zbar"),
    Rung("zxing sharpened", "zxing", prepare=sharpen),
    Rung("zxing enlarged", "zxing", prepare=enlarge),
)
"""The ladder from the ground up; the first rung in use that prepares nothing is the bare look at every frame."""


class Ladder:
    """Reads codes with the engines and symbologies of the configuration; one instance serves one thread.

    Raises ``ValueError`` when no engine or no symbology is named, ``StationError`` when an engine is not installed.
    """

    def __init__(
        self, engines: Iterable[Engine] = ("zxing", "zbar"), symbologies: Iterable[Symbology] = (Symbology.QR,)
    ) -> None:
        names, wanted = tuple(dict.fromkeys(engines)), tuple(symbologies)
        if not names or not wanted:
            raise ValueError("name at least one decoder engine and one symbology")
        self._decoders = {name: ENGINES[name](wanted) for name in names}
        used = [rung for rung in RUNGS if rung.engine in self._decoders]
        bare = next(rung for rung in used if rung.prepare is None)
        self.rungs = (bare, *(rung for rung in used if rung is not bare))

    def decode(self, luma: Luma, rung: int = 0) -> tuple[Read, ...]:
        """Look at one picture from one rung; 0 is the bare look.  Raises ``ValueError`` for a picture that is none."""
        step = self.rungs[rung]
        decoder = self._decoders[step.engine]
        if step.prepare is None:
            return decoder.decode(luma, step.binarizer)
        image = _fit(image_of(luma))
        prepared = step.prepare(image)
        scale = luma.width / prepared.width
        return tuple(_scaled(read, scale) for read in decoder.decode(plane_of(prepared), step.binarizer))

    def climb(self, luma: Luma) -> tuple[Read, ...]:
        """Look from every rung in turn until something can be read."""
        for rung in range(len(self.rungs)):
            if reads := self.decode(luma, rung):
                return reads
        return ()


def _fit(image: Image.Image) -> Image.Image:
    times = -(-max(image.size) // LARGEST_PREPARED)
    return image.reduce(times) if times > 1 else image


def _scaled(read: Read, scale: float) -> Read:
    a, b, c, d = ((x * scale, y * scale) for x, y in read.quad)
    return replace(read, quad=(a, b, c, d))
