"""The panel on simulated and broken devices: what the world sees and hears, in which order, and what cannot stop it."""

from __future__ import annotations

import io
import logging
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from core.model import Direction, Outcome, Reason, Verdict
from core.signals import SIGNALS, Sign
from drivers.buzzer import NullBuzzer, SimBuzzer
from drivers.drawing import draw
from drivers.errors import DeviceError
from drivers.led import NullLight, SimLight
from drivers.oled import NullDisplay, SimDisplay
from drivers.page import AlarmPage, GroupsPage, IdlePage, Page, TextPage, VerdictPage
from drivers.relay import NullRelay, SimRelay
from station.panel import IdleFacts, Panel, Shown
from station.sections import Quiet, Release

HUE = ZoneInfo("Asia/Ho_Chi_Minh")
AT = datetime(2021, 11, 23, 7, 5, tzinfo=UTC)  # 14:05 in Huế
NIGHT = datetime(2021, 11, 23, 16, 30, tzinfo=UTC)  # 23:30 in Huế
IDLE = IdleFacts("Chợ Đông Ba", AT, linked=True)
PASS, WARN, FAULT = Outcome.PASS, Outcome.WARN, Outcome.FAULT


@dataclass
class Gate:
    """A panel with its devices, all of them simulated unless a test gives others."""

    panel: Panel
    light: SimLight
    buzzer: SimBuzzer
    display: SimDisplay
    relay: SimRelay

    @property
    def page(self) -> Page:
        assert self.panel.settle(60)
        return self.display.page


@pytest.fixture
def build():
    with ExitStack() as stack:

        def build(light=None, buzzer=None, display=None, relay=None, **options) -> Gate:
            devices = (light or SimLight(), buzzer or SimBuzzer(), display or SimDisplay(), relay or SimRelay())
            for device in devices:
                stack.enter_context(device)
            options = {"release": Release(seconds=60)} | options  # no door shuts before a test has seen it open
            return Gate(stack.enter_context(Panel(*devices, zone=HUE, **options)), *devices)

        yield build


def shown(outcome: Outcome, *reasons: Reason, at: datetime = AT, **parts: object) -> Shown:
    return Shown(Verdict(outcome, reasons), parts.pop("direction", Direction.IN), at, **parts)


def test_before_it_can_read_the_station_says_that_it_starts(build):
    assert build().page.headline == "KHỞI ĐỘNG"


def test_a_presentation_lights_the_lamp_then_sounds_then_paints(build):
    gate = build()
    gate.panel.present(shown(PASS, name_masked="Ng*** V** Ánh"))
    assert gate.light.colour == "green"
    assert gate.page == VerdictPage("check", "MỜI VÀO", ("Hợp lệ", "COME IN"), "Ng*** V** Ánh")
    assert gate.light.history[-1].at <= gate.buzzer.history[0].at <= gate.display.history[-1].at


def test_pages_turn_and_the_lamp_goes_out_in_their_time(build):
    gate = build()
    gate.panel.present(shown(PASS), now=100.0)
    for now, kind, colour in [(101.9, VerdictPage, "green"), (102.0, GroupsPage, "green"), (104.0, IdlePage, "off")]:
        gate.panel.tick(IDLE, now)
        assert isinstance(gate.page, kind)
        assert gate.light.colour == colour


def test_a_newer_presentation_cuts_in_at_once(build):
    gate = build()
    gate.panel.present(shown(WARN, Reason.NO_HEALTH), now=100.0)
    gate.panel.tick(IDLE, 105.0)
    gate.panel.present(shown(PASS), now=105.1)
    assert gate.light.colour == "green"
    assert gate.page.headline == "MỜI VÀO"
    gate.panel.tick(IDLE, 106.9)
    assert gate.page.headline == "MỜI VÀO"


@pytest.mark.parametrize("direction", [Direction.IN, Direction.OUT])
def test_the_direction_shows(build, direction):
    gate = build()
    gate.panel.present(shown(PASS, direction=direction))
    assert gate.page.shape == ("check" if direction is Direction.IN else "exit")


def test_the_lamp_shines_as_long_as_the_signal_stands(build):
    gate = build()
    gate.panel.present(shown(WARN, Reason.ZONE), now=0.0)
    gate.panel.tick(IDLE, SIGNALS[Sign.WARN].seconds - 0.1)
    assert gate.panel.face.colour == "amber"
    gate.panel.tick(IDLE, SIGNALS[Sign.WARN].seconds)
    assert gate.panel.face.colour == "off"


# --- nobody there


def test_the_idle_page_changes_at_most_once_a_second(build):
    gate = build()
    for step in range(40):  # ten seconds, four a second, the backlog growing all the time
        gate.panel.tick(IdleFacts("x", AT, backlog=step), 100 + step / 4)
    assert gate.panel.settle(60)
    idle = [painted for painted in gate.display.history if isinstance(painted.page, IdlePage)]
    assert len(idle) <= 11


def test_the_same_page_is_not_painted_twice(build):
    gate = build()
    assert gate.panel.settle(60)
    for step in range(20):
        gate.panel.tick(IDLE, 100 + step / 4)
        assert gate.panel.settle(60)
    assert len(gate.display.history) == 2  # starting, idle


def test_a_standing_fault_takes_display_and_lamp_over_until_it_is_gone(build):
    gate = build()
    broken = IdleFacts("x", AT, troubles=(Reason.JOURNAL_FULL,))
    gate.panel.tick(broken, 10.0)
    assert gate.page == AlarmPage("wrench", "LỖI")
    assert (gate.panel.face.colour, gate.panel.face.blink.off) == ("red", 0.1)
    gate.panel.tick(broken, 12.1)
    assert gate.page == TextPage("Bộ nhớ máy đầy", "Storage is full", 1, 2, inverted=True)
    gate.panel.tick(IDLE, 13.0)
    assert isinstance(gate.page, IdlePage)
    assert gate.panel.face.colour == "off"


# --- quiet hours


def test_quiet_hours_silence_the_buzzer_and_never_the_lamp(build):
    gate = build(quiet=Quiet(start="22:00", end="06:00"))
    gate.panel.present(shown(PASS, at=NIGHT))
    assert gate.light.colour == "green"
    assert list(gate.buzzer.history) == []
    assert gate.panel.face.tune == ()


def test_a_fault_is_loud_at_night_too(build):
    gate = build(quiet=Quiet(start="22:00", end="06:00"))
    gate.panel.present(shown(FAULT, Reason.JOURNAL_FULL, at=NIGHT))
    assert gate.buzzer.history[0].hertz > 0


def test_by_day_the_buzzer_sounds(build):
    gate = build(quiet=Quiet(start="22:00", end="06:00"))
    gate.panel.present(shown(PASS))
    assert gate.buzzer.history[0].hertz > 0


# --- the door and the guard


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_door_opens_for_a_pass_and_nothing_else(build, outcome):
    gate = build()
    gate.panel.present(shown(outcome))
    assert gate.relay.is_open == (outcome is PASS)


def test_admitted_opens_the_door_when_it_is_to(build):
    for wanted in (True, False):
        gate = build(release=Release(seconds=60, on_admitted=wanted))
        gate.panel.present(shown(WARN, Reason.NO_HEALTH))
        gate.panel.decided("admitted")
        assert gate.relay.is_open == wanted
        assert gate.page == VerdictPage("admitted", "CHO QUA", ("Đã ghi lại", "ADMITTED"))


def test_turned_away_shows_red_and_opens_nothing(build):
    gate = build()
    gate.panel.decided("turned-away")
    assert (gate.light.history[0].colour, gate.relay.is_open) == ("red", False)


# --- trouble


class CutLight(SimLight):
    """A lamp whose wire can be cut."""

    cut = False

    def _shine(self, colour):
        if self.cut:
            raise DeviceError("lamp on GPIO17", "line lost", "check the wiring")
        super()._shine(colour)


class CutDisplay(SimDisplay):
    """A display whose cable can be pulled; ``tries`` counts."""

    cut = False
    tries = 0

    def show(self, page):
        self.tries += 1
        if self.cut:
            raise DeviceError("display", "no answer", "check the cable")
        super().show(page)


class SlowDisplay(SimDisplay):
    """A display that takes its time: until ``finish`` is set."""

    def __post_init__(self):
        super().__post_init__()
        self.begun, self.finish = threading.Event(), threading.Event()

    def show(self, page):
        self.begun.set()
        assert self.finish.wait(60)
        super().show(page)


def test_a_lamp_that_fails_stops_nothing_and_is_told_once(build, caplog):
    gate = build(light=CutLight())
    gate.light.cut = True
    with caplog.at_level(logging.INFO):
        for second in range(5):
            gate.panel.present(shown(PASS, name_masked=f"N{second}"))
        assert gate.page.foot == "N4"
        assert gate.buzzer.history[0].hertz > 0
        assert gate.relay.is_open
        assert len(caplog.records) == 1
        assert gate.panel.health()["lamp"].startswith("lamp on GPIO17: line lost")
        gate.light.cut = False
        gate.panel.present(shown(PASS))
    assert len(caplog.records) == 2
    assert gate.panel.health() == {"lamp": "", "buzzer": "", "display": "", "relay": ""}


def test_a_lamp_that_comes_back_shows_what_it_should_be_showing(build):
    gate = build(light=CutLight())
    gate.light.cut = True
    gate.panel.present(shown(WARN, Reason.ZONE), now=100.0)
    gate.panel.tick(IDLE, 101.0)
    gate.light.cut = False
    gate.panel.tick(IDLE, 101.1)
    assert not gate.light.history  # not its turn yet: it is tried after longer and longer pauses
    gate.panel.tick(IDLE, 105.0)
    assert gate.light.history[0].colour == "amber"  # which blinks by itself from then on


def test_a_display_that_fails_is_tried_again_until_it_shows_the_newest_page(build, caplog, monkeypatch):
    monkeypatch.setattr("station.guard.FIRST_PAUSE", 0.001)
    gate = build(display=CutDisplay())
    assert gate.panel.settle(60)
    gate.display.cut = True
    with caplog.at_level(logging.INFO):
        gate.panel.present(shown(PASS))
        assert gate.panel.settle(60)
        assert gate.panel.health()["display"]
        gate.display.cut = False
        healed = threading.Event()
        for _ in range(30_000):
            if gate.panel.health()["display"] == "":
                healed.set()
                break
            threading.Event().wait(0.001)
    assert healed.is_set()
    assert gate.display.page.headline == "MỜI VÀO"
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_slow_display_keeps_nobody_waiting_and_skips_to_the_newest_page(build):
    gate = build(display=SlowDisplay())
    assert gate.display.begun.wait(30)
    for number in range(3):
        gate.panel.present(shown(PASS, name_masked=f"N{number}"))
        assert gate.light.colour == "green"
    gate.display.finish.set()
    assert gate.page.foot == "N2"
    assert len(gate.display.history) == 2  # starting, the newest


class BuggyDisplay(SimDisplay):
    """A display whose driver has a bug."""

    def show(self, page):
        raise ZeroDivisionError


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_the_displays_loop_is_not_hidden(build):
    gate = build(display=BuggyDisplay())
    gate.panel._screen._thread.join(30)
    with pytest.raises(RuntimeError, match="display"):
        gate.panel.present(shown(PASS))
    assert gate.light.colour == "green"


def test_a_panel_without_any_device_still_has_a_face(build):
    gate = build(NullLight(), NullBuzzer(), NullDisplay(), NullRelay())
    gate.panel.present(shown(PASS))
    gate.panel.decided("admitted")
    assert gate.panel.face.page.headline == "CHO QUA"


# --- the face


def test_the_face_is_what_people_see_and_hear(build):
    gate = build()
    gate.panel.present(shown(WARN, Reason.NO_HEALTH))
    face = gate.panel.face
    assert Image.open(io.BytesIO(face.png())).tobytes() == draw(gate.page).tobytes()
    assert (face.colour, face.blink.on, face.blink.off) == ("amber", 0.5, 0.5)
    assert [note.hertz for note in face.tune] == [hertz for hertz, _ in SIGNALS[Sign.WARN].tune]


def test_the_same_signal_twice_sounds_and_lights_anew(build):
    gate = build()
    gate.panel.present(shown(PASS))
    before = gate.panel.face
    gate.panel.present(shown(PASS))
    after = gate.panel.face
    assert (after.tune_seq, after.lamp_seq) == (before.tune_seq + 1, before.lamp_seq + 1)
    assert after.seq > before.seq


def test_who_waits_for_a_newer_face_gets_it(build):
    gate = build()
    seq = gate.panel.face.seq
    found = []
    waiting = threading.Thread(target=lambda: found.append(gate.panel.face_after(seq, 30)), daemon=True)
    waiting.start()
    gate.panel.present(shown(PASS))
    waiting.join(30)
    assert found[0].seq > seq
    assert gate.panel.face_after(gate.panel.face.seq, 0.01) == gate.panel.face


def test_a_clock_before_any_presentation_is_in_the_gates_own_time(build):
    gate = build()
    gate.panel.tick(IdleFacts("x", AT + timedelta(hours=1)), 5.0)
    assert gate.page.clock == "15:05"
