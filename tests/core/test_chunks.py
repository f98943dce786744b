"""Snapshots over MQTT: what asks may say, and chunks as bytes."""

from datetime import UTC, datetime

import msgspec
import pytest

from core import chunks, wire
from core.chunks import MOST_BYTES, Chunk, ChunkAsk, Newest, OfferAsk, read_chunk, write_chunk

NAME = "0123456789abcdef-00002-00001"
AT = datetime(2021, 6, 1, tzinfo=UTC)
WANTED = ChunkAsk("00" * 8, NAME, 0, 0, 1, AT)


@pytest.mark.parametrize("raw", [None, b"\0", b"x" * MOST_BYTES], ids=["none", "one", "most"])
def test_a_chunk_is_read_as_it_was_written(raw):
    chunk = Chunk("0123456789abcdef", raw)
    assert read_chunk(write_chunk(chunk)) == chunk


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"12345678", b"12345678\2x", b"12345678\0", b"12345678\1x"),
        b"12345678\0" + b"x" * (MOST_BYTES + 1),
    ],
    ids=["nothing", "no word", "another word", "no bytes", "bytes of nothing", "too many"],
)
def test_what_is_no_chunk_is_refused(payload):
    with pytest.raises(ValueError, match="chunk"):
        read_chunk(payload)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "0" * 15},
        {"id": "G" * 16},
        {"id": "0" * 16 + "\n"},
        {"name": "../../keys/signing"},
        {"name": f"{NAME}/../x"},
        {"name": f"{NAME}\n"},
        {"name": "0123456789abcdef-٠٠٠٠٢-00001"},
        {"number": -1},
        {"number": 4_000},
        {"offset": -1},
        {"offset": chunks.PIECE_AT_MOST},
        {"most": 0},
        {"most": MOST_BYTES + 1},
        {"number": 1 << 70},
        {"number": "0"},
        {"not_after": "2021-06-01"},
    ],
    ids=str,
)
def test_an_ask_for_a_chunk_names_a_piece_and_nothing_else(wrong):
    said = msgspec.to_builtins(WANTED) | wrong
    with pytest.raises(msgspec.MsgspecError):
        wire.decode(msgspec.json.encode(said), ChunkAsk)


@pytest.mark.parametrize("wrong", [{"have": -1}, {"have": 1 << 16}, {"key": "x"}, {"key": "0" * 17}, {"need_key": 1}])
def test_an_ask_for_an_offer_is_bounded(wrong):
    with pytest.raises(msgspec.MsgspecError):
        wire.decode(msgspec.json.encode({"have": 0} | wrong), OfferAsk)


def test_messages_come_back_as_they_were():
    for said in (WANTED, OfferAsk(7, "00" * 8, need_key=True), Newest("all", 7, "00" * 8, AT)):
        assert wire.decode(wire.encode(said), type(said)) == said
