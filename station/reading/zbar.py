"""zbar through pyzbar's ctypes layer: exact bytes and inverted codes, which ``pyzbar.decode`` cannot be asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ctypes import c_char_p, c_void_p, cast, string_at
from typing import Any
from weakref import finalize

from core.model import Symbology
from station.errors import StationError
from station.reading.decoders import LINEAR, SHORTEST_LINEAR, Binarizer, Quad, Read, believable, text_of
from station.reading.plane import Luma, rows_of

Y800 = 0x30303859
"""The four-character code of 8-bit luminance, as zbar wants it."""

ENABLE, BINARY, MIN_LENGTH, POSITION, TEST_INVERTED = 0, 4, 0x20, 0x80, 0x81
"""``zbar_config_t`` of zbar 0.23.92 (``zbar.h``); pyzbar's own list ends before the two that matter here."""

QR_CODE = 64


Handle = Any  # a pointer of zbar's; pyzbar ships no types


class ZbarDecoder:
    """zbar, for the codes it alone can read; knows QR and bar codes, and passes over the other symbologies.

    Raises ``StationError`` when libzbar is not installed.  One instance serves one thread.
    """

    SYMBOLS: Mapping[Symbology, int] = {
        Symbology.QR: QR_CODE,
        Symbology.CODE_128: 128,
        Symbology.CODE_39: 39,
        Symbology.EAN_13: 13,
    }

    def __init__(self, symbologies: Iterable[Symbology] = (Symbology.QR,)) -> None:
        try:
            from pyzbar import wrapper  # loads libzbar, which a station without zbar need not have
        except ImportError as error:
            raise StationError(
                f"the decoder zbar needs the library libzbar0 (apt install libzbar0): {error}"
            ) from error
        self._zbar = wrapper
        self._names = {self.SYMBOLS[name]: name for name in symbologies if name in self.SYMBOLS}
        self._scanner = wrapper.zbar_image_scanner_create()
        finalize(self, wrapper.zbar_image_scanner_destroy, self._scanner)
        self._configure()

    def decode(self, luma: Luma, binarizer: Binarizer = "local") -> tuple[Read, ...]:
        """See ``Decoder``; zbar has one way of its own to tell black from white."""
        if not self._names:
            return ()
        pixels = rows_of(luma)
        image = self._zbar.zbar_image_create()
        try:
            self._zbar.zbar_image_set_format(image, Y800)
            self._zbar.zbar_image_set_size(image, luma.width, luma.height)
            self._zbar.zbar_image_set_data(image, cast(c_char_p(pixels), c_void_p), len(pixels), None)
            self._zbar.zbar_scan_image(self._scanner, image)
            return tuple(self._reads(image))
        finally:
            self._zbar.zbar_image_destroy(image)

    def _configure(self) -> None:
        settings = [(0, ENABLE, 0), (0, POSITION, 1), (0, TEST_INVERTED, 1)]
        for symbol, name in self._names.items():
            settings.append((symbol, ENABLE, 1))
            if symbol == QR_CODE:
                settings.append((symbol, BINARY, 1))
            elif name in LINEAR and symbol != self.SYMBOLS[Symbology.EAN_13]:
                settings.append((symbol, MIN_LENGTH, SHORTEST_LINEAR))
        for setting in settings:
            self._zbar.zbar_image_scanner_set_config(self._scanner, *setting)

    def _reads(self, image: Handle) -> Iterator[Read]:
        symbol = self._zbar.zbar_image_first_symbol(image)
        while symbol:
            name = self._names.get(symbol.contents.type)
            length = self._zbar.zbar_symbol_get_data_length(symbol)
            data = string_at(self._zbar.zbar_symbol_get_data(symbol), length)
            if name is not None and believable(name, data):
                yield Read(data, name, self._quad(symbol), text_of(data))
            symbol = self._zbar.zbar_symbol_next(symbol)

    def _quad(self, symbol: Handle) -> Quad:
        """Return the four corners zbar gives a QR code, or the box around the points of a bar code."""
        count = range(self._zbar.zbar_symbol_get_loc_size(symbol))
        xs = [float(self._zbar.zbar_symbol_get_loc_x(symbol, index)) for index in count]
        ys = [float(self._zbar.zbar_symbol_get_loc_y(symbol, index)) for index in count]
        if len(xs) == 4:
            (a, b, c, d) = zip(xs, ys, strict=True)
            return a, b, c, d
        left, top, right, bottom = (
            min(xs, default=0.0),
            min(ys, default=0.0),
            max(xs, default=0.0),
            max(ys, default=0.0),
        )
        return (left, top), (right, top), (right, bottom), (left, bottom)
