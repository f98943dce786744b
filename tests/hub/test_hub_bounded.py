"""Whatever texts and numbers a station's messages hold: each is kept or refused by name, and no loop of a hub ends."""

from __future__ import annotations

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa
from hub_stand import CITIZEN, Journal, journal_of, now
from spoilt import spoilt

from core import rows, wire
from core.health import Device, Health, JournalFigures, Versions
from core.model import GateKind, Outcome, Scheme
from core.orders import Identify, Result
from core.shown import Face, Glimpse, RunningSettings
from hub.centre import Centre
from hub.journals import dead_letters, messages
from hub.journals.messages import BadMessage
from hub.journals.writer import Delivery, NotKept, Writer
from hub.stations import alarms, orders
from hub.stations.fleet import add_station
from hub.storage.store import Store
from hub.storage.tables import journal_rows, journals, visits
from hub.watchman import Watchman

CLOCKS = {"guess": wire.RowClock("guess", "boot", 1.0), "ntp": wire.RowClock("ntp", "boot", 9.0)}


def writes(store: Store, ring, *sent: object) -> list[object]:
    """What a real writer says to each message; it and the next, which reads what is left, end as they are told to."""
    heard: list[object] = []
    for messages_ in (sent, ()):
        writer = Writer(store, ring)
        for message in messages_:
            assert writer.deliver(Delivery(message, heard.append))
        with ThreadPoolExecutor() as pool:
            running = pool.submit(writer.run)
            while writer.busy and not running.done():
                time.sleep(0.01)
            writer.stop()
            running.result()
    assert len(heard) == len(sent)
    return heard


KINDS = {
    "checkin": {"clock": CLOCKS["guess"]},
    "decision": {"type": "decision", "about": 1, "decision": "admitted", "sealed": "", "outcome": None},
    "amendment": {"type": "amendment", "about": 1, "clock": CLOCKS["ntp"], "outcome": Outcome.PASS, "sealed": ""},
    "boot": {"type": "amendment", "cause": "clock", "clock": CLOCKS["ntp"], "sealed": "", "outcome": None},
}


def journal_of_spoilt_rows(ring, kind: str) -> Journal:
    """Every row of it but the first and the last is spoilt in one place; the last dates the boot of all."""
    book, model = journal_of(ring), journal_of(ring)
    book.write(clock=CLOCKS["guess"])
    model.write(clock=CLOCKS["guess"])
    whole = rows.decode(model.write(**KINDS[kind]))
    who = wire.encode(wire.Who(Scheme.CITIZEN, CITIZEN))
    for _, raw in spoilt(wire.Row, whole):
        seq = len(book.raws) + 1
        as_own = raw.replace(b'"seq":2,', b'"seq":%d,' % seq).replace(whole.previous.encode(), book.head.encode())
        if whole.sealed:
            as_own = as_own.replace(whole.sealed.encode(), book.seal(who, seq).encode())
        book.keep(as_own)
    book.seq = len(book.raws)
    book.write(type="amendment", cause="clock", clock=CLOCKS["ntp"], sealed="", outcome=None)
    return book


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_row_says_it_is_read_or_a_dead_letter_and_the_writer_goes_on(peopled, ring, kind):
    book = journal_of_spoilt_rows(ring, kind)
    (mark,) = writes(peopled, ring, book.batch())
    last = len(book.raws)
    assert mark.through == last
    with peopled.reading() as connection:
        assert connection.scalar(sa.select(journals.c.read_through)) == last
        dead = set(connection.scalars(sa.select(journal_rows.c.seq).where(journal_rows.c.refused.is_not(None))))
        seen = set(connection.scalars(sa.select(visits.c.seq)))
    assert not dead & {1, last}
    assert 50 < len(dead) < last - 10
    assert 1 in seen
    assert (len(seen) > 10) == (kind == "checkin")


def test_whoever_a_row_seals_it_is_read_or_a_dead_letter(peopled, ring):
    book = journal_of(ring)
    for _, plain in spoilt(wire.Who, wire.Who(Scheme.TOKEN, "MYQR-ANH-0001", "00" * 16)):
        book.write(sealed=book.seal(plain, book.seq + 1))
    (mark,) = writes(peopled, ring, book.batch())
    assert mark.through == len(book.raws)


@pytest.mark.parametrize("clock", [wire.RowClock("guess", "b\0", 1.0), wire.RowClock("guess", "b" * 65, 1.0)])
def test_a_boot_that_no_database_can_keep_makes_a_dead_letter(peopled, ring, clock):
    book = journal_of(ring)
    book.write(clock=clock)
    book.write(
        type="amendment", cause="clock", sealed="", outcome=None, clock=msgspec.structs.replace(clock, source="ntp")
    )
    (mark,) = writes(peopled, ring, book.batch())
    with peopled.reading() as connection:
        causes = [each.cause for each in dead_letters.listed(connection, dead_letters.Wanted())]
    assert mark.through == 2
    assert len(causes) == 2


def forbid(store: Store, table: str, column: str, value: str) -> None:
    """Has the database itself refuse a value, as it would one that nobody had thought of."""
    with store.writing() as connection:
        if connection.dialect.name == "sqlite":
            when = f"BEFORE INSERT ON {table} WHEN NEW.{column} = '{value}'"
            connection.exec_driver_sql(f"CREATE TRIGGER forbidden {when} BEGIN SELECT RAISE(ABORT, 'no'); END")
        else:
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT forbidden CHECK ({column} <> '{value}')")


def allow(store: Store, table: str) -> None:
    with store.writing() as connection:
        lite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql(
            "DROP TRIGGER forbidden" if lite else f"ALTER TABLE {table} DROP CONSTRAINT forbidden"
        )


def test_a_row_that_only_the_database_refuses_is_a_dead_letter_among_those_that_are_read(peopled, ring):
    forbid(peopled, "visits", "place", "nowhere")
    book = journal_of(ring)
    for number in range(1, 31):
        book.write(place="nowhere" if number == 7 else "cho")
    book.write(type="decision", about=7, decision="admitted", sealed="", outcome=None)
    (mark,) = writes(peopled, ring, book.batch())
    assert mark.through == 31
    with peopled.reading() as connection:
        (letter,) = dead_letters.listed(connection, dead_letters.Wanted())
        read = set(connection.scalars(sa.select(visits.c.seq)))
    assert letter.seq == 7
    assert letter.cause.startswith("says what cannot be kept")
    assert read == set(range(1, 31)) - {7}
    assert replayed(peopled, ring) == (0, 1)
    allow(peopled, "visits")
    assert replayed(peopled, ring) == (1, 0)
    with peopled.reading() as connection:
        assert connection.scalar(sa.select(visits.c.went_in).where(visits.c.seq == 7)) == 1
        assert connection.scalar(sa.select(journals.c.refused)) == 0


def replayed(store: Store, ring) -> tuple[int, int]:
    done = dead_letters.replay(store, ring, dead_letters.Wanted(), "operator", "", now)
    return done.read, sum(done.left.values())


DAWN = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def whole_health(station: str, number: int = 1, at: datetime = DAWN) -> Health:
    """One in which whatever an alarm is made of is set."""
    return Health(
        station=station,
        session="one",
        number=number,
        at=at,
        up=1.0,
        outcomes={"pass": number, "warn": 0},
        devices=(Device("lamp", "gone"),),
        journal=JournalFigures(backlog=2, seq=9, epoch="0" * 16, problem="full"),
        versions=Versions(software="0.9"),
    )


def watched(store: Store, ring, said: dict[str, list[Health]]) -> None:
    """Three minutes of a real watchman over stations each of which says its own, every half minute."""
    centre = Centre(store, ring)
    watchman = Watchman(centre)
    watchman.take_up()
    for second in range(0, 180, 5):
        at = DAWN + timedelta(seconds=second)
        for several in said.values():
            if second % 30 == 0 and second // 30 < len(several):
                centre.fleet.take(several[second // 30], at)
        watchman.look(at)


def test_whatever_a_health_message_says_it_is_refused_by_name_or_kept_and_the_watchman_goes_on(peopled, ring):
    said: dict[str, list[Health]] = {"s1": [whole_health("s1", number) for number in range(1, 7)]}
    refused = []
    for _, raw in spoilt(Health, whole_health("s1")):
        try:
            once = messages.health(raw, "s1")
        except BadMessage as problem:
            refused.append(str(problem))
            continue
        name = f"x{len(said)}"
        again = msgspec.structs.replace(once, station=name)
        said[name] = [
            msgspec.structs.replace(again, number=min(again.number + number, (1 << 53) - 1)) for number in range(6)
        ]
        said[name] = list({each.number: each for each in said[name]}.values())
    assert len(refused) > 100
    assert len(said) > 30
    with peopled.writing() as connection:
        for name in said:
            if name != "s1":
                add_station(connection, name, "cho", None, now())
    believed = {name: several for name, several in said.items() if several[0].at <= DAWN + timedelta(hours=1)}
    watched(peopled, ring, believed)
    with peopled.reading() as connection:
        standing = {(each.kind, each.station) for each in alarms.listed(connection, standing=True)}
    assert {("journal", name) for name in believed if believed[name][0].journal.problem} <= standing
    assert ("device", "s1") in standing


def test_presentations_beyond_all_measure_are_kept_as_a_figure_that_fits(peopled, ring):
    most = (1 << 53) - 1
    several = [
        msgspec.structs.replace(whole_health("s1", number), outcomes={"pass": count, "warn": count, "x": count})
        for number, count in enumerate((0, 0, 0, most, most, most), 1)
    ]
    watched(peopled, ring, {"s1": several})
    with peopled.reading() as connection:
        passes = connection.execute(sa.text("SELECT passes, warns, others FROM health_points")).all()
    assert (1_000_000,) * 3 in [tuple(each) for each in passes]


def test_an_alarm_that_only_the_database_refuses_costs_no_other_alarm(peopled, ring):
    forbid(peopled, "alarms", "subject", "lamp")
    with peopled.writing() as connection:
        add_station(connection, "s2", "cho", None, now())
    siren = (Device("siren", "gone"),)
    others = [msgspec.structs.replace(whole_health("s2", number), devices=siren) for number in range(1, 7)]
    watched(peopled, ring, {"s1": [whole_health("s1", number) for number in range(1, 7)], "s2": others})
    with peopled.reading() as connection:
        subjects = {each.subject for each in alarms.listed(connection) if each.kind == "device"}
    assert subjects == {"siren"}


def test_a_health_message_that_slipped_through_costs_no_loop_its_life(peopled, ring):
    odd = {"devices": (Device("a\0b", "x"),), "versions": Versions(software="1\0")}
    several = [msgspec.structs.replace(whole_health("s1", number), **odd) for number in range(1, 7)]
    watched(peopled, ring, {"s1": several})
    with peopled.reading() as connection:
        assert ("journal", "s1") in {(each.kind, each.station) for each in alarms.listed(connection)}


def test_whatever_a_state_a_result_or_settings_say_they_are_refused_by_name_or_kept(peopled, ring):
    with peopled.writing() as connection:
        order = orders.issue(connection, ring, "s1", Identify(), now(), "lan")
    whole = {
        messages.state: wire.State("s1", True, "one", now(), "1.0", 3),
        messages.done: Result(station="s1", order=order, status="in-progress", at=now(), words="w", data="aGk="),
        messages.settings: RunningSettings(station="s1", session="one", at=now(), sections={"led": {"pin": 3}}),
    }
    kept, refused = [], []
    for read, message in whole.items():
        for where, raw in spoilt(type(message), message):
            try:
                kept.append(read(raw, "s1"))
            except BadMessage:
                refused.append(f"{type(message).__name__} {where}")
    assert {each.partition(" ")[0] for each in refused} == {"State", "Result", "RunningSettings"}
    kept.append(Result(station="s1", order=order, status="in-progress", at=now(), data="không"))
    answers = writes(peopled, ring, *kept)
    assert not any(isinstance(each, NotKept) and not each.poisoned for each in answers)
    (last,) = writes(peopled, ring, Result(station="s1", order=order, status="succeeded", at=now()))
    assert last is None


def test_a_face_with_a_text_that_is_none_is_refused():
    face = Face(station="s1", at=now(), last=(Glimpse(now(), "pass", ("zone",)),))
    spoilt_by_nul = [raw for _, raw in spoilt(Face, face) if b"\\u0000" in raw]
    assert len(spoilt_by_nul) > 10
    for raw in spoilt_by_nul:
        with pytest.raises(BadMessage):
            messages.face(raw, "s1")


DOORS = {
    "/v1/health": (Health, lambda: whole_health("s1", at=now())),
    "/v1/settings": (RunningSettings, lambda: RunningSettings(station="s1", session="a", at=now(), sections={})),
    "/v1/lookup": (wire.Ask, lambda: wire.Ask(wire.Who(Scheme.TOKEN, "x", "00" * 16), GateKind.VENUE, now())),
    "/v1/lookups": (wire.Asks, lambda: wire.Asks((wire.Who(Scheme.TOKEN, "x"),), GateKind.VENUE, now())),
    "/v1/checkins": (wire.Batch, lambda: wire.Batch("s1", "0" * 16, 1, ())),
}


def test_a_real_hub_answers_whatever_it_is_sent_and_goes_on(serving_either):
    hub, pinned = serving_either()
    line = hub.session(pinned["s1"]["token"])
    answers = {}
    for path, (kind, whole) in DOORS.items():
        for where, raw in spoilt(kind, whole()):
            if path == "/v1/health":
                raw = raw.replace(b'"session":"one"', b'"session":"%s"' % secrets.token_hex(8).encode())
            answers[path, where] = line.post(path, data=raw, headers={"Content-Type": "application/json"}).status_code
    assert {each: code for each, code in answers.items() if code >= 500} == {}
    assert hub.process.poll() is None
    assert line.post("/v1/checkins", data=wire.encode(wire.Batch("s1", "f" * 16, 1, ()))).status_code == 200
    assert hub.stop() == 0
    assert not [said for said in map(json.loads, hub.log.read_text().splitlines()) if "died" in said.get("event", "")]
