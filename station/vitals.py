"""The board's own figures, read from files of the kernel: heat, power, memory, disk and its wear, radio.

Everything is optional: a board that does not say something leaves it out.  Nothing here waits for hardware, and nothing
but the fallback for old kernels starts a program.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from core.health import BoardFigures

ROOT = Path("/")

_THROTTLED = ("soc/soc:firmware/get_throttled", "soc@*/*firmware*/get_throttled", "*firmware*/get_throttled")
"""Below ``/sys/devices/platform``; the kernel's ``raspberrypi-firmware`` driver, since 4.14, on all boards so far."""

_UNDER_VOLTAGE, _THROTTLED_BITS = 1 << 0, 1 << 1 | 1 << 2 | 1 << 3
_EVER = 16
"""The firmware's bits: 0 under-voltage, 1 frequency capped, 2 throttled, 3 too hot; 16 to 19 the same of before."""

_LIVES = {number: (number - 1) / 10 for number in range(1, 12)}
"""``life_time`` of an eMMC (JESD84-B51): 1 is 0 to 10 % of the life used, 10 is 90 to 100 %, 11 beyond."""

_ASK_FIRMWARE = ("vcgencmd", "get_throttled")
_PATIENCE = 2.0
_LATE_AT_MOST = 3
"""Times in a row that the program may not answer in: a board that is starting is busy."""


class Vitals:
    """Reads the board that ``root`` is the file system of; where things lie is found once.

    The disk is the one that ``data`` lies on.
    """

    def __init__(self, data: Path, root: Path = ROOT) -> None:
        self._data, self._root = data, root
        self._heat = _heat_file(root)
        self._power = next(_power_files(root), None)
        self._alarm = _voltage_alarm(root)
        self._program = shutil.which(_ASK_FIRMWARE[0]) if self._power is None and self._alarm is None else None
        self._ever = self._late = 0
        self._begun, self._spent = time.monotonic(), time.process_time()

    def read(self) -> BoardFigures:
        """The figures of now."""
        bits, known = self._bits()
        self._ever |= bits | bits >> _EVER  # the kernel's own watch on the voltage takes the firmware's memory away
        total, free = self._memory()
        wear, worn = self._wear()
        usage = _usage(self._data)
        return BoardFigures(
            temperature=_scaled(_text(self._heat), 1000),
            under_voltage=_has(bits, known & _UNDER_VOLTAGE),
            under_voltage_ever=_has(self._ever, known & _UNDER_VOLTAGE),
            throttled=_has(bits, known & _THROTTLED_BITS),
            throttled_ever=_has(self._ever, known & _THROTTLED_BITS),
            memory_total=total,
            memory_free=free,
            memory_used=self._own_memory(),
            cpu=round((time.process_time() - self._spent) / max(0.001, time.monotonic() - self._begun), 4),
            disk_total=usage[0],
            disk_free=usage[1],
            disk_wear=wear,
            disk_worn=worn,
            up=_first_number(_text(self._root / "proc/uptime")),
        )

    def radio(self) -> tuple[int | None, float | None]:
        """Level in dBm and quality (1 the best) of the first wireless interface; ``/proc/net/wireless``."""
        for line in _text(self._root / "proc/net/wireless").splitlines()[2:]:
            words = line.split()
            if len(words) < 4:
                continue
            quality, level = _first_number(words[2].rstrip(".")), _first_number(words[3].rstrip("."))
            return int(level) if level is not None else None, _share(quality, 70)
        return None, None

    def _bits(self) -> tuple[int, int]:
        """What is known of the power in the firmware's bits, and which of them anybody could say."""
        if self._power is not None:
            return _known(_hex(_text(self._power)))
        if self._alarm is not None:
            alarm = _text(self._alarm).strip()
            return _UNDER_VOLTAGE * (alarm == "1"), _UNDER_VOLTAGE if alarm else 0
        return _known(self._asked() if self._program is not None else None)

    def _asked(self) -> int | None:
        """The firmware's own program; not asked again when it fails: what the service may not, it may never."""
        try:
            done = subprocess.run(  # noqa: S603  # found in PATH, no word of it from outside
                [str(self._program), _ASK_FIRMWARE[1]], capture_output=True, text=True, timeout=_PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            self._late += 1
            self._program = self._program if self._late < _LATE_AT_MOST else None
            return None
        except OSError:
            self._program = None
            return None
        self._late = 0
        bits = _hex(done.stdout.partition("throttled=")[2])
        self._program = self._program if bits is not None else None
        return bits

    def _memory(self) -> tuple[int | None, int | None]:
        said = dict(line.partition(":")[::2] for line in _text(self._root / "proc/meminfo").splitlines())
        total, free = (_first_number(said.get(key, "")) for key in ("MemTotal", "MemAvailable"))
        return (None if total is None else int(total) << 10), (None if free is None else int(free) << 10)

    def _own_memory(self) -> int | None:
        pages = _text(self._root / "proc/self/statm").split()
        return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if len(pages) > 1 else None

    def _wear(self) -> tuple[float | None, int | None]:
        """The share of its life that the disk has used, and the maker's own warning (1 normal, 2 warning, 3 urgent)."""
        disk = self._disk()
        lives = [_hex(word) for word in _text(disk / "life_time").split()]
        used = [_LIVES[life] for life in lives if life in _LIVES]
        return (max(used) if used else None), _hex(_text(disk / "pre_eol_info")) or None

    def _disk(self) -> Path:
        """The ``device`` folder of the disk under the data folder: a partition's lies one above its own."""
        try:
            number = self._data.stat().st_dev
        except OSError:
            return self._root / "nowhere"
        block = self._root / "sys/dev/block" / f"{os.major(number)}:{os.minor(number)}"
        own = block / "device"
        return own if own.exists() else block.resolve().parent / "device"


def _heat_file(root: Path) -> Path | None:
    zones = sorted((root / "sys/class/thermal").glob("thermal_zone*"))
    named = [zone for zone in zones if "cpu" in _text(zone / "type")]
    return next((zone / "temp" for zone in [*named, *zones]), None)


def _power_files(root: Path) -> Iterator[Path]:
    for pattern in _THROTTLED:
        yield from sorted((root / "sys/devices/platform").glob(pattern))


def _voltage_alarm(root: Path) -> Path | None:
    """The ``rpi_volt`` driver's alarm, where the firmware's bits are not shown; it tells of under-voltage only."""
    for folder in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if _text(folder / "name").strip() == "rpi_volt":
            return folder / "in0_lcrit_alarm"
    return None


def _usage(data: Path) -> tuple[int | None, int | None]:
    try:
        usage = shutil.disk_usage(data)
    except OSError:
        return None, None
    return usage.total, usage.free


def _text(path: Path | None) -> str:
    try:
        return path.read_text("ascii", "replace") if path is not None else ""
    except OSError:
        return ""


def _hex(text: str) -> int | None:
    try:
        return int(text.strip(), 16)
    except ValueError:
        return None


def _first_number(text: str) -> float | None:
    try:
        return float(text.split()[0])
    except (ValueError, IndexError):
        return None


def _scaled(text: str, by: float) -> float | None:
    number = _first_number(text)
    return None if number is None else number / by


def _share(number: float | None, of: float) -> float | None:
    return None if number is None else min(1.0, max(0.0, number / of))


def _known(bits: int | None) -> tuple[int, int]:
    return (0, 0) if bits is None else (bits, _UNDER_VOLTAGE | _THROTTLED_BITS)


def _has(bits: int, mask: int) -> bool | None:
    return bool(bits & mask) if mask else None
