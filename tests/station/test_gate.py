"""One presentation after another at a whole station: real journal, real HTTP, simulated devices."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import segno
from PIL import Image
from rig import DEVICES, Registry, Rig, now
from typed_keys import ENTER, tap, type_text

from core.model import (
    Capture,
    CodeKind,
    DestinationGroup,
    Direction,
    HealthGroup,
    Origin,
    Outcome,
    Reason,
    Source,
    Standing,
    Symbology,
)
from core.rules import GateRules
from core.words.keys import Label
from drivers.errors import DeviceError
from drivers.frame import Frame
from drivers.led import SimLight
from station.journal.reading import JournalReader
from station.reading.layouts import LAYOUTS

AN, BINH, CHI = "046090000001", "046090000002", "046090000003"


def declared(person: str, days: float = 1.0, **fields) -> Standing:
    return Standing(person * 16, now(), f"N*** {person}", health=HealthGroup(now() - timedelta(days=days), **fields))


@pytest.fixture
def registry() -> Registry:
    return Registry({AN: declared("aa"), BINH: declared("bb", symptoms=("fever",)), CHI: declared("cc")})


@pytest.fixture
def rig(tmp_path: Path, registry: Registry) -> Iterator[Rig]:
    rig = Rig(tmp_path, registry)
    yield rig
    rig.close()


def picture(*texts: str) -> Frame:
    """Codes side by side on white, as a camera frame."""
    wall = Image.new("L", (640, 480), 235)
    for place, text in enumerate(texts):
        code = segno.make(text, micro=False, error="m")
        size = code.symbol_size(scale=1, border=4)[0]
        one = Image.new("1", (size, size))
        one.putdata([module for row in code.matrix_iter(border=4) for module in (0 if m else 255 for m in row)])
        side = 300 if len(texts) == 1 else 260
        wall.paste(one.convert("L").resize((side, side), Image.Resampling.NEAREST), (20 + 310 * place, 90))
    return Frame(memoryview(wall.tobytes()), 640, 480, 640, 1)


def test_a_person_in_order_passes_and_the_row_says_so(rig):
    done = rig.scan(AN)
    assert (done.outcome, done.reasons, done.origin, done.seq) == (Outcome.PASS, (), Origin.HUB, 1)
    row = rig.rows[0]  # the opening of the relay may have followed
    assert (row.outcome, row.source, row.code_kind) == (Outcome.PASS, Source.SERIAL, CodeKind.CITIZEN_NUMBER)
    assert (row.gate, row.place, row.direction, row.policy_version) == ("venue", "dong-ba", Direction.IN, 1)
    assert [group.origin for group in row.groups] == [Origin.HUB] * 3


def test_a_lamp_that_lit_means_the_row_is_on_disk(tmp_path, registry):
    seen: list[int] = []
    rig = Rig(tmp_path, registry)
    light = rig.settings.led
    assert isinstance(light, SimLight)
    show = light.show

    def watched(colour, blink):
        if colour == "green":
            seen.append(len(JournalReader(tmp_path / "journal.db").latest(10)))
        show(colour, blink)

    light.show = watched
    try:
        rig.scan(AN)
        rig.wait(lambda: seen)
    finally:
        rig.close()
    assert seen[0] == 1


def test_the_same_code_again_is_a_repeat_that_writes_no_row(rig):
    rig.scan(AN)
    again = rig.scan(AN)
    assert (again.outcome, again.reasons, again.seq) == (Outcome.REPEAT, (Reason.ALREADY_SCANNED,), 0)
    assert rig.outcomes == [Outcome.PASS]


def test_the_same_person_with_another_code_is_a_repeat_too(rig, registry):
    registry.people["HS4460000000001"] = registry.people[AN]
    registry.people["C1234567"] = registry.people[AN]
    rig.scan(AN)
    assert rig.scan("C1234567").outcome is Outcome.REPEAT
    assert rig.outcomes == [Outcome.PASS]


def test_a_warn_is_judged_afresh_each_time(rig, registry):
    assert rig.scan(BINH).outcome is Outcome.WARN
    registry.people[BINH] = declared("bb")
    assert rig.scan(BINH).outcome is Outcome.PASS


def test_somebody_the_hub_does_not_know_warns_and_is_recorded(rig):
    done = rig.scan("046099999999")
    assert (done.outcome, done.reasons) == (Outcome.WARN, (Reason.NOT_FOUND,))
    assert rig.outcomes == [Outcome.WARN]


def test_a_wrong_code_is_never_asked_about_and_writes_no_row(rig, registry):
    done = rig.scan("https://example.vn/menu")
    assert (done.outcome, done.reasons) == (Outcome.WRONG_CODE, (Reason.IS_LINK,))
    assert rig.rows == []
    assert registry.asked == []


@pytest.mark.parametrize(
    "hostile", [b"\x00" * 4296, b"|" * 4000, b"[" * 4000, b"\x1b]0;x\x07\x1b[2J", b"HC1:" + b"A" * 4000]
)
def test_a_hostile_code_is_an_outcome_and_the_next_person_passes(rig, hostile):
    if not hostile.strip(b"\x00"):  # a line of NULs is no scan; a picture of them is a code like any other
        rig.station.captures.put(Capture(hostile, Symbology.QR, Source.CAMERA, now()))
        hostile_done = rig.next()
    else:
        hostile_done = rig.scan(hostile)
    assert hostile_done.outcome in (Outcome.WRONG_CODE, Outcome.WARN)
    assert rig.scan(AN).outcome is Outcome.PASS


def test_without_the_hub_the_gate_records_unverified_and_is_fast_from_then_on(rig, registry):
    registry.down = True
    first = rig.scan(CHI)
    assert (first.outcome, first.reasons) == (Outcome.UNVERIFIED, (Reason.HUB_UNREACHABLE,))
    rig.scan(BINH)
    assert rig.outcomes == [Outcome.UNVERIFIED, Outcome.UNVERIFIED]
    assert registry.asked == []


def test_without_the_hub_what_it_last_said_still_counts_and_says_that_it_is_held(rig, registry):
    rig.scan(BINH)
    registry.down = True
    rig.wait(lambda: rig.scan(BINH).origin is Origin.MEMORY)
    held = rig.rows[-1]
    assert held.reasons == (Reason.SYMPTOMS, Reason.HELD_ANSWER)
    assert held.groups[1].origin is Origin.MEMORY


def test_every_row_reaches_the_hub_exactly_as_recorded(rig, registry):
    for number in (AN, BINH, CHI):
        rig.scan(number)
    journal = JournalReader(rig.settings.data / "journal.db")
    rig.wait(lambda: [row.type for row in rig.rows].count("opening") == 2)
    rig.wait(lambda: len(registry.held) == len(list(journal.export())) == 5)
    epoch = rig.rows[0].epoch
    assert list(journal.export()) == [registry.held[f"{epoch}/{seq}"] for seq in range(1, 6)]


def test_the_guard_decides_after_a_warn_by_button(rig):
    rig.scan(BINH)
    rig.settings.buttons.press("admitted")
    rig.wait(lambda: len(rig.rows) >= 2)
    warn, decision = rig.rows[:2]
    assert (decision.type, decision.decision, decision.about, decision.tag) == ("decision", "admitted", 1, warn.tag)


def test_whom_the_guard_admitted_is_judged_afresh_and_a_pass_then_repeats(rig, registry):
    rig.scan(BINH)
    rig.settings.buttons.press("admitted")
    rig.wait(lambda: "decision" in [row.type for row in rig.rows])
    assert rig.scan(BINH).outcome is Outcome.WARN
    registry.people[BINH] = declared("bb")
    rig.wait(lambda: rig.scan(BINH).outcome is Outcome.PASS)
    assert rig.scan(BINH).outcome is Outcome.REPEAT


def test_whom_the_guard_admitted_has_gone_in(tmp_path, registry):
    registry.rules = GateRules(anti_passback=True)
    rig = Rig(tmp_path, registry)
    try:
        assert rig.scan(BINH).reasons == (Reason.SYMPTOMS,)
        rig.settings.buttons.press("admitted")
        rig.wait(lambda: "decision" in [row.type for row in rig.rows])
        assert rig.scan(BINH).reasons == (Reason.SYMPTOMS, Reason.ALREADY_INSIDE)
    finally:
        rig.close()


def test_a_button_with_nothing_to_decide_records_nothing(rig):
    rig.scan(AN)
    rig.settings.buttons.press("turned-away")
    rig.scan(CHI)
    assert [row.type for row in rig.rows if row.type != "opening"] == ["checkin", "checkin"]


def test_each_opening_of_the_door_is_recorded(rig):
    rig.scan(AN)
    rig.wait(lambda: [row.type for row in rig.rows] == ["checkin", "opening"])
    assert rig.rows[1].cause == "pass"
    rig.settings.relay.ring()
    rig.wait(lambda: [row.cause for row in rig.rows if row.type == "opening"] == ["pass", "emergency"])


def test_a_toggle_gate_lets_out_whom_it_let_in(tmp_path, registry):
    registry.rules = GateRules(toggle_after=0)
    rig = Rig(
        tmp_path,
        registry,
    )
    rig.station.gate.doorway = rig.station.gate.doorway.__class__(
        rig.station.gate.doorway.kind, "dong-ba", "", Direction.TOGGLE
    )
    try:
        assert [rig.scan(AN).direction for _ in range(3)] == [Direction.IN, Direction.OUT, Direction.IN]
    finally:
        rig.close()


def test_the_hubs_last_destination_scan_counts_against_passing_back(rig, registry, tmp_path):
    inside = DestinationGroup(now() - timedelta(hours=1), "dong-ba", direction=Direction.IN)
    standing = declared("dd")
    registry.people["046090000009"] = Standing(
        standing.person, standing.as_of, "", destination=inside, health=standing.health
    )
    registry.rules = GateRules(anti_passback=True)
    strict = Rig(tmp_path / "strict", registry)
    try:
        assert strict.scan("046090000009").reasons == (Reason.ALREADY_INSIDE,)
    finally:
        strict.close()


def test_two_sources_at_once_are_both_read(rig):
    rig.settings.camera.hold_up(picture(AN), 60)
    rig.settings.scanners[1].device.press([*type_text(LAYOUTS["us"], CHI), *tap(ENTER)])
    sources = {rig.next().source, rig.next().source}
    assert sources == {Source.CAMERA, Source.HID}
    assert rig.outcomes == [Outcome.PASS, Outcome.PASS]


def test_two_codes_in_view_are_two_presentations(rig):
    rig.settings.camera.hold_up(picture(AN, CHI), 60)
    assert {rig.next().outcome, rig.next().outcome} == {Outcome.PASS}
    assert rig.nothing_more()


def test_a_lamp_that_fails_never_stops_a_presentation(rig):
    def broken(*_):
        raise DeviceError("lamp", "the wire is off", "put it back")

    rig.settings.led.show = broken
    assert rig.scan(AN).outcome is Outcome.PASS
    assert rig.scan(CHI).outcome is Outcome.PASS
    assert "wire is off" in rig.station.panel.health()["lamp"]


def test_a_station_that_can_read_nothing_says_so_until_it_can(tmp_path, registry):
    only_camera = "\n".join(part for part in DEVICES.split("[[scanner]]")[:1]) + '[led]\ndriver = "sim"\n'
    rig = Rig(tmp_path, registry, devices=only_camera)
    try:
        rig.settings.camera.unplug()
        rig.wait(lambda: rig.station.panel.face.colour == "red")
        rig.settings.camera.plug_in()
        rig.wait(lambda: rig.station.panel.face.colour == "off")
        rig.settings.camera.hold_up(picture(AN), 60)
        assert rig.next().outcome is Outcome.PASS
    finally:
        rig.close()


def test_a_lost_way_to_read_beside_another_is_shown_and_no_fault(rig):
    camera = rig.settings.camera
    idle = rig.station._idle
    rig.wait(lambda: idle().lost == ())
    camera.unplug()
    rig.wait(lambda: idle().lost == (Label.CAMERA_LOST,))
    assert idle().troubles == ()
    rig.wait(lambda: getattr(rig.station.panel.face.page, "sign", "") == "wrench")
    camera.plug_in()
    rig.wait(lambda: idle().lost == ())


def test_a_station_is_ready_when_it_reads_with_one_thing_or_has_tried_all_in_vain(tmp_path, registry):
    scanner = '[[scanner]]\ndriver = "serial"\nport = "/dev/nothing-here"\n'
    blind = Rig(tmp_path / "blind", registry, devices=scanner)
    try:
        blind.wait(lambda: blind.station.outfit.sight().settled)
        assert blind.station.outfit.sight().told == "without scanner 1 (serial): it is not there"
    finally:
        blind.close()
    half = Rig(tmp_path / "half", registry, devices=scanner + '[camera]\ndriver = "sim"\n')
    try:
        half.wait(lambda: "reads" in half.station.outfit.sight().told)
        assert half.station.outfit.sight().settled
        half.wait(
            lambda: half.station.outfit.sight().told == "reads with camera, without scanner 1 (serial): it is not there"
        )
    finally:
        half.close()


def test_a_journal_without_room_is_a_fault_that_ends_when_the_hub_takes_rows(tmp_path, registry):
    registry.down = True
    rig = Rig(tmp_path, registry, more="[journal]\nmax_bytes = 262144\nkeep_days = 0\n")
    try:
        outcomes = []
        while Outcome.FAULT not in outcomes:
            outcomes.append(rig.scan(f"046{len(outcomes) + 1:09}").outcome)
        assert set(outcomes) == {Outcome.UNVERIFIED, Outcome.FAULT}
        rig.wait(lambda: rig.station.panel.face.colour == "red")
        registry.down = False
        rig.station.lookups.reachable()
        rig.station.sync.carrier._pause.end()  # which has grown with every failure
        rig.wait(lambda: len(registry.held) == len(outcomes) - 1, 60)
        rig.station.sync._erase_next = 0.0
        rig.station.sync.wake.set()
        rig.wait(lambda: rig.scan(AN).outcome is not Outcome.FAULT)
    finally:
        rig.close()


def test_the_log_names_outcomes_and_never_people(rig, caplog):
    with caplog.at_level(logging.DEBUG):
        for number in (AN, BINH, "HS4460000000001", "Nguyễn Văn An"):
            rig.scan(number)
    told = " ".join(str(record.__dict__) for record in caplog.records)
    assert "presentation" in told
    for secret in (AN, BINH, "HS4460000000001", "Văn An", "N*** aa"):
        assert secret not in told


def test_a_loop_that_dies_ends_the_service_naming_itself(rig, caplog):
    def bug(*_):
        raise ZeroDivisionError

    rig.settings.camera.frame = bug
    rig.wait(lambda: rig.code is not None)
    assert (rig.code, rig.station.service.died) == (70, "camera")
    assert any(record.levelname == "CRITICAL" for record in caplog.records)
