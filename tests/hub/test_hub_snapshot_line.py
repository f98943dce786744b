"""Snapshots over MQTT from a real hub on a real broker: who gets them, who does not, and nonsense on their topics."""

import hashlib
import queue
import random
from datetime import timedelta

import msgspec
import pytest
from fetcher import Fetcher
from hub_stand import HubProcess, Line, appoint, furnish, now, on, until
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from core import chunks, keys, wire
from core.chunks import ChunkAsk, OfferAsk
from core.snapshot import Manifest, Offer, Piece
from hub.doors import fetching
from hub.doors.fetching import Asked, Queue, Room
from hub.snapshots.shelf import Shelf, name_of
from hub.storage import keyring

NAMES = ["s1", "s2", "s3", "s4", "s5", "s6"]
NOBODYS = "0123456789abcdef-00001-00000"


@pytest.fixture(scope="module")
def stand(tmp_path_factory, module_database):
    """One hub on each database that hands out snapshots, with a broker of its own."""
    data = tmp_path_factory.mktemp("hub")
    pinned = furnish(data, *NAMES, database=module_database)
    on(data, module_database)
    with (data / "hub.toml").open("a") as settings:
        settings.write("[snapshots]\nenabled = true\n")
    hub = HubProcess(data, "--config", str(data / "hub.toml"), "--broker").start()
    yield hub, pinned, iter(NAMES)
    assert hub.stop() == 0


@pytest.fixture
def fetcher(stand):
    """The hub, what its stations have pinned, and one of them that no other test uses; a snapshot is there."""
    hub, pinned, names = stand
    name = next(names)
    with Line(hub.mqtt, name, pinned[name]["token"]) as line:
        fetcher = Fetcher(line, pinned[name]["sealing_key"])
        assert fetcher.newest(pinned[name]["policy_key"]).version >= 1
        yield hub, pinned[name], fetcher


def dropped(hub, name: str) -> set[str]:
    return {str(each["what"]) for each in hub.lines("dropped") if each.get("station") == name}


@pytest.mark.broker
def test_a_station_gets_by_its_line_what_it_would_get_over_http(fetcher):
    hub, pinned, station = fetcher
    offer = station.offer(OfferAsk(0, "", need_key=True))
    http = hub.session(pinned["token"])
    assert wire.decode(http.get("/v1/snapshot?have=0&need_key=1").content, Offer) == offer
    manifest = wire.decode(keys.verify(keys.decode_key(pinned["policy_key"]), offer.manifest), Manifest)
    assert offer.key
    for number, piece in enumerate(manifest.pieces):
        raw = b""
        while len(raw) < piece.size:
            raw += station.chunk(offer.name, number, len(raw), most=50)
        assert (len(raw), hashlib.sha256(raw).hexdigest()) == (piece.size, piece.sha256)
        assert raw == http.get(f"/v1/snapshot/piece?name={offer.name}&number={number}").content
    assert station.offer(OfferAsk(manifest.version, manifest.key)) == Offer()
    last = len(manifest.pieces)
    assert station.chunk(offer.name, last) is None
    assert station.chunk(offer.name, 0, manifest.pieces[0].size) is None
    assert station.chunk(NOBODYS, 0) is None


@pytest.mark.broker
def test_a_station_from_which_they_are_withheld_gets_nothing_by_either_way(fetcher):
    hub, pinned, station = fetcher
    offer = station.offer(OfferAsk(0, "", need_key=True))
    by = appoint(hub.data, "binh", hub.settings)
    hub.command("snapshot", "withhold", station.line.name, "--by", by)
    assert station.offer(OfferAsk(0, "", need_key=True)) == Offer()
    assert station.chunk(offer.name, 0) is None
    http = hub.session(pinned["token"])
    assert http.get("/v1/snapshot?need_key=1").status_code == 404
    assert http.get(f"/v1/snapshot/piece?name={offer.name}&number=0").status_code == 404


GARBAGE = (b"", b"{", b"null", random.Random(7).randbytes(300), b"[" * 8_000)
TRICKS = [
    *({"name": name} for name in ("../../keys/signing", f"{NOBODYS}\n", f"{NOBODYS}/../hub.sqlite", "")),
    *({"number": number} for number in (-1, 4_000, 1 << 64, "0")),
    *({"offset": offset} for offset in (-1, 1 << 40)),
    *({"most": most} for most in (0, 1 << 30)),
    *({"id": ask_id} for ask_id in ("short", "ff" * 500)),
]


@pytest.mark.broker
def test_no_chunk_is_given_for_garbage_late_asks_and_tricks_which_are_dropped_and_named(fetcher):
    hub, _, station = fetcher
    honest = msgspec.to_builtins(ChunkAsk("00" * 8, NOBODYS, 0, 0, 1, now() + timedelta(seconds=60)))
    wrong = [*GARBAGE, b"x" * 1_100_000, *(msgspec.json.encode(honest | trick) for trick in TRICKS)]
    wrong.append(msgspec.json.encode(honest | {"not_after": now() - timedelta(seconds=1)}))
    for payload in wrong:
        station.line.publish(chunks.WANT, payload)
        assert station.offer(OfferAsk(0)).name  # what came before it has been looked at
    assert station.line.messages.empty()
    told = {f"{chunks.WANT}: {what}" for what in ("longer than 8192 bytes", "expired", "not what it should be")}
    until(lambda: told <= dropped(hub, station.line.name), "named")
    assert {f"{chunks.WANT}: not what it should be, at `$.{key}`" for key in ("name", "number", "offset", "most")} <= (
        dropped(hub, station.line.name)
    )


@pytest.mark.broker
def test_no_offer_is_made_for_garbage_late_asks_and_tricks_which_are_dropped_and_named(fetcher):
    hub, _, station = fetcher

    def looked_at() -> None:
        assert station.chunk(NOBODYS, 0) is None

    for payload in (*GARBAGE, b"x" * 1_100_000):
        station.line.publish(chunks.ASK, payload)
        looked_at()
    for trick in (
        {"not_after": now() - timedelta(seconds=1)},
        {"reply": "tq/v1/s/s6/snapshot/offer"},
        {"id": "x" * 300},
    ):
        station.ask(OfferAsk(0), **trick)
        looked_at()
    for said in (b'{"have":-1}', b'{"have":0,"key":"../../x"}', b"\xff", b""):
        station.ask(said)
        looked_at()
    assert station.line.messages.empty()
    station.ask(OfferAsk(0), box="AAAA")
    assert station.answer().error == "the ask is not sealed to this hub's key"
    told = ("longer than 8192 bytes", "expired", "id: too long", "reply: must be the station's own answer topic")
    until(lambda: {f"{chunks.ASK}: {what}" for what in told} <= dropped(hub, station.line.name), "named")
    assert station.offer(OfferAsk(0)).name


@pytest.mark.broker
def test_a_station_hears_nothing_of_anothers_and_cannot_speak_for_it_or_for_the_hub(fetcher, stand):
    hub, pinned, station = fetcher
    name = station.offer(OfferAsk(0)).name
    with Line(hub.mqtt, "s6", stand[1]["s6"]["token"]) as other:
        other.subscribe(f"tq/v1/s/{station.line.name}/#")
        ask = ChunkAsk("ab" * 8, name, 0, 0, 1, now() + timedelta(seconds=60))
        other.client.publish(f"tq/v1/s/{station.line.name}/{chunks.WANT}", wire.encode(ask), 1).wait_for_publish(60)
        for topic in (f"s/{station.line.name}/{chunks.CHUNK}", f"s/s6/{chunks.CHUNK}", "snapshot"):
            other.client.publish(f"tq/v1/{topic}", b"forged", 1, retain=True).wait_for_publish(60)
        assert station.chunk(name, 0) is not None
        assert station.line.messages.empty()
        with pytest.raises(queue.Empty):
            other.next("", 0.3)
    station.line.subscribe("tq/v1/snapshot")
    station.newest(pinned["policy_key"])


@pytest.mark.broker
def test_nothing_is_said_that_is_larger_than_the_broker_takes(tmp_path, start_broker):
    broker = start_broker("allow_anonymous true", "max_packet_size 2000")
    pinned = furnish(tmp_path, "s1")
    (tmp_path / "hub.toml").write_text("[snapshots]\nenabled = true\n")
    words = ("--config", str(tmp_path / "hub.toml"), "--mqtt", f"127.0.0.1:{broker.port}")
    hub = HubProcess(tmp_path, *words).start()
    try:
        with Line(("127.0.0.1", broker.port), "s1", "") as line:
            station = Fetcher(line, pinned["s1"]["sealing_key"])
            station.newest(pinned["s1"]["policy_key"])
            station.ask(OfferAsk(0, "", need_key=True))
            assert station.answer().error == "the answer is larger than the broker takes in one message"
            shelf = Shelf(tmp_path / "snapshots", keyring.load(tmp_path / "keys"))
            (first,) = shelf.known()
            larger = msgspec.structs.replace(first, version=2, words=0, pieces=(Piece(5_000, "00" * 32),))
            (shelf.folder / f"{name_of(larger)}.bin").write_bytes(bytes(5_000))
            shelf.put(larger)
            assert 0 < len(station.chunk(name_of(larger), 0)) <= 2_000 - chunks.ROOM_FOR_HEADS
        assert hub.lines("no snapshots over the broker now") == []
    finally:
        hub.kill()


# who waits, and for how much there is room: plain arithmetic


def test_of_one_station_only_the_newest_ask_waits_and_a_flood_takes_nobodys_place(monkeypatch):
    monkeypatch.setattr(fetching, "ASKS_AT_MOST", 2)
    asks = Queue()
    flood = [Asked(b"%d" % number, None, 0.0) for number in range(100)]
    assert all(asks.put("s1", each) for each in flood)
    other = Asked(b"x", None, 0.0)
    assert [asks.put(name, other) for name in ("s2", "s3", "s2")] == [True, False, True]
    assert [asks.take() for _ in range(2)] == [("s1", flood[-1]), ("s2", other)]
    assert len(asks) == 0


def test_so_many_bytes_are_on_their_way_and_more_when_one_station_asks_again(monkeypatch):
    monkeypatch.setattr(fetching, "ROOM_BYTES", 100)
    room = Room()
    room.give("s1", 40, 0.0)
    room.give("s2", 50, 1.0)
    assert [room.is_for(size, 1.0) for size in (10, 11)] == [True, False]
    room.arrived("s1")
    assert [room.is_for(size, 1.0) for size in (50, 51)] == [True, False]
    room.give("s2", 10, 2.0)  # in the place of what it was given before
    assert [room.is_for(size, 2.0) for size in (90, 91)] == [True, False]
    room.arrived("nobody")
    assert not room.is_for(91, 2.0)


def test_what_was_given_to_a_station_that_is_gone_is_forgotten(monkeypatch):
    monkeypatch.setattr(fetching, "ROOM_BYTES", 100)
    room = Room()
    room.give("s1", 60, 0.0)
    room.give("s2", 40, 5.0)
    assert not room.is_for(60, fetching.LOST_SECONDS - 0.1)
    assert [room.is_for(size, fetching.LOST_SECONDS) for size in (60, 61)] == [True, False]
    assert room.is_for(100, fetching.LOST_SECONDS + 5.0)


def test_an_ask_ends_by_the_age_that_the_broker_minds_else_by_its_own_word():
    late, at = now() - timedelta(days=9), now()
    aged = Properties(PacketTypes.PUBLISH)
    aged.MessageExpiryInterval = 10
    assert not Asked(b"", aged, 100.0).is_over(late, at, 109.0)
    assert Asked(b"", aged, 100.0).is_over(late, at, 111.0)
    assert Asked(b"", Properties(PacketTypes.PUBLISH), 100.0).is_over(late, at, 100.0)
    assert not Asked(b"", None, 100.0).is_over(at, at, 999.0)
