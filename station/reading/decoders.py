"""The two decoders behind one interface: a picture in, the exact bytes of the codes in it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, Protocol, cast

import zxingcpp

from core.discreet import Discreet
from core.model import Symbology
from station.reading.plane import Luma, whole

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]
Binarizer = Literal["local", "global", "middle"]
"""How grey becomes black and white: by the neighbourhood, by one threshold found, or at 127."""

LINEAR = frozenset({Symbology.CODE_128, Symbology.CODE_39, Symbology.EAN_13})
SHORTEST_LINEAR = 6
"""Bytes below which a bar code is not believed: stray lines read as short ones, and no identity is shorter."""


class Read(Discreet, frozen=True):
    """One code found in one picture: its exact bytes, and where it lies in pixels of that picture.

    ``text`` is what the code says its bytes mean (its ECI, or UTF-8), None when that cannot be told.  Neither is ever
    shown in ``repr``.
    """

    secret: ClassVar = frozenset({"data", "text"})

    data: bytes
    symbology: Symbology
    quad: Quad
    text: str | None = None

    @property
    def centre(self) -> Point:
        """The middle of the code."""
        return sum(x for x, _ in self.quad) / 4, sum(y for _, y in self.quad) / 4


UNTOLD = frozenset({zxingcpp.ContentType.Binary, zxingcpp.ContentType.UnknownECI})
"""Contents that are no text."""


class Decoder(Protocol):
    """Anything that finds codes in a picture; raises ``ValueError`` for a picture that is none."""

    def decode(self, luma: Luma, binarizer: Binarizer = "local") -> tuple[Read, ...]:
        """Return what can be read in ``luma``, exact bytes, in no particular order."""
        ...


def text_of(data: bytes) -> str | None:
    """Return the text of bytes that are UTF-8 to the letter, else None: a wrong guess is worse than none."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def believable(symbology: Symbology, data: bytes) -> bool:
    """Say whether a reading is more than noise: something was read, and a bar code is not a short one."""
    return len(data) >= (SHORTEST_LINEAR if symbology in LINEAR else 1)


class ZxingDecoder:
    """zxing-cpp, looking at the frame's own memory: finds turned, inverted and mirrored codes too."""

    ASKED: Mapping[Symbology, zxingcpp.BarcodeFormat] = {
        Symbology.QR: zxingcpp.BarcodeFormat.QRCodeModel2,
        Symbology.MICRO_QR: zxingcpp.BarcodeFormat.MicroQRCode,
        Symbology.DATA_MATRIX: zxingcpp.BarcodeFormat.DataMatrix,
        Symbology.AZTEC: zxingcpp.BarcodeFormat.AztecCode,
        Symbology.PDF417: zxingcpp.BarcodeFormat.PDF417,
        Symbology.CODE_128: zxingcpp.BarcodeFormat.Code128,
        Symbology.CODE_39: zxingcpp.BarcodeFormat.Code39,
        Symbology.EAN_13: zxingcpp.BarcodeFormat.EAN13,
    }
    ANSWERED: Mapping[zxingcpp.BarcodeFormat, Symbology] = {asked: name for name, asked in ASKED.items()} | {
        zxingcpp.BarcodeFormat.QRCode: Symbology.QR,
        zxingcpp.BarcodeFormat.Aztec: Symbology.AZTEC,
    }
    BINARIZERS: Mapping[Binarizer, zxingcpp.Binarizer] = {
        "local": zxingcpp.Binarizer.LocalAverage,
        "global": zxingcpp.Binarizer.GlobalHistogram,
        "middle": zxingcpp.Binarizer.FixedThreshold,
    }

    def __init__(self, symbologies: Iterable[Symbology] = (Symbology.QR,)) -> None:
        self._wanted = frozenset(symbologies)
        self._formats = zxingcpp.BarcodeFormats([self.ASKED[symbology] for symbology in sorted(self._wanted)])

    def decode(self, luma: Luma, binarizer: Binarizer = "local") -> tuple[Read, ...]:
        """See ``Decoder``."""
        luma = whole(luma)
        pixels = cast(Any, luma.pixels)  # the stubs ask for numpy, the function for any buffer
        view = zxingcpp.ImageView(pixels, luma.width, luma.height, zxingcpp.ImageFormat.Lum, luma.stride)
        found = zxingcpp.read_barcodes(
            view, formats=self._formats, binarizer=self.BINARIZERS[binarizer], text_mode=zxingcpp.TextMode.Plain
        )
        return tuple(read for read in map(self._read, found) if read)

    def _read(self, found: zxingcpp.Barcode) -> Read | None:
        symbology = self.ANSWERED.get(found.format)
        data: bytes = found.bytes
        if symbology is None or symbology not in self._wanted or not believable(symbology, data):
            return None
        place = found.position
        corners = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
        north_west, north_east, south_east, south_west = ((float(corner.x), float(corner.y)) for corner in corners)
        return Read(data, symbology, (north_west, north_east, south_east, south_west), _meaning(found))


def _meaning(found: zxingcpp.Barcode) -> str | None:
    """Return the text of a code: UTF-8 when it is that beyond doubt, else as its ECI or zxing's own guess says."""
    text = text_of(found.bytes)
    if text is not None and not text.isascii():
        return text
    return None if found.content_type in UNTOLD else found.text
