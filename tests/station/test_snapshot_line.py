"""Snapshots over a real broker: sealed offers, pieces in chunks that are found again after a cut, and nonsense."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from chunk_hub import NAME, ChunkHub, whole
from mqtt_hub import PUBLIC, now
from snapshots import GROUP_KEY, NOW, PINNED, SIGNER, Centre, loop_of, somebody, standing

from core import chunks, keys, snapshot, wire
from core.chunks import Chunk, Newest, OfferAsk, write_chunk
from core.model import GateKind, Scheme
from core.snapshot import Offer
from station.broker import Broker
from station.errors import HubUnreachable, SnapshotError
from station.link import MqttHub
from station.snapshots import loop as snapshot_loop
from station.snapshots.held import Snapshot
from station.snapshots.line import SnapshotLine
from station.snapshots.loop import SnapshotLoop
from station.snapshots.news import News

PIECE = random.Random(1).randbytes(300_000)
SECONDS = 60.0


def wait(happened: Callable[[], object], seconds: float = SECONDS) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


class Station:
    """A station's line with its way to snapshots."""

    def __init__(self, port: int, patience: float) -> None:
        state = wire.State(station="gate-1", online=True, session="s", since=now())
        broker = Broker("127.0.0.1", port, "gate-1", "token")
        self.hub = MqttHub(broker, "gate-1", GateKind.VENUE, PUBLIC, ["all"], state, lambda: None)
        self.hub.hear_of_snapshots()
        self.stop = threading.Event()
        self.source = SnapshotLine(self.hub, now, self.stop, patience)

    def piece(self, number: int = 0, size: int = len(PIECE), deadline: float = SECONDS) -> bytes:
        return self.source.piece(NAME, number, size, deadline)


@pytest.fixture
def connect() -> Iterator[Callable[..., Station]]:
    with ExitStack() as stack:

        def connected(port: int, patience: float = 10.0) -> Station:
            station = Station(port, patience)
            stack.enter_context(station.hub)
            wait(lambda: station.hub.connected)
            return station

        yield connected


@pytest.fixture
def hub(broker) -> Iterator[ChunkHub]:
    hub = ChunkHub(broker.port)
    hub.content[NAME, 0] = PIECE
    yield hub
    hub.close()


@pytest.fixture
def station(hub, broker, connect) -> Station:
    return connect(broker.port)


@pytest.fixture
def held(tmp_path):
    opened = Snapshot(tmp_path / "snapshot")
    yield opened
    opened.close()


def test_a_piece_comes_in_chunks_that_begin_small_and_nothing_of_it_is_kept(station, hub):
    assert station.piece() == PIECE
    assert hub.wanted[0].most <= 4096
    assert max(ask.most for ask in hub.wanted) <= chunks.MOST_BYTES
    assert len({ask.id for ask in hub.wanted}) == len(hub.wanted)
    assert (len(station.source._part), len(station.source._inbox)) == (0, 0)


def test_no_chunk_is_larger_than_the_broker_takes(start_broker, connect):
    broker = start_broker("allow_anonymous true", "max_packet_size 5000")
    hub = ChunkHub(broker.port)
    try:
        hub.content[NAME, 0] = PIECE[:50_000]
        assert connect(broker.port).piece(size=50_000) == PIECE[:50_000]
        assert {ask.most <= 5000 - chunks.ROOM_FOR_HEADS for ask in hub.wanted} == {True}
    finally:
        hub.close()


def test_a_hub_that_sends_less_than_was_asked_for_is_asked_for_the_rest(station, hub):
    hub.replies = lambda ask, raw: whole(ask, raw[:50_000])
    assert station.piece() == PIECE


def test_a_line_that_is_cut_in_the_middle_of_a_piece_goes_on_at_that_byte(station, hub, broker):
    hub.replies = lambda ask, raw: whole(ask, raw[:10_000]) if len(hub.wanted) < 4 else []
    fetched: list[bytes] = []
    fetching = threading.Thread(target=lambda: fetched.append(station.piece(deadline=10 * SECONDS)))
    fetching.start()
    wait(lambda: len(hub.wanted) == 4)
    had = hub.wanted[-1].offset
    broker.stop(hard=True)
    wait(lambda: not station.hub.connected)
    hub.replies = whole
    broker.start()
    fetching.join(10 * SECONDS)
    assert fetched == [PIECE]
    assert 0 < had < len(PIECE)
    assert min(ask.offset for ask in hub.wanted[4:]) == had


def test_a_line_that_stays_away_is_told_in_the_end_and_what_came_is_kept(station, hub, broker):
    hub.replies = lambda ask, raw: whole(ask, raw[:10_000]) if len(hub.wanted) < 4 else []
    told: list[str] = []

    def fetch() -> None:
        with pytest.raises(HubUnreachable) as failure:
            station.piece(deadline=8.0)
        told.append(failure.value.problem)

    fetching = threading.Thread(target=fetch)
    fetching.start()
    wait(lambda: len(hub.wanted) == 4)
    broker.stop(hard=True)
    fetching.join(SECONDS)
    assert len(told) == 1
    broker.start()
    wait(lambda: station.hub.connected)
    hub.replies = whole
    assert station.piece(deadline=10 * SECONDS) == PIECE
    assert hub.wanted[4].offset == hub.wanted[3].offset > 0


def test_chunks_of_other_asks_doubled_ones_and_rubbish_count_for_nothing(station, hub):
    def replies(ask, raw):
        late = hub.wanted[-2].id if len(hub.wanted) > 1 else "ff" * 8
        return [write_chunk(Chunk(late, b"late" * 100)), b"rubbish", whole(ask, raw)[0], whole(ask, raw)[0]]

    hub.replies = replies
    assert station.piece() == PIECE


@pytest.mark.parametrize(
    "rubbish",
    [b"", b"\xff" * 9, b"x" * 2_000_000, b"\0" * 9, b'{"id":"'],
    ids=["empty", "word", "huge", "none", "json"],
)
def test_after_rubbish_alone_the_chunk_is_asked_for_again(hub, broker, connect, rubbish):
    station = connect(broker.port, 0.5)
    hub.replies = lambda ask, raw: whole(ask, raw) if len(hub.wanted) > 1 else [rubbish]
    assert station.piece(size=len(PIECE)) == PIECE
    assert hub.wanted[1].offset == 0


def test_a_hub_without_room_is_asked_three_times_and_then_later(hub, broker, connect):
    station = connect(broker.port, 0.2)
    hub.replies = lambda ask, raw: []
    with pytest.raises(HubUnreachable, match="did not come in time"):
        station.piece()
    assert len({ask.id for ask in hub.wanted}) == 3
    assert hub.wanted[2].most < hub.wanted[0].most
    hub.replies = whole
    assert station.piece() == PIECE


def test_a_piece_that_is_gone_or_refused_is_told_and_nothing_of_it_stays(station, hub):
    hub.replies = lambda ask, raw: whole(ask, raw[:10_000] if ask.offset == 0 else None)
    with pytest.raises(HubUnreachable, match="no such piece"):
        station.piece()
    hub.replies = whole
    assert station.piece() == PIECE


def test_a_chunk_longer_than_was_asked_for_is_refused(station, hub):
    hub.replies = lambda ask, raw: whole(ask, PIECE[: ask.most + 1])
    with pytest.raises(HubUnreachable, match="more than was asked for"):
        station.piece()


def test_another_piece_begins_at_its_beginning(station, hub):
    hub.content[NAME, 1] = PIECE[::-1]
    hub.replies = lambda ask, raw: whole(ask, raw) if ask.offset == 0 else []
    with pytest.raises(HubUnreachable):
        station.piece(deadline=1.0)
    hub.replies = whole
    assert station.piece(1) == PIECE[::-1]


def test_the_end_of_the_service_waits_for_no_hub(station, hub):
    hub.replies = lambda ask, raw: []
    hub.offered = lambda ask, offer: b""
    for waits in (lambda: station.piece(), lambda: station.source.offer(0, "", need_key=True, deadline=SECONDS)):
        station.stop.clear()
        threading.Timer(0.2, station.stop.set).start()
        begun = time.monotonic()
        with pytest.raises(HubUnreachable):
            waits()
        assert time.monotonic() - begun < SECONDS / 4


def test_a_chunk_waits_until_a_look_up_is_over(station, hub):
    hub.answers = False
    who = wire.Who(Scheme.CITIZEN, "046090000001")
    asking = threading.Thread(target=station.hub.ask, args=(who, now(), SECONDS))
    fetching = threading.Thread(target=station.piece)
    asking.start()
    ask = hub.asked.get(timeout=SECONDS)
    fetching.start()
    time.sleep(0.3)  # long enough for a chunk that does not wait to be asked for
    hub.order.append("answered")
    hub.say("answer", hub.sealed(ask, wire.Answer(None, now())), qos=0)
    asking.join(SECONDS)
    fetching.join(SECONDS)
    assert hub.order.index("answered") < hub.order.index(chunks.WANT)


def test_an_offer_travels_sealed_both_ways(station, hub):
    hub.centre.publish(1, 0, {number: standing(number) for number in range(40)})
    offer = station.source.offer(0, "", need_key=True, deadline=SECONDS)
    assert keys.decode_key(offer.key) == GROUP_KEY
    assert hub.offers_asked.get_nowait() == OfferAsk(0, "", need_key=True)
    wait(lambda: chunks.OFFER in hub.order)  # it hears itself
    said = b"".join(hub.seen)
    assert not [secret for secret in (GROUP_KEY, offer.key.encode(), b"need_key", b"manifest") if secret in said]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda hub, ask: b"rubbish", "words that are not a hub's"),
        (lambda hub, ask: wire.encode(wire.SealedAnswer(ask.id, "AAAA")), "words that are not a hub's"),
        (lambda hub, ask: hub.sealed_offer(ask, "no offer"), "words that are not a hub's"),
        (lambda hub, ask: wire.encode(wire.SealedAnswer(ask.id, error="no")), "refuses"),
    ],
    ids=["rubbish", "another seal", "no offer", "refused"],
)
def test_what_is_no_offer_is_an_unreachable_hub(station, hub, answer, told):
    hub.offered = lambda ask, offer: answer(hub, ask)
    with pytest.raises(HubUnreachable, match=told):
        station.source.offer(0, "", need_key=False, deadline=SECONDS)


def test_an_offer_for_an_earlier_ask_is_not_taken(station, hub):
    first: list[wire.SealedAsk] = []

    def offered(ask: wire.SealedAsk, offer: Offer) -> bytes:
        first.append(ask)
        return hub.sealed_offer(first[0], offer)

    hub.offered = offered
    station.source.offer(0, "", need_key=True, deadline=SECONDS)
    with pytest.raises(HubUnreachable, match="no answer"):
        station.source.offer(0, "", need_key=True, deadline=0.5)


def test_a_whole_snapshot_and_then_a_delta_come_onto_the_card(station, hub, held):
    centre = hub.centre
    centre.publish(1, 0, {number: standing(number) for number in range(40)})
    loop = SnapshotLoop(held, station.source, PINNED, every=1, keep_key="card")
    assert loop.step(station.stop)
    assert held.look_up(somebody(7)) == standing(7)
    centre.publish(2, 1, {3: None, 90: standing(90)}, day=1, entries=40)
    assert loop.step(station.stop)
    assert (held.look_up(somebody(3)), held.manifest.version) == (None, 2)
    assert held.look_up(somebody(90)) is not None
    assert not loop.step(station.stop)


def test_a_chunk_that_somebody_in_between_changed_is_fetched_again(station, hub, held):
    hub.centre.publish(1, 0, {number: standing(number) for number in range(40)})
    loop = SnapshotLoop(held, station.source, PINNED, every=1, keep_key="card")
    hub.replies = lambda ask, raw: whole(ask, raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(SnapshotError, match="not the one its manifest names"):
        loop.step(station.stop)
    hub.replies = whole
    assert loop.step(station.stop)


# what is announced


def announcement(day: int, signer: bytes = SIGNER) -> bytes:
    said = Newest("all", day + 1, snapshot.key_name(GROUP_KEY), NOW + timedelta(days=day))
    return wire.encode(keys.sign(signer, wire.encode(said)))


def test_news_is_told_once_when_it_is_signed_and_newer(caplog):
    said = [b""]
    news = News(lambda: said[0], PINNED)
    told = []
    with caplog.at_level(logging.INFO):
        for each in (b"", announcement(0), announcement(1), announcement(1), announcement(0), b"", announcement(2)):
            said[0] = each
            told.append(news.of_newer(NOW))
    assert told == [False, False, True, False, False, False, True]
    assert len(caplog.records) == 2


def test_announcements_that_are_not_the_hubs_do_nothing_but_one_line_in_the_log(caplog):
    stranger, _ = keys.new_signing_key()
    said = [b""]
    news = News(lambda: said[0], PINNED)
    for each in (b"rubbish", b"{}", b"\xff" * 5000, announcement(9, stranger), announcement(9)[:-40]):
        said[0] = each
        assert not news.of_newer(NOW)
    said[0] = wire.encode(keys.sign(SIGNER, b'{"version":1}'))
    assert not news.of_newer(None)
    assert len(caplog.records) == 1


def test_a_station_asks_soon_after_a_newer_one_is_announced(station, hub, held, monkeypatch):
    monkeypatch.setattr(snapshot_loop, "_GLANCE", 0.05)
    monkeypatch.setattr(snapshot_loop, "_SPREAD", 0.2)
    hub.centre.publish(1, 0, {number: standing(number) for number in range(40)})
    loop = SnapshotLoop(held, station.source, PINNED, every=3600, keep_key="card", announced=lambda: station.hub.newest)
    running = threading.Thread(target=loop.run, args=(station.stop,))
    running.start()
    wait(lambda: held.manifest is not None and hub.offers_asked.qsize() == 2)
    hub.centre.publish(2, 1, {3: None}, day=1, entries=39)
    hub._client.publish("tq/v1/snapshot", announcement(1), qos=1, retain=True)
    wait(lambda: held.manifest.version == 2)
    station.stop.set()
    running.join(SECONDS)
    assert not running.is_alive()


def test_a_fleet_that_hears_of_one_asks_at_times_of_its_own(held, monkeypatch):
    monkeypatch.setattr(snapshot_loop, "_GLANCE", 0.01)
    monkeypatch.setattr(snapshot_loop, "_SPREAD", 1.0)
    moments = []
    for _ in range(8):
        loop = loop_of(held, Centre())
        loop._news = News(lambda: announcement(1), PINNED)
        begun = time.monotonic()
        loop._rest(threading.Event(), 3600, "")
        moments.append(time.monotonic() - begun)
    assert max(moments) - min(moments) > 0.1
