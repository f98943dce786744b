"""The hub over MQTT, on real brokers: sealed look-ups, rows acknowledged after their commit, garbage dropped."""

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest
import requests
from hub_stand import (
    CITIZEN,
    EPOCH,
    OTHER_EPOCH,
    SECONDS,
    HubProcess,
    Journal,
    Line,
    OpenBroker,
    furnish,
    now,
    on,
    until,
)
from ports import listens

from core import keys, wire
from core.model import GateKind, Scheme
from core.rules import Policy
from core.shown import RunningSettings
from hub.config import Settings
from hub.doors.asking import ASK_BYTES_AT_MOST, ASKS_BYTES_AT_MOST
from hub.doors.wires import LEAVES
from hub.journals import messages
from hub.opening import open_store
from hub.stations import fleet

pytestmark = pytest.mark.broker


PATIENCE = 300
"""Seconds for a hub to start several times on a machine that has other things to do."""

NAMES = [*(f"s{number}" for number in range(1, 24) if number != 14), "s14"]
"""One a test; the last is the other station that tests speak of."""


@pytest.fixture(scope="module")
def stand(tmp_path_factory, module_database):
    """One hub on each database, with a broker of its own, for all tests that leave it running."""
    data = tmp_path_factory.mktemp("hub")
    pinned = furnish(data, *NAMES, database=module_database)
    hub = HubProcess(data, *on(data, module_database), "--broker").start()
    yield hub, pinned, iter(NAMES)
    assert hub.stop() == 0


@pytest.fixture
def private(stand):
    """The hub, and the line of a station that no other test uses."""
    hub, pinned, names = stand
    name = next(names)
    with Line(hub.mqtt, name, pinned[name]["token"]) as line:
        yield hub, pinned, line.own("held").own("answer")


def book_for(pinned: dict[str, dict[str, str]], name: str, rows: int, epoch: str = EPOCH) -> Journal:
    book = Journal(keys.decode_key(pinned[name]["sealing_key"]), name, epoch)
    for _ in range(rows):
        book.write()
    return book


def dropped(hub: HubProcess, line: Line) -> list[str]:
    """What the hub says that it dropped of this station's."""
    return [str(each["what"]) for each in hub.lines("dropped") if each.get("station") == line.name]


def test_a_sealed_ask_gets_a_sealed_answer(private):
    _, pinned, line = private
    sealing_key = pinned[line.name]["sealing_key"]
    line.ask(sealing_key, "one")
    assert line.answer(sealing_key, "one").standing.name_masked == "N***** T** Ánh"
    line.ask(sealing_key, "two", "046193999999")
    assert line.answer(sealing_key, "two").standing is None


def test_many_sealed_at_once_are_answered_in_their_order_as_over_http(private):
    hub, pinned, line = private
    sealing_key = pinned[line.name]["sealing_key"]
    who = [CITIZEN, "046193999999"] * 100
    line.ask_many(sealing_key, "many", who)
    said = line.answers(sealing_key, "many")
    assert [each and each.name_masked for each in said.standings] == ["N***** T** Ánh", None] * 100
    asks = wire.Asks(tuple(wire.Who(Scheme.CITIZEN, each) for each in who), GateKind.VENUE, now())
    over_http = hub.session(pinned[line.name]["token"]).post("/v1/lookups", data=wire.encode(asks)).json()
    assert [each and each["person"] for each in over_http["standings"]] == [
        each and each.person for each in said.standings
    ]


def test_too_many_at_once_and_too_long_a_box_are_refused_in_words_or_dropped(private):
    hub, pinned, line = private
    sealing_key = pinned[line.name]["sealing_key"]
    line.ask_many(sealing_key, "201", [CITIZEN] * 201)
    assert line.sealed_answer("201").error == "not what it should be, at `$.who`"
    line.ask_many(sealing_key, "long", [CITIZEN], box="A" * ASKS_BYTES_AT_MOST)
    line.ask(sealing_key, "one", box="A" * ASK_BYTES_AT_MOST)
    line.ask_many(sealing_key, "a single one", [CITIZEN], many=False)
    assert line.sealed_answer("a single one").error.startswith("not what it should be")
    assert {f"ask: longer than {most} bytes" for most in (ASKS_BYTES_AT_MOST, ASK_BYTES_AT_MOST)} <= set(
        dropped(hub, line)
    )


def test_an_expired_ask_is_dropped_and_the_next_one_answered(private):
    hub, pinned, line = private
    sealing_key = pinned[line.name]["sealing_key"]
    line.ask(sealing_key, "late", not_after=now() - timedelta(seconds=1))
    line.ask(sealing_key, "early")
    assert msgspec.json.decode(line.next("/answer"), type=wire.SealedAnswer).id == "early"
    assert dropped(hub, line) == ["ask: expired"]


def test_an_ask_sealed_to_another_hub_is_told_so(private):
    _, _, line = private
    line.ask(keys.encode_key(keys.new_sealing_key()[1]), "strange")
    answer = msgspec.json.decode(line.next("/answer"), type=wire.SealedAnswer)
    assert (answer.id, answer.box, answer.error) == ("strange", "", "the ask is not sealed to this hub's key")


def test_an_answer_goes_to_the_stations_own_topic_only(private):
    hub, pinned, line = private
    line.ask(pinned[line.name]["sealing_key"], "astray", reply="tq/v1/s/s14/answer")
    line.ask(pinned[line.name]["sealing_key"], "own")
    assert msgspec.json.decode(line.next("/answer"), type=wire.SealedAnswer).id == "own"
    assert dropped(hub, line) == ["ask: reply: must be the station's own answer topic"]


def test_rows_are_held_and_the_mark_is_retained(private):
    hub, pinned, line = private
    book = book_for(pinned, line.name, 50)
    line.publish("checkins", wire.encode(book.batch()))
    assert line.held(50).refused == ()
    with Line(hub.mqtt, line.name, pinned[line.name]["token"], "later") as later:
        later.own("held")
        assert later.held(50).epoch == EPOCH


def test_an_older_journals_mark_does_not_replace_the_newest_ones(private):
    hub, pinned, line = private
    old, new = book_for(pinned, line.name, 2), book_for(pinned, line.name, 3, OTHER_EPOCH)
    for batch in (old.batch(1, 1), new.batch(), old.batch(2, 2)):
        line.publish("checkins", wire.encode(batch))
    assert line.held(3).epoch == OTHER_EPOCH
    assert line.held(2).epoch == EPOCH
    with Line(hub.mqtt, line.name, pinned[line.name]["token"], "later") as later:
        later.own("held")
        assert later.held(0).epoch == OTHER_EPOCH


def test_the_same_rows_by_both_ways_many_times_are_one_row_each(private):
    hub, pinned, line = private
    book = book_for(pinned, line.name, 20)
    http = hub.session(pinned[line.name]["token"])
    for first in (1, 11, 1, 6):
        line.publish("checkins", wire.encode(book.batch(first)))
        http.bring(book.batch(max(1, first - 5), first + 3))
    line.held(20)

    def exported() -> list[int]:
        rows = hub.command("export", "checkins", "--station", line.name).splitlines()
        return [json.loads(row)["seq"] for row in rows]

    until(lambda: len(exported()) >= 20, "every row read")
    assert exported() == list(range(1, 21))
    assert line.name not in hub.command("alarms")


def test_all_refused_rows_are_told_by_either_way_however_many_there_are(private):
    hub, pinned, line = private
    book, http = book_for(pinned, line.name, 0), hub.session(pinned[line.name]["token"])
    for seq in range(150):
        book.keep(b'{"bad":"\xff"}' if seq % 2 else b"17")
    http.bring(book.batch())
    line.publish("checkins", wire.encode(book.batch(150)))
    until(lambda: http.bring(book.batch(150)).refused_older == 86, "all rows read")
    question = wire.Batch(line.name, EPOCH, 1, (), refused_before=87)
    line.publish("checkins", wire.encode(question))
    marks = [http.bring(question)]
    while not marks[1:]:
        mark = line.held(150)
        marks += [mark] if mark.refused_before else []
    for mark in marks:
        assert ([each.seq for each in mark.refused], mark.refused_older) == (list(range(23, 87)), 22)
    with Line(hub.mqtt, line.name, pinned[line.name]["token"], "later") as later:
        assert later.own("held").held(150).refused_before == 0  # what is retained is the newest


def test_garbage_on_every_topic_is_counted_named_and_dropped(private):
    hub, pinned, line = private
    dice = random.Random(7)
    too_long = b"x" * (messages.BYTES_AT_MOST + 1)
    for leaf in LEAVES:
        for payload in (b"{", b"null", dice.randbytes(300), b"[" * 9_000, too_long, b'{"station":"s14"}'):
            line.publish(leaf, payload)
    line.ask(pinned[line.name]["sealing_key"], "still there")
    assert line.answer(pinned[line.name]["sealing_key"], "still there")
    until(lambda: {what.partition(":")[0] for what in dropped(hub, line)} == set(LEAVES), "each of them named")


def test_what_is_larger_than_the_broker_takes_cuts_the_line_and_is_counted_and_named(private):
    hub, _, line = private
    line.client.publish(f"tq/v1/s/{line.name}/health", b"x" * (messages.RECEIVED_AT_MOST + 1), 0)
    until(lambda: any(what.startswith("line: larger than") for what in dropped(hub, line)), "named")


def test_a_station_reads_and_writes_nothing_of_another(private):
    hub, pinned, line = private
    with Line(hub.mqtt, "s14", pinned["s14"]["token"]) as other:
        other.subscribe(f"tq/v1/s/{line.name}/#")
        forged = wire.encode(book_for(pinned, line.name, 1).batch())
        other.client.publish(f"tq/v1/s/{line.name}/checkins", forged, 1).wait_for_publish(SECONDS)
        line.publish("checkins", wire.encode(book_for(pinned, line.name, 2).batch()))
        assert line.held(1).through == 2
        other.own("answer").ask(pinned["s14"]["sealing_key"], "its own")
        assert other.messages.get(timeout=SECONDS).topic == "tq/v1/s/s14/answer"  # and nothing of the other's before it


@pytest.mark.parametrize("password", ["", "wrong"])
def test_nobody_is_let_in_without_the_token(private, password):
    hub, _, _ = private
    with Line(hub.mqtt, "s1", password, "stranger") as stranger:
        assert stranger.refused == "Not authorized"


def test_a_station_added_while_the_broker_runs_is_let_in(private):
    hub, _, _ = private
    added = json.loads(hub.command("station", "add", "late", "--place", "chot", "--json"))["hub"]

    def let_in() -> bool:
        with Line(hub.mqtt, "late", added["token"]) as line:
            return not line.refused

    until(let_in, "the new station")


def test_policies_are_retained_by_scope_and_new_ones_announced(private):
    hub, pinned, line = private
    line.subscribe("tq/v1/policy/#")
    document = msgspec.json.decode(line.next("policy/all"), type=wire.Signed)
    keys.verify(keys.decode_key(pinned[line.name]["policy_key"]), document)
    path = hub.data / "policy.json"
    path.write_bytes(wire.encode(Policy(version=1, issued=now(), effective=now(), scope=f"station/{line.name}")))
    hub.command("policy", "publish", path, "--next")
    payload = keys.verify(
        keys.decode_key(pinned[line.name]["policy_key"]),
        msgspec.json.decode(line.next(f"policy/station/{line.name}"), type=wire.Signed),
    )
    assert msgspec.json.decode(payload, type=Policy).version == 2


def test_a_withdrawal_stands_retained_where_the_policy_stood(private):
    hub, pinned, line = private
    path, scope = hub.data / "policy.json", f"station/{line.name}"
    path.write_bytes(wire.encode(Policy(version=1, issued=now(), effective=now(), scope=scope)))
    hub.command("policy", "publish", path, "--next")
    line.subscribe("tq/v1/policy/#")
    line.next(f"policy/{scope}")
    told = json.loads(hub.command("policy", "withdraw", scope, "--json"))
    payload = keys.verify(
        keys.decode_key(pinned[line.name]["policy_key"]),
        msgspec.json.decode(line.next(f"policy/{scope}"), type=wire.Signed),
    )
    word = msgspec.json.decode(payload, type=Policy)
    assert (word.version, word.is_withdrawn) == (told["version"], True)


def test_what_a_station_says_of_itself_is_kept(private):
    hub, _, line = private

    def said() -> dict[str, object]:
        return next(each for each in json.loads(hub.command("station", "list", "--json")) if each["name"] == line.name)

    assert said()["heard"] is None
    line.publish("state", wire.encode(wire.State(line.name, True, "session", now(), "1.2", 1)))
    until(lambda: said()["online"], "the station's state")
    assert (said()["version"], said()["policy_version"]) == ("1.2", 1)


def test_the_private_broker_ends_with_the_hub_even_when_it_is_killed(serving):
    hub, _ = serving("--broker")
    address = hub.mqtt
    hub.kill()
    until(lambda: not listens(address[1]), "the broker's end")


@pytest.mark.timeout(2 * PATIENCE)
def test_a_hub_killed_in_the_middle_loses_nothing_that_it_acknowledged_by_either_way(serving_either, open_broker):
    hub, pinned = serving_either("--mqtt", f"127.0.0.1:{open_broker.port}", stations=("s1", "s2"))
    books = {name: book_for(pinned, name, 400) for name in pinned}
    batches = {name: [book.batch(first, first + 4) for first in range(1, 401, 5)] for name, book in books.items()}
    promised = {"s1": 0, "s2": 0}
    with Line(("127.0.0.1", open_broker.port), "s1", "") as line, ThreadPoolExecutor(2) as senders:
        line.own("held")
        sent = [
            senders.submit(lambda: [line.publish("checkins", wire.encode(batch)) for batch in batches["s1"]]),
            senders.submit(lambda: [post_until_held(hub, pinned, batch, promised) for batch in batches["s2"]]),
        ]
        for _ in range(2):
            promised["s1"] = max(promised["s1"], line.held(promised["s1"] + 1).through)
            told = dict(promised)
            hub.kill()
            hub.start()
            for name, through in told.items():
                assert hub.session(pinned[name]["token"]).get("/v1/held").json()["through"] >= through
        for each in sent:
            each.result(timeout=PATIENCE)
        line.held(400)
    until(lambda: len(hub.command("export", "checkins").splitlines()) >= 800, "every row read")
    for name in pinned:
        proof = json.loads(hub.command("journal", "verify", name, "--json"))[0]
        assert (proof["through"], proof["missing"], proof["refused"], proof["conflicts"]) == (400, [], 0, 0)
    seen = [json.loads(row) for row in hub.command("export", "checkins").splitlines()]
    assert [row["went_in"] for row in seen] == [1] * 800
    assert json.loads(hub.command("alarms", "--json")) == []


def post_until_held(hub: HubProcess, pinned: dict[str, dict[str, str]], batch: wire.Batch, promised) -> None:
    """Sends a batch as a station does: again until the hub says that it holds it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            with hub.session(pinned[batch.station]["token"]) as line:
                answer = line.post("/v1/checkins", data=wire.encode(batch))
        except requests.RequestException:
            time.sleep(0.02)
            continue
        if answer.status_code == 200:
            promised[batch.station] = max(promised[batch.station], answer.json()["through"])
            return
        assert answer.status_code == 503
    raise AssertionError("the hub never came back")


def test_a_hub_finds_its_broker_again(serving_either, open_broker: OpenBroker):
    hub, pinned = serving_either("--mqtt", f"127.0.0.1:{open_broker.port}")
    open_broker.stop()
    until(lambda: hub.lines("broker lost"), "the loss")
    open_broker.start()
    until(lambda: len(hub.lines("broker connected")) > 1, "the broker again")
    with Line(("127.0.0.1", open_broker.port), "s1", "") as line:
        line.own("answer")
        line.ask(pinned["s1"]["sealing_key"], "again", CITIZEN)
        assert line.answer(pinned["s1"]["sealing_key"], "again").standing


def test_the_settings_a_station_runs_with_are_kept(private, module_database):
    hub, pinned, line = private
    said = RunningSettings(station=line.name, session="one", at=now(), sections={"hub": {"token": "•••", "ms": 800}})
    line.publish("settings", wire.encode(said))

    def kept() -> bool:
        store, _ = open_store(Settings(data=str(hub.data), database=module_database))
        try:
            with store.reading() as connection:
                found = fleet.settings_of(connection, line.name)
        finally:
            store.close()
        return found is not None and found[0].sections == said.sections

    until(kept, "kept")
    over_http = hub.session(pinned["s1"]["token"])
    assert over_http.post("/v1/settings", data=wire.encode(said)).status_code == (200 if line.name == "s1" else 400)
