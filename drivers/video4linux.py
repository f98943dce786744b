"""Video4Linux capture as the kernel defines it (linux/videodev2.h), on 64-bit little-endian boards.

Written out here because the nearest kept binding, linuxpy, costs 16 MiB and 0.15 s where this costs nothing, and its
licence (GPL-3) is not ours; the tests hold these numbers against it.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import select
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

# struct v4l2_capability, v4l2_fmtdesc, v4l2_format (with v4l2_pix_format), v4l2_requestbuffers, v4l2_buffer,
# v4l2_streamparm (with v4l2_captureparm) and v4l2_control, in their native layout.
CAPABILITY: Final = struct.Struct("@16s32s32s3I12x")
DESCRIPTION: Final = struct.Struct("@3I32sI16x")
FORMAT: Final = struct.Struct("@I4x12I152x")
REQUEST: Final = struct.Struct("@4IB3x")
BUFFER: Final = struct.Struct("@5I4x2q16x2IQ3I4x")
PARAMETERS: Final = struct.Struct("@7I176x")
CONTROL: Final = struct.Struct("@Ii")

_READ: Final = 2
_WRITE: Final = 1


def _code(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("V") << 8 | number


QUERYCAP: Final = _code(_READ, 0, CAPABILITY.size)
ENUM_FMT: Final = _code(_READ | _WRITE, 2, DESCRIPTION.size)
S_FMT: Final = _code(_READ | _WRITE, 5, FORMAT.size)
REQBUFS: Final = _code(_READ | _WRITE, 8, REQUEST.size)
QUERYBUF: Final = _code(_READ | _WRITE, 9, BUFFER.size)
QBUF: Final = _code(_READ | _WRITE, 15, BUFFER.size)
DQBUF: Final = _code(_READ | _WRITE, 17, BUFFER.size)
STREAMON: Final = _code(_WRITE, 18, 4)
STREAMOFF: Final = _code(_WRITE, 19, 4)
S_PARM: Final = _code(_READ | _WRITE, 22, PARAMETERS.size)
S_CTRL: Final = _code(_READ | _WRITE, 28, CONTROL.size)

CAN_CAPTURE: Final = 0x1
CAN_STREAM: Final = 0x4000000
CAPTURE: Final = 1
MMAP: Final = 1
BAD_FRAME: Final = 0x40

BUFFERS: Final = 4
"""Frames that the kernel fills in turn; two would be enough if nobody ever came late."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the driver settled on: a pixel format's four letters, a size in pixels, bytes a row and bytes a picture."""

    fourcc: str
    width: int
    height: int
    stride: int
    size: int


class Capture:
    """An open capture device that streams into mapped buffers; every method raises OSError when the device is gone."""

    def __init__(self, path: str, formats: Sequence[str], width: int, height: int, rate: float) -> None:
        """Open ``path`` and start it in the first of ``formats`` that it offers, as near to the size as it can."""
        self._maps: list[mmap.mmap] = []
        self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self._check()
            self.picture = self._settle(formats, width, height)
            self._pace(rate)
            self._map()
            fcntl.ioctl(self._file, STREAMON, struct.pack("i", CAPTURE))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop streaming and let the device go; it may be gone already."""
        with suppress(OSError):
            fcntl.ioctl(self._file, STREAMOFF, struct.pack("i", CAPTURE))
        for mapped in self._maps:
            mapped.close()
        os.close(self._file)

    def set(self, control: int, value: int) -> bool:
        """Set a control, and tell whether the device has it and takes the value."""
        try:
            fcntl.ioctl(self._file, S_CTRL, CONTROL.pack(control, value))
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ERANGE, errno.EACCES, errno.ENOTTY, errno.EBUSY):
                return False
            raise
        return True

    def newest(self, timeout: float) -> tuple[bytes, int] | None:
        """Return the newest whole picture's bytes and its number, or None when ``timeout`` seconds bring none."""
        if not select.select([self._file], [], [], timeout)[0]:
            return None
        best: tuple[int, int, int] | None = None
        for index, used, flags, number in self._filled():
            if flags & BAD_FRAME or not used:
                self._give(index)
                continue
            if best is not None:
                self._give(best[0])
            best = index, used, number
        if best is None:
            return None
        index, used, number = best
        data = self._maps[index][:used]
        self._give(index)
        return data, number

    def _check(self) -> None:
        *_, all_of_them, this_node = CAPABILITY.unpack(self._ask(QUERYCAP, bytes(CAPABILITY.size)))
        can = this_node or all_of_them
        if not (can & CAN_CAPTURE and can & CAN_STREAM):
            raise OSError(errno.ENODEV, "it is no camera that streams")

    def _settle(self, formats: Sequence[str], width: int, height: int) -> Picture:
        offered = set(self._offered())
        fourcc = next((name for name in formats if name in offered), None)
        if fourcc is None:
            raise OSError(errno.EINVAL, f"it offers none of the formats {', '.join(formats)}")
        wish = FORMAT.pack(CAPTURE, width, height, int.from_bytes(fourcc.encode(), "little"), 0, 0, *[0] * 7)
        _, width, height, pixels, _, stride, size, *_ = FORMAT.unpack(self._ask(S_FMT, wish))
        if pixels.to_bytes(4, "little").decode("latin-1") != fourcc:
            raise OSError(errno.EINVAL, f"it offers {fourcc} but does not keep to it")
        return Picture(fourcc, width, height, stride, size)

    def _offered(self) -> Iterator[str]:
        for index in range(64):
            try:
                answer = self._ask(ENUM_FMT, DESCRIPTION.pack(index, CAPTURE, 0, b"", 0))
            except OSError as error:
                if error.errno == errno.EINVAL:  # the end of the list
                    return
                raise
            yield DESCRIPTION.unpack(answer)[4].to_bytes(4, "little").decode("latin-1")

    def _pace(self, rate: float) -> None:
        with suppress(OSError):  # a camera that cannot be paced has a rate of its own
            self._ask(S_PARM, PARAMETERS.pack(CAPTURE, 0, 0, 1000, round(rate * 1000), 0, 0))

    def _map(self) -> None:
        count, *_ = REQUEST.unpack(self._ask(REQBUFS, REQUEST.pack(BUFFERS, CAPTURE, MMAP, 0, 0)))
        if not count:
            raise OSError(errno.ENOMEM, "it has no room for frames")
        for index in range(count):
            answer = BUFFER.unpack(self._ask(QUERYBUF, _buffer(index)))
            offset, length = answer[9], answer[10]
            self._maps.append(mmap.mmap(self._file, length, offset=offset & 0xFFFFFFFF))
            self._give(index)

    def _filled(self) -> Iterator[tuple[int, int, int, int]]:
        for _ in self._maps:
            try:
                answer = BUFFER.unpack(self._ask(DQBUF, _buffer(0)))
            except BlockingIOError:
                return
            index, _, used, flags, _, _, _, number, *_ = answer
            yield index, used, flags, number

    def _give(self, index: int) -> None:
        self._ask(QBUF, _buffer(index))

    def _ask(self, code: int, question: bytes) -> bytes:
        answer = bytearray(question)
        fcntl.ioctl(self._file, code, answer)
        return bytes(answer)


def _buffer(index: int) -> bytes:
    return BUFFER.pack(index, CAPTURE, 0, 0, 0, 0, 0, 0, MMAP, 0, 0, 0, 0)
