"""A row may hold anything: what cannot be read is a dead letter with its cause, and the writer goes on."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa
from drawn import drawn
from hub_stand import EPOCH, OTHER_EPOCH, journal_of, now
from hypothesis import example, given
from hypothesis import strategies as st

from core import wire
from core.model import Origin, Outcome, Scheme
from hub.journals import carried, export, intake, messages, proof, reading, rehearsal, second_look
from hub.stations.fleet import hear
from hub.storage.tables import journals, metadata, states, visits

EARLIEST, LATEST = "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"
UNREADABLE = "not a row this hub can read"


class Hub:
    """The store, and everything that decodes rows of it."""

    def __init__(self, store, ring):
        self.store, self.ring = store, ring

    def take(self, *raws: bytes, first: int = 1, epoch: str = EPOCH) -> wire.HeldMark:
        batch = wire.Batch("s1", epoch, first, tuple(map(msgspec.Raw, raws)))
        with self.store.writing() as connection:
            intake.take(connection, batch, now())
            reading.read_pending(connection, self.ring, 1000, now())
            return intake.mark(connection, "s1", epoch, now())

    def look_everywhere(self) -> None:
        """All that reads rows again once they are held."""
        while second_look.look_again(self.store, self.ring, now()):
            pass
        with self.store.reading() as connection:
            msgspec.json.encode(list(export.checkins(connection)))
            proof.prove(connection, "s1")
            rehearsal._seen(connection, now() - timedelta(days=100))

    def empty(self) -> None:
        with self.store.writing() as connection:
            for table in ("visits", "journal_rows", "waiting_rows", "journals", "alarms", "second_looks"):
                connection.execute(sa.delete(metadata.tables[table]))

    def causes(self, *raws: bytes) -> list[str]:
        return [refused.cause for refused in self.take(*raws).refused]


@pytest.fixture
def hub(peopled, ring):
    return Hub(peopled, ring)


def said(raw: bytes, **changed: object) -> bytes:
    """A row that says something else, as bytes."""
    return json.dumps(json.loads(raw) | changed).encode()


def test_a_row_with_a_byte_that_is_no_text_is_a_dead_letter_and_the_next_is_read(hub):
    book = journal_of(hub.ring)
    raw = book.write().replace(b'"place":"cho"', b'"place":"ch\xef"')
    book.write()
    assert hub.causes(raw, book.raws[1]) == [UNREADABLE]
    hub.look_everywhere()


def test_a_row_nested_beyond_measure_is_a_dead_letter(hub):
    raw = journal_of(hub.ring).write().replace(b'"place":"cho"', b'"place":' + b"[" * 7_000 + b"]" * 7_000)
    assert hub.causes(raw)[0].startswith(UNREADABLE)
    assert hub.causes(b'{"emptied":' + b"[" * 7_000, b'{"station":' * 1_000)[0].startswith(UNREADABLE)


@pytest.mark.parametrize("at", [EARLIEST, LATEST, "1960-01-01T00:00:00Z", "3001-01-01T00:00:00Z"])
def test_a_row_of_a_time_that_no_clock_shows_is_a_dead_letter(hub, at):
    raw = said(journal_of(hub.ring).write(), at=at)
    assert hub.causes(raw) == ["says a time that no clock shows"]
    hub.look_everywhere()


@pytest.mark.parametrize("at", ["1970-01-01T00:00:09Z", "2106-02-07T06:28:15Z"])
def test_a_row_by_a_clock_that_was_only_wrong_is_read(hub, at):
    assert hub.causes(said(journal_of(hub.ring).write(), at=at)) == []


def test_a_group_of_a_time_that_no_clock_shows_is_a_dead_letter(hub):
    raw = said(journal_of(hub.ring).write(), groups=[{"origin": "code", "at": LATEST}, {}, {}], policy_version=1)
    assert hub.causes(raw) == ["says a time that no clock shows"]


@pytest.mark.parametrize("version", [-1, 1 << 31, 1 << 70])
def test_a_row_of_a_policy_that_cannot_be_is_a_dead_letter(hub, version):
    raw = said(journal_of(hub.ring).write(), policy_version=version)
    assert hub.causes(raw) == ["the policy it names cannot be"]


@pytest.mark.parametrize(
    "plain",
    [b'{"scheme":"citizen","value":"\xff"}', b'{"scheme":' + b"[" * 5_000, b""],
    ids=["no text", "deep", "nothing"],
)
def test_a_row_that_seals_nobody_is_a_dead_letter(hub, plain):
    book = journal_of(hub.ring)
    sealed = book.seal(plain)
    assert hub.causes(said(book.write(), sealed=sealed)) == ["what is sealed names nobody"]


def test_an_amended_time_is_judged_as_a_rows_own_is(hub):
    book = journal_of(hub.ring)
    clock = [wire.RowClock("guess", "boot", 1.0), wire.RowClock("ntp", "boot", 2.0)]
    book.write(clock=clock[0], at=now() - timedelta(hours=1))
    late = datetime(2099, 1, 1, tzinfo=UTC)
    book.write(type="amendment", about=1, at=late, clock=clock[1], sealed="", outcome=None)
    hub.take(*book.raws)
    with hub.store.reading() as connection:
        assert abs(connection.scalar(sa.select(visits.c.at)) - now()) < timedelta(minutes=1)


def test_an_amendment_of_a_row_that_cannot_be_read_changes_nothing(hub):
    book = journal_of(hub.ring)
    raw = book.write().replace(b'"place":"cho"', b'"place":"ch\xef"')
    book.write(type="amendment", about=1, sealed="")
    assert hub.causes(raw, book.raws[1]) == [UNREADABLE]


def test_journals_that_began_at_the_end_of_all_time_are_compared(hub):
    old, new = journal_of(hub.ring), journal_of(hub.ring, epoch=OTHER_EPOCH)
    old.write()
    new.write(at=datetime(2999, 12, 31, tzinfo=UTC))
    hub.take(*old.raws)
    hub.take(*new.raws, epoch=OTHER_EPOCH)
    with hub.store.writing() as connection:  # as an earlier version of this program kept it
        connection.execute(sa.update(journals).values(first_at=datetime.max.replace(tzinfo=UTC)))
    old.write()
    assert hub.take(old.raws[1], first=2).through == 2


@pytest.mark.parametrize("since", [EARLIEST, LATEST])
def test_a_state_of_a_time_that_cannot_be_is_kept_as_the_nearest_that_can(hub, since):
    payload = json.dumps({"station": "s1", "online": True, "session": "a", "since": since}).encode()
    with hub.store.writing() as connection:
        hear(connection, messages.state(payload, "s1"), now())
        assert connection.scalar(sa.select(states.c.since)).year in (1, 9999)


def test_an_exported_row_that_is_no_text_ends_the_import_with_its_line(hub, tmp_path):
    book, path = journal_of(hub.ring), tmp_path / "rows.jsonl"
    path.write_bytes(book.write() + b"\n" + book.write().replace(b'"station":"s1"', b'"station":"\xff"') + b"\n")
    with pytest.raises(Exception, match="line 2 is no row"):
        carried.take(hub.store, hub.ring, path, now(), lambda done: None)


_moments = st.sampled_from([EARLIEST, LATEST, "1970-01-01T00:00:00Z", "2026-11-28T00:00:00Z"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | _moments,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_names = st.sampled_from(wire.Row.__struct_fields__)
_changes = st.dictionaries(_names, _json, max_size=3)
_bytes = st.binary(max_size=60) | st.tuples(st.integers(0, 600), st.binary(min_size=1, max_size=3))


@drawn(120, shared=True)
@given(changed=_changes, bytes_=_bytes, cut=st.integers(0, 3))
@example(changed={"at": EARLIEST}, bytes_=b"", cut=0)
@example(changed={"at": LATEST, "type": "amendment", "about": 1}, bytes_=b"", cut=0)
@example(changed={"policy_version": 1 << 80}, bytes_=(9, b"\xff"), cut=1)
def test_no_bytes_as_a_row_end_the_writer_or_whoever_reads_rows_again(hub, changed, bytes_, cut):
    hub.empty()
    book = journal_of(hub.ring)
    group = wire.RowGroup(Origin.SNAPSHOT, now(), now())
    groups = {"groups": (group, group, group), "policy_version": 1, "outcome": Outcome.UNVERIFIED}
    book.write(clock=wire.RowClock("guess", "boot", 1.0), **groups)
    raw = said(book.write_who(wire.Who(Scheme.TOKEN, "MYQR-ANH-0001"), **groups), **changed)
    if isinstance(bytes_, tuple):
        raw = raw[: bytes_[0]] + bytes_[1] + raw[bytes_[0] + cut :]
    elif not cut:
        raw = bytes_
    book.write(type="amendment", about=1, sealed="", clock=wire.RowClock("ntp", "boot", 1e12))
    book.write(type="amendment", about=2, sealed="", clock=wire.RowClock("ntp", "boot", 2.0))
    assert hub.take(book.raws[0], raw, *book.raws[2:]).through == 4
    hub.look_everywhere()
