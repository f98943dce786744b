"""Each configured device, tried: cameras and scanners must open, lamp, buzzer and display say something.

The relay is not switched: a doctor who opens the door is no doctor.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

from drivers.buttons import NullButtons
from drivers.buzzer import Note, NullBuzzer
from drivers.camera import Camera, NullCamera
from drivers.frame import Frame
from drivers.led import Blink, Colour, NullLight
from drivers.oled import NullDisplay
from drivers.page import VerdictPage
from drivers.relay import NullRelay
from drivers.scanner import NullScanner
from station.config import Scanner, Settings
from station.contradictions import pins
from station.doctor.findings import Finding, fail, ok, warn

CAMERA_PATIENCE = 6.0
"""Seconds in which a camera must show its first frame."""

CAMERA_SETTLES = 1.0
"""Seconds after the first frame in which a camera finds its exposure and focus."""

DARK, BRIGHT, FLAT = 40.0, 225.0, 1.5
COLOURS: tuple[Colour, ...] = ("green", "amber", "red", "blue", "white")
SHOWN = 0.4
BEEP = (Note(1047.0, 0.15), Note(0.0, 0.05), Note(1568.0, 0.15))


def find_camera(settings: Settings) -> Iterator[Finding]:
    """Whether frames arrive, and whether a code could be read in them."""
    if isinstance(settings.camera, NullCamera):
        yield ok("camera", "none configured")
        return
    with settings.camera as camera:
        frame = _settled(camera)
    if frame is None:
        cure = "check its cable, and that no other program uses it"
        yield fail("camera", f"opens, and shows nothing within {CAMERA_PATIENCE:g} s", cure)
    else:
        yield judge_frame(frame)


def judge_frame(frame: Frame) -> Finding:
    """The finding for one frame: its size, and whether it is too dark, too bright, or shows no edges at all."""
    light, edges = measure(frame)
    told = f"{frame.width}x{frame.height}, light {light:.0f} of 255, sharpness {edges:.1f}"
    if light < DARK:
        return warn("camera", f"{told}: dark", "give the place where codes are held some light; take the lens cap off")
    if light > BRIGHT:
        return warn("camera", f"{told}: glaring", "turn it away from the lamp or the sun, or set exposure_us")
    if edges < FLAT:
        return warn(
            "camera", f"{told}: flat", "hold something up to it; if it stays flat, set the focus, wipe the lens"
        )
    return ok("camera", told)


def measure(frame: Frame) -> tuple[float, float]:
    """Mean luminance, and mean difference between neighbours, of some two hundred rows."""
    light = edges = count = 0
    for row in range(0, frame.height, max(1, frame.height // 200)):
        pixels = frame.pixels[row * frame.stride : row * frame.stride + frame.width].tolist()
        light += sum(pixels)
        edges += sum(abs(a - b) for a, b in itertools.pairwise(pixels))
        count += len(pixels)
    return light / count, edges / count


def find_scanner(scanner: Scanner) -> Iterator[Finding]:
    """Whether one scanner opens; when it does not, which ones are plugged in."""
    what = f"scanner ({scanner.device.source})"
    if isinstance(scanner.device, NullScanner):
        yield ok(what, "none configured")
        return
    with scanner.device as device:
        device.read(0.2)
    yield ok(what, "open and listening")


def find_plugged(folders: tuple[Path, ...] = (Path("/dev/input/by-id"), Path("/dev/serial/by-id"))) -> Finding:
    """The keyboards and serial lines that this board sees, by the names a configuration can give."""
    names = [path.name for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
    seen = [name for name in names if not name.endswith(("-mouse", "-event-mouse"))]
    return ok("plugged in", ", ".join(seen) if seen else "no keyboard or serial line with a name")


def find_light(settings: Settings) -> Iterator[Finding]:
    """The lamp in each colour, one after the other."""
    if isinstance(settings.led, NullLight):
        yield ok("lamp", "none configured")
        return
    with settings.led as lamp:
        for colour in COLOURS:
            lamp.show(colour, Blink())
            time.sleep(SHOWN)
    yield ok("lamp", f"showed {', '.join(COLOURS)}: did you see them?")


def find_buzzer(settings: Settings) -> Iterator[Finding]:
    """Two tones."""
    if isinstance(settings.buzzer, NullBuzzer):
        yield ok("buzzer", "none configured")
        return
    with settings.buzzer as buzzer:
        buzzer.play(BEEP)
        time.sleep(sum(note.seconds for note in BEEP) + 0.05)
    yield ok("buzzer", "sounded two tones: did you hear them?")


def find_display(settings: Settings) -> Iterator[Finding]:
    """A page with the place's name on it."""
    if isinstance(settings.display, NullDisplay):
        yield ok("display", "none configured")
        return
    with settings.display as display:
        display.show(VerdictPage("check", "Doctor", (settings.station.place_name or settings.station.name,)))
        time.sleep(SHOWN)
    yield ok("display", "showed a page: did you see it?")


def find_buttons(settings: Settings) -> Iterator[Finding]:
    """Whether the buttons can be watched."""
    if isinstance(settings.buttons, NullButtons):
        yield ok("buttons", "none configured")
        return
    with settings.buttons as buttons:
        pressed = buttons.read(0.1)
    if pressed is None:
        yield ok("buttons", "watched, none pressed")
    else:
        yield warn("buttons", f"{pressed} is pressed", "let go of it; if nobody holds it, check its wiring")


def find_relay(settings: Settings) -> Iterator[Finding]:
    """That there is one; it is not switched."""
    absent = isinstance(settings.relay, NullRelay)
    yield ok("relay", "none configured" if absent else "configured; the doctor does not open doors")


def find_pins(settings: Settings) -> Iterator[Finding]:
    """Which pins are taken, and whether this account can reach the board's pins at all."""
    used = [f"GPIO{pin} {section}" for section, _, (_, pin) in pins(settings)]
    if not used:
        yield ok("pins", "none configured")
        return
    chips = sorted(Path("/dev").glob("gpiochip*"))
    if not chips:
        yield fail("pins", "this board has no GPIO pins", "choose other drivers, or run on a board that has pins")
        return
    for chip in chips[:1]:
        chip.open("rb").close()
    yield ok("pins", ", ".join(used))


def _settled(camera: Camera) -> Frame | None:
    begun, first, frame = time.monotonic(), 0.0, None
    while (now := time.monotonic()) - begun < CAMERA_PATIENCE and not (first and now - first > CAMERA_SETTLES):
        seen = camera.frame(0.5)
        if seen is not None:
            frame, first = seen, first or now
    return frame
