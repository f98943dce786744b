"""Orders at a whole station on simulated devices: believed, noted, carried out once, answered."""

from __future__ import annotations

import base64
import gzip
import itertools
import logging
import os
import sqlite3
import time
from datetime import timedelta

import pytest
from rig import DEVICES, SIGNING_PRIVATE, Registry, Rig, now
from test_clock import UNSYNCHRONISED

from core import keys, orders, rows, wire
from core.model import Direction, HealthGroup, Standing
from core.orders import Order, Result
from station.clock import Clock
from station.journal.orders import OrderBook
from station.journal.reading import JournalReader
from station.orders import power

MINUTES = timedelta(minutes=1)
NUMBER = "046193990001"
_numbers = itertools.count(1)


def order(task: orders.Task, station: str = "gate-1", **said: object) -> Order:
    number = next(_numbers)
    fields = {"issued": now(), "not_after": now() + 5 * MINUTES, "id": f"{number:016x}", "nonce": f"{number:032x}"}
    return Order(station=station, task=task, **(fields | said))


def document(made: Order, private: bytes = SIGNING_PRIVATE) -> bytes:
    return wire.encode(orders.sign(private, made))


class Commanded:
    """A station and what it says of orders."""

    def __init__(self, folder, *, ahead: timedelta = timedelta(0), **more) -> None:
        known = Standing("person-1", now(), name_masked="N*** V** Ánh", health=HealthGroup(now()))
        self.registry = Registry(people={NUMBER: known}, ahead=ahead)
        self.rig = Rig(folder, self.registry, **more)
        self.station = self.rig.station
        self.rig.wait(lambda: self.station.clock.judged() is not None)

    def give(self, *documents: bytes) -> None:
        for each in documents:
            self.station.sync.mail.offer(each)
        self.station.sync.wake.set()

    def results(self, made: Order) -> list[Result]:
        return [each for each in self.registry.results if each.order == made.id]

    def wait_for(self, made: Order, count: int = 1) -> Result:
        """The last of so many final words."""

        def final() -> list[Result]:
            return [each for each in self.results(made) if each.status != "in-progress"]

        self.rig.wait(lambda: len(final()) >= count)
        return final()[count - 1]

    def carry_out(self, task: orders.Task, **said: object) -> Result:
        made = order(task, **said)
        self.give(document(made))
        return self.wait_for(made)

    @property
    def openings(self) -> list[str]:
        return [row.cause for row in self.rig.rows if row.type == "opening"]


@pytest.fixture
def gate(tmp_path):
    commanded = Commanded(tmp_path)
    yield commanded
    commanded.rig.close()


def face(gate: Commanded):
    return gate.station.panel.face


def test_identify_flashes_beeps_and_shows_the_name_while_presentations_go_on(gate):
    def shone() -> list[str]:
        return [each.colour for each in list(gate.rig.settings.led.history)]

    assert gate.carry_out(orders.Identify(60)).status == "succeeded"
    gate.rig.wait(lambda: getattr(face(gate).page, "text", "") == "gate-1")
    assert (face(gate).colour, bool(face(gate).tune)) == ("blue", True)
    assert gate.rig.scan(NUMBER).outcome == "pass"
    assert "green" in shone()
    gate.rig.wait(lambda: "blue" in shone()[shone().index("green") :])


def test_a_signal_test_shows_every_signal_as_a_test_and_opens_nothing(gate):
    def seen() -> set[str]:
        return {getattr(each.page, "foot", "") for each in list(gate.rig.settings.display.history)}

    every = {f"THỬ TÍN HIỆU {number}/12" for number in range(1, 13)}
    until = time.monotonic() + 120
    while not every <= seen():  # at the first time, unless this machine stands still over one of them
        assert time.monotonic() < until
        assert "12 signals" in gate.carry_out(orders.TrySignals(1)).words
        over = time.monotonic() + 15
        gate.rig.wait(lambda over=over: every <= seen() or time.monotonic() > over)
    assert gate.openings == []


def test_an_order_delivered_thrice_is_carried_out_once_and_answered_thrice(gate):
    made = order(orders.OpenOnce())
    gate.give(document(made), document(made), document(made))
    gate.wait_for(made, 3)
    assert {each.status for each in gate.results(made)} == {"in-progress", "succeeded"}
    assert gate.openings == ["command"]


@pytest.mark.parametrize(
    ("made", "private"),
    [(order(orders.OpenOnce()), keys.new_signing_key()[0]), (order(orders.OpenOnce(), "gate-2"), SIGNING_PRIVATE)],
    ids=["forged", "another station's"],
)
def test_what_is_none_of_ours_is_dropped_and_counted(gate, made, private):
    gate.give(document(made, private), b"rubbish", b"[" * 100_000)
    gate.rig.wait(lambda: gate.station.status().orders.dropped == 3)
    assert gate.carry_out(orders.CloseDoor()).status == "succeeded"
    assert gate.results(made) == []
    assert gate.openings == []


def test_an_expired_order_is_refused_by_the_hubs_time_and_never_carried_out(tmp_path):
    clock = Clock(kernel=UNSYNCHRONISED, chip=tmp_path / "no-chip")
    gate = Commanded(tmp_path, ahead=timedelta(hours=1), clock=clock)
    try:
        made = order(orders.OpenOnce())
        gate.give(document(made))
        assert gate.wait_for(made).status == "rejected"
        assert "expired at" in gate.wait_for(made).words
        assert gate.openings == []
    finally:
        gate.rig.close()


def test_hold_open_is_bounded_recorded_and_closed_again(gate):
    relay = gate.rig.settings.relay
    assert gate.carry_out(orders.HoldOpen(600)).words == "the door is held open for 600 s"
    assert relay.is_open
    assert gate.carry_out(orders.CloseDoor()).status == "succeeded"
    assert not relay.is_open
    assert gate.rig.scan(NUMBER).outcome == "pass"
    gate.rig.wait(lambda: gate.openings == ["command", "pass"])


def test_no_order_moves_the_door_that_the_emergency_input_has_opened(gate):
    relay = gate.rig.settings.relay
    relay.ring()
    gate.rig.wait(lambda: gate.openings == ["emergency"])
    for task in (orders.HoldOpen(5), orders.OpenOnce(), orders.CloseDoor()):
        result = gate.carry_out(task)
        assert (result.status, "emergency input" in result.words) == ("rejected", True)
    assert relay.is_open
    assert gate.openings == ["emergency"]


def test_the_log_comes_compressed_and_names_nobody(gate, caplog):
    caplog.set_level("INFO")
    logging.getLogger("station.test").info("a fault that quotes %s", NUMBER)
    assert gate.rig.scan(NUMBER).outcome == "pass"
    result = gate.carry_out(orders.Logs(1000))
    text = gzip.decompress(_data(gate, result)).decode()
    assert (result.status, result.media) == ("succeeded", "application/gzip")
    assert '"message": "presentation"' in text
    assert [secret for secret in (NUMBER, "Ánh", "person-1") if secret in text] == []


def test_a_log_longer_than_a_message_comes_in_parts(gate):
    for number in range(3000):
        logging.getLogger("station.test").warning("line %s %s", number, os.urandom(40).hex())
    made = order(orders.Logs(5000, 512))
    gate.give(document(made))
    gate.rig.wait(lambda: gate.results(made)[1:] and len(gate.results(made)) == 1 + gate.results(made)[1].parts)
    assert gate.results(made)[1].parts > 1
    text = gzip.decompress(b"".join(_bytes(each) for each in gate.results(made)[1:]))
    assert b"line 2999" in text


def test_a_picture_is_taken_in_aiming_mode_only_and_kept_nowhere(gate, tmp_path):
    result = gate.carry_out(orders.Snapshot())
    assert (result.status, "aiming mode only" in result.words) == ("rejected", True)
    assert gate.carry_out(orders.Aim(60)).status == "succeeded"
    gate.rig.wait(lambda: getattr(face(gate).page, "headline", "") == "CHỈNH MÁY")
    assert gate.station.status().orders.aiming > 0
    result = gate.carry_out(orders.Snapshot())
    assert (result.media, _data(gate, result)[:3]) == ("image/jpeg", b"\xff\xd8\xff")
    assert gate.carry_out(orders.Aim(0)).status == "succeeded"
    assert gate.carry_out(orders.Snapshot()).status == "rejected"
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"\xff\xd8\xff" in path.read_bytes()]


def test_a_place_and_a_direction_are_taken_on_kept_over_a_restart_and_given_back(tmp_path):
    gate = Commanded(tmp_path)
    try:
        assert gate.carry_out(orders.SetPlace("ga-hue", "Ga Huế", Direction.OUT)).status == "succeeded"
        gate.rig.scan(NUMBER)
        gate.rig.wait(lambda: gate.rig.rows)
        assert (gate.rig.rows[-1].place, gate.rig.rows[-1].direction) == ("ga-hue", Direction.OUT)
        assert gate.station.status().place == "ga-hue"
    finally:
        gate.rig.close()
    gate = Commanded(tmp_path)
    try:
        assert gate.station.gate.doorway.place_name == "Ga Huế"
        assert gate.carry_out(orders.SetPlace()).words == "this gate is dong-ba, in"
        assert gate.station.status().ordered is None
    finally:
        gate.rig.close()


def test_quiet_hours_are_taken_on_and_given_back(gate):
    here = now().astimezone(gate.rig.settings.station.zone)
    begin, end = (f"{here + hours * timedelta(hours=1):%H:%M}" for hours in (-1, 1))
    assert gate.carry_out(orders.QuietHours(begin, end)).status == "succeeded"
    gate.rig.scan("046193999999")
    assert face(gate).tune == ()
    assert gate.carry_out(orders.QuietHours()).words == "quiet hours as configured"


def test_rows_are_brought_once_more(gate):
    for _ in range(3):
        gate.rig.scan(f"04619399{next(_numbers):04}")
    gate.rig.wait(lambda: len(gate.registry.held) == 3)
    epoch = gate.rig.rows[0].epoch
    gate.registry.held.clear()
    assert "2 rows" in gate.carry_out(orders.Resend(epoch, 2, 3)).words
    gate.rig.wait(lambda: sorted(gate.registry.held) == [f"{epoch}/2", f"{epoch}/3"])
    assert gate.carry_out(orders.Resend(epoch, 7, 9)).status == "rejected"


def test_an_erased_persons_rows_are_emptied_and_the_chain_stays_whole(gate):
    assert gate.rig.scan(NUMBER).outcome == "pass"
    assert gate.rig.scan("046193990002").outcome != "pass"
    first = gate.rig.rows[0]
    result = gate.carry_out(orders.Erase(first.epoch, (1, 99)))
    assert result.words == "1 rows emptied, 1 were gone or empty already"
    (proof,) = JournalReader(gate.rig.settings.journal_path).prove()
    assert proof.broken is None
    assert 1 not in [row.seq for row in gate.rig.rows], "what is left of it is no row any more"
    assert first.sealed.encode() not in b"".join(
        path.read_bytes() for path in gate.rig.settings.data.glob("journal.db*")
    )
    gate.registry.down = True
    seen = gate.rig.scan(NUMBER)
    assert (seen.outcome, seen.origin) == ("unverified", "none"), "neither the pass nor the standing is remembered"


def test_an_erased_row_travels_as_its_place_in_the_chain(gate):
    gate.rig.scan(NUMBER)
    gate.rig.wait(lambda: gate.registry.held)
    epoch = gate.rig.rows[0].epoch
    key = f"{epoch}/1"
    raw = gate.registry.held[key]
    gate.carry_out(orders.Erase(epoch, (1,)))
    gate.carry_out(orders.Resend(epoch, 1, 1))
    gate.rig.wait(lambda: gate.registry.held[key] != raw)
    assert rows.decode_emptied(gate.registry.held[key]).emptied == rows.digest(raw)


def test_a_restart_ends_the_service_with_a_code_of_its_own_and_is_told_after_it(tmp_path, monkeypatch):
    monkeypatch.setenv("INVOCATION_ID", "systemd")
    made = order(orders.Restart())
    gate = Commanded(tmp_path)
    gate.give(document(made))
    gate.rig.wait(lambda: gate.rig.code is not None)
    gate.rig.close()
    assert gate.rig.code == power.EXIT_AGAIN
    gate = Commanded(tmp_path)
    try:
        assert gate.wait_for(made).words == "the service was started again"
        gate.give(document(made))
        assert gate.wait_for(made, 2).status == "succeeded"
        assert gate.rig.code is None, "it is not done again"
    finally:
        gate.rig.close()


def test_a_restart_that_nobody_would_undo_is_refused(gate, monkeypatch):
    monkeypatch.delenv("INVOCATION_ID", raising=False)
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert "does not run under systemd" in gate.carry_out(orders.Restart()).words


@pytest.mark.parametrize(("command", "cure"), [('["/bin/false"]', "polkit"), ("[]", "allows no reboot")])
def test_a_reboot_that_is_not_permitted_is_refused_with_the_cure(tmp_path, command, cure):
    gate = Commanded(tmp_path, more=f"\n[orders]\nreboot_command = {command}\n")
    try:
        result = gate.carry_out(orders.Reboot())
        assert (result.status, cure in result.words) == ("rejected", True)
    finally:
        gate.rig.close()


@pytest.mark.parametrize(
    ("task", "status", "openings"),
    [(orders.OpenOnce(), "failed", []), (orders.Erase("0" * 16, (1,)), "succeeded", [])],
    ids=["open", "erase"],
)
def test_an_order_over_which_the_station_went_down_is_never_done_twice_and_says_so(tmp_path, task, status, openings):
    made = order(task)
    book = OrderBook(tmp_path / "orders.db")
    assert book.begin(made, orders.kind_of(task), document(made), "boot", now()) == ""
    book.close()  # killed here: noted, not carried out
    gate = Commanded(tmp_path)
    try:
        assert gate.wait_for(made).status == status
        gate.give(document(made))
        assert gate.wait_for(made, 2).status == status
        assert gate.openings == openings
    finally:
        gate.rig.close()


def test_what_cannot_be_noted_is_not_done(gate):
    holder = sqlite3.connect(gate.rig.settings.data / "orders.db", isolation_level=None)
    gate.carry_out(orders.CloseDoor())
    holder.execute("BEGIN IMMEDIATE")
    made = order(orders.OpenOnce())
    gate.give(document(made))
    result = gate.wait_for(made)
    holder.execute("ROLLBACK")
    holder.close()
    assert (result.status, "cannot be noted" in result.words) == ("rejected", True)
    assert gate.openings == []


def test_after_a_lost_book_no_order_from_before_is_carried_out(tmp_path):
    early = order(orders.OpenOnce(), issued=now() - MINUTES)
    (tmp_path / "orders.db").write_bytes(b"rubbish" * 1000)
    gate = Commanded(tmp_path)
    try:
        gate.give(document(early))
        assert "lost its book" in gate.wait_for(early).words
        time.sleep(0.01)
        assert gate.carry_out(orders.OpenOnce()).status == "succeeded"
        assert gate.openings == ["command"]
    finally:
        gate.rig.close()


def test_a_gate_without_a_door_or_a_camera_says_so(tmp_path):
    bare = DEVICES.partition("[relay]")[0].replace('[camera]\ndriver = "sim"\nrate = 60.0\n', "")
    gate = Commanded(tmp_path, devices=bare)
    try:
        assert gate.carry_out(orders.HoldOpen(5)).words == "this station has no relay"
        assert gate.carry_out(orders.Aim(5)).words == "this station has no camera"
    finally:
        gate.rig.close()


def test_without_a_key_or_by_its_own_will_a_station_takes_no_orders(tmp_path):
    gate = Commanded(tmp_path, more="\n[orders]\nenabled = false\n")
    try:
        gate.give(document(order(orders.OpenOnce())))
        gate.rig.scan(NUMBER)
        gate.rig.wait(lambda: gate.openings == ["pass"])
        assert gate.registry.results == []
    finally:
        gate.rig.close()


def test_a_station_that_only_speaks_http_fetches_its_orders(tmp_path):
    made = order(orders.Identify(5))
    gate = Commanded.__new__(Commanded)
    gate.registry = Registry(orders=[orders.sign(SIGNING_PRIVATE, made)])
    gate.rig = Rig(tmp_path, gate.registry)
    try:
        assert gate.wait_for(made).status == "succeeded"
    finally:
        gate.rig.close()


def _bytes(result: Result) -> bytes:
    return base64.b64decode(result.data)


def _data(gate: Commanded, result: Result) -> bytes:
    return b"".join(_bytes(each) for each in gate.registry.results if each.order == result.order)
