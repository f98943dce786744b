"""The hub's keys: stations hear of them, rows open by whichever is held, an erased one opens nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa
from hub_stand import CITIZEN, Line, appoint, furnish, journal_of, now, until

from core import announcement, keys, wire
from core.announcement import Announcement
from hub.config import Settings
from hub.custody import backups, restoring
from hub.errors import DataError
from hub.journals import dead_letters, intake, reading
from hub.journals.dead_letters import Wanted
from hub.officials import audit
from hub.opening import open_store
from hub.register import announcing, sealing, signers
from hub.storage import keyring
from hub.storage.tables import journal_rows, sealing_keys, visits

PASSPHRASE = "a long enough secret"


@pytest.fixture
def tied(peopled, ring):
    """The tests' people in a database that knows which keys it belongs to."""
    with peopled.writing() as connection:
        keyring.tie(connection, ring)
    return peopled


def take(store, ring, book, first=1) -> dict[int, str]:
    """Brings rows in and reads them; what was refused."""
    with store.writing() as connection:
        intake.take(connection, book.batch(first), now())
        reading.read_pending(connection, ring, 1_000, now())
        refused = sa.select(journal_rows.c.seq, journal_rows.c.refused).where(journal_rows.c.refused.is_not(None))
        return {row.seq: row.refused for row in connection.execute(refused)}


def tied_visits(store) -> int:
    with store.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).where(visits.c.person.is_not(None)))


def rotated(store, ring, book) -> str:
    """Draws the next sealing key, as the journal then hears."""
    with store.writing() as connection:
        name = sealing.rotate(connection, ring, now())
        book.sealing_key, book.sealed_to = sealing.current(connection, ring).public, name
    return name


def test_rows_sealed_to_every_key_that_is_held_are_opened_in_any_hub(tied, ring, tmp_path):
    book = journal_of(ring)
    book.write()
    for _ in range(3):
        rotated(tied, ring, book)
        book.write()
    other_hub = keyring.load(tmp_path / "keys")
    assert take(tied, other_hub, book) == {}
    assert tied_visits(tied) == 4


def test_a_row_that_names_no_key_opens_by_a_later_one_too(tied, ring):
    book = journal_of(ring)
    rotated(tied, ring, book)
    book.sealed_to = ""
    book.write()
    assert take(tied, ring, book) == {}


@pytest.mark.parametrize("which", ["the first", "a later one"])
def test_what_was_sealed_to_an_erased_key_is_a_dead_letter_and_the_rest_is_read(tied, ring, tmp_path, which):
    book = journal_of(ring)
    if which == "a later one":
        rotated(tied, ring, book)
    gone = book.sealed_to or keys.key_id(book.sealing_key)
    book.write()
    rotated(tied, ring, book)
    book.write()
    with tied.writing() as connection:
        sealing.erase(connection, ring, gone, now())
    for hub in (ring, keyring.load(tmp_path / "keys")):
        assert take(tied, hub, book) == {1: "sealed to an erased key"}
    assert tied_visits(tied) == 1
    done = dead_letters.replay(tied, ring, Wanted(), "operator", "here", now)
    assert (done.read, done.left) == (0, {"sealed to an erased key": 1})


def test_an_erased_key_is_nowhere_any_more(tied, ring, tmp_path):
    book = journal_of(ring)
    first, begun_with = keys.key_id(ring.sealing_public), ring.sealing
    later = rotated(tied, ring, book)
    with tied.reading() as connection:
        box = connection.scalar(sa.select(sealing_keys.c.sealed).where(sealing_keys.c.id == later))
    rotated(tied, ring, book)
    with tied.writing() as connection:
        sealing.erase(connection, ring, first, now())
        sealing.erase(connection, ring, later, now())
    with tied.reading() as connection:
        assert sealing.forget_erased(connection, tmp_path / "keys")
        assert not sealing.forget_erased(connection, tmp_path / "keys")
        left = connection.scalars(sa.select(sealing_keys.c.sealed).where(sealing_keys.c.erased.is_not(None))).all()
    assert left == [None, None]
    assert keys.encode_key(begun_with) not in (tmp_path / "keys" / "sealing.key").read_text()
    assert tied.settle()
    if tied.url.startswith("sqlite"):
        files = [path.read_bytes() for path in tmp_path.glob("hub.sqlite*")]
        assert not any(bytes(box) in raw for raw in files)
    with tied.writing() as connection:
        keyring.tie(connection, keyring.load(tmp_path / "keys"))  # the folder still belongs to the database


def test_the_key_in_use_an_unknown_and_an_erased_one_cannot_be_erased(tied, ring):
    book = journal_of(ring)
    first = keys.key_id(ring.sealing_public)
    later = rotated(tied, ring, book)
    with tied.writing() as connection:
        sealing.erase(connection, ring, first, now())
        for name, why in ((later, "seal to it now"), (first, "already"), ("0" * 16, "no sealing key")):
            with pytest.raises(DataError, match=why):
                sealing.erase(connection, ring, name, now())


def told(connection, ring) -> Announcement:
    newest = announcing.newest(connection)
    return announcement.read(ring.policy_public, newest.document)


def test_stations_are_told_anew_whenever_a_key_begins_or_ends_and_only_then(tied, ring):
    at = now()
    with tied.writing() as connection:
        assert announcing.renew(connection, ring, at)
        first = told(connection, ring)
        assert not announcing.renew(connection, ring, at + timedelta(days=1))
        declaring = signers.rotate(connection, ring, at)
        own = sealing.rotate(connection, ring, at)
        assert announcing.renew(connection, ring, at)
        second = told(connection, ring)
        assert second.version > first.version
        assert (second.declaring[0].id, second.declaring[0].ends, second.sealing.id) == (declaring, None, own)
        assert second.declaring[1].id == first.declaring[0].id
        later = at + signers.CODE_LIVES + timedelta(days=1)
        assert announcing.renew(connection, ring, later)
        assert [each.id for each in told(connection, ring).declaring] == [declaring]


def test_after_a_restore_stations_are_told_anew_above_what_they_have_heard(tied, ring):
    with tied.writing() as connection:
        announcing.renew(connection, ring, now() - timedelta(hours=1))
        before = told(connection, ring).version
        announcing.forget(connection)
        assert announcing.renew(connection, ring, now())
        assert told(connection, ring).version > before


def test_backup_and_restore_carry_every_key_and_which_were_erased(tmp_path, ring):
    furnish(tmp_path / "old", "s1")
    store, ring = open_store(Settings(data=str(tmp_path / "old")))
    book = journal_of(ring)
    first = keys.key_id(ring.sealing_public)
    later = rotated(store, ring, book)
    book.write()
    with store.writing() as connection:
        sealing.erase(connection, ring, first, now())
    store.close()
    backups.write(Settings(data=str(tmp_path / "old")), tmp_path / "backup", PASSPHRASE, now())
    restoring.read(Settings(data=str(tmp_path / "new")), tmp_path / "backup", PASSPHRASE, now())
    store, ring = open_store(Settings(data=str(tmp_path / "new")))
    with store.reading() as connection:
        assert [(each.id, each.erased is not None) for each in sealing.listed(connection, ring)] == [
            (first, True),
            (later, False),
        ]
        assert announcing.newest(connection) is None
    assert take(store, ring, book) == {}
    store.close()


def test_keys_are_shown_rotated_and_erased_by_command_and_the_log_names_who_did(desk):
    desk.furnish("s1")
    shown = json.loads(desk.run("keys", "show", "--json"))
    first = shown["sealing_key"]["id"]
    desk.appoint("lan")
    rotated = json.loads(desk.run("keys", "rotate", "--sealing", "--by", "lan", "--json"))["id"]
    assert "say --yes" in desk.run("keys", "erase", first, "--by", "lan", code=65)
    assert first in desk.run("keys", "erase", first, "--by", "lan", "--yes")
    told = json.loads(desk.run("keys", "show", "--json"))
    assert (told["sealing_key"]["id"], [each["id"] for each in told["sealing"]]) == (rotated, [first, rotated])
    assert [bool(each["erased"]) for each in told["sealing"]] == [True, False]
    added = json.loads(desk.run("station", "add", "s2", "--place", "chot", "--json"))
    assert keys.key_id(keys.decode_key(added["hub"]["sealing_key"])) == rotated
    store, _ = desk.open()
    with store.reading() as connection:
        logged = [each for each in audit.entries(connection)[::-1] if each.action == "keys"]
    store.close()
    assert [(each.account, each.detail) for each in logged] == [
        ("lan", {"id": rotated, "rotated": "sealing"}),
        ("lan", {"erased": first}),
    ]


def test_a_running_hub_tells_stations_of_new_keys_by_both_ways_and_answers_asks_sealed_to_them(serving_either):
    hub, pinned = serving_either("--broker")
    policy_key = keys.decode_key(pinned["s1"]["policy_key"])
    with Line(hub.mqtt, "s1", pinned["s1"]["token"]) as line:
        line.own("answer")
        line.subscribe("tq/v1/keys")
        first = announcement.read(policy_key, line.next("v1/keys"))
        declaring = json.loads(hub.command("keys", "rotate", "--json"))["id"]
        assert announcement.read(policy_key, line.next("v1/keys")).declaring[0].id == declaring
        name = json.loads(hub.command("keys", "rotate", "--sealing", "--json"))["id"]
        told = announcement.read(policy_key, line.next("v1/keys"))
        assert (told.sealing.id, told.version > first.version) == (name, True)
        assert first.sealing.id == keys.key_id(keys.decode_key(pinned["s1"]["sealing_key"]))
        for number, sealed_to in enumerate((told.sealing, first.sealing)):
            line.ask(sealed_to.public, f"named {number}", to=sealed_to.id)
            assert line.answer(sealed_to.public, f"named {number}").standing
            line.ask(sealed_to.public, f"bare {number}")
            assert line.answer(sealed_to.public, f"bare {number}").standing
        over_http = hub.session(pinned["s1"]["token"]).get("/v1/keys")
        assert announcement.read(policy_key, over_http.content) == told
        hub.command("keys", "erase", first.sealing.id, "--by", appoint(hub.data, "lan", hub.settings), "--yes")
        until(lambda: _refuses(line, first.sealing), "the erased key opens nothing")


def _refuses(line: Line, sealing_key) -> bool:
    line.ask(sealing_key.public, "erased", to=sealing_key.id)
    return bool(line.sealed_answer("erased").error)


def test_a_row_of_a_station_that_knows_no_later_key_is_what_it_was(ring):
    row = msgspec.json.decode(journal_of(ring).write(CITIZEN), type=wire.Row)
    assert "sealed_to" not in wire.encode(row).decode()
