"""Orders: believed only from the pinned key, only by the station they speak to, only while they stand."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import keys, orders, wire
from core.model import Direction
from core.rules import Policy

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PRIVATE, PUBLIC = keys.new_signing_key()
OTHER_PRIVATE, OTHER_PUBLIC = keys.new_signing_key()

TASKS: list[orders.Task] = [
    orders.Identify(5),
    orders.TrySignals(1),
    orders.Restart(),
    orders.Reboot(),
    orders.Logs(10, 4),
    orders.Aim(0),
    orders.Snapshot(),
    orders.SetPlace("cho", "Chợ Đông Ba", Direction.OUT),
    orders.HoldOpen(30),
    orders.OpenOnce(),
    orders.CloseDoor(),
    orders.QuietHours("22:00", "05:30"),
    orders.Resend("0" * 16, 3, 9),
    orders.Erase("0" * 16, (3, 9)),
]


def order(task: orders.Task = TASKS[0], station: str = "gate-1", **said: object) -> orders.Order:
    fields = {"id": "0" * 16, "issued": NOW, "not_after": NOW + 5 * MINUTE, "nonce": "0" * 32, **said}
    return orders.Order(station=station, task=task, **fields)


def signed(made: orders.Header, private: bytes = PRIVATE) -> bytes:
    return wire.encode(keys.sign(private, wire.encode(made)))


def test_there_is_an_example_of_every_kind():
    assert {orders.kind_of(task) for task in TASKS} == set(orders.KINDS)


@pytest.mark.parametrize("task", TASKS, ids=orders.kind_of)
def test_a_station_reads_what_its_hub_has_signed_for_it(task):
    assert orders.read(PUBLIC, signed(order(task)), "gate-1") == order(task)


@pytest.mark.parametrize(
    ("key", "document", "why"),
    [
        (b"", signed(order()), "no key is pinned"),
        (PUBLIC, signed(order(), OTHER_PRIVATE), "signed by key"),
        (PUBLIC, signed(order(station="gate-2")), "another station's"),
        (PUBLIC, b"rubbish", "malformed"),
        (PUBLIC, b"[" * 100_000, "Expected `object`"),
        (PUBLIC, signed(Policy(1, NOW, NOW)), "missing required field"),
    ],
    ids=["unpinned", "strangers", "neighbours", "rubbish", "text", "bare"],
)
def test_nobody_elses_word_is_an_order(key, document, why):
    with pytest.raises(orders.NotOurs, match=why):
        orders.read(key, document, "gate-1")


@given(st.data())
def test_an_order_that_was_tampered_with_is_none(data):
    document = wire.decode(signed(order()), wire.Signed)
    payload = bytearray(base64.b64decode(document.payload))
    at = data.draw(st.integers(0, len(payload) - 1))
    payload[at] ^= 1 << data.draw(st.integers(0, 7))
    forged = msgspec.structs.replace(document, payload=base64.b64encode(payload).decode())
    with pytest.raises(orders.NotOurs, match="signature does not match"):
        orders.read(PUBLIC, wire.encode(forged), "gate-1")


@given(st.binary(max_size=400))
def test_rubbish_is_never_an_order(raw):
    with pytest.raises(orders.NotOurs):
        orders.read(PUBLIC, raw, "gate-1")


def test_a_kind_that_only_a_newer_program_knows_can_be_answered():
    payload = wire.encode(order()).replace(b'"type":"identify"', b'"type":"dance"')
    with pytest.raises(orders.NotKnown) as caught:
        orders.read(PUBLIC, wire.encode(keys.sign(PRIVATE, payload)), "gate-1")
    assert caught.value.header.id == order().id
    assert "does not know" in str(caught.value)


@pytest.mark.parametrize(
    ("now", "said", "why"),
    [
        (NOW, {}, ""),
        (NOW + 5 * MINUTE, {}, ""),
        (NOW - 5 * MINUTE, {}, ""),
        (NOW + 6 * MINUTE, {}, "expired at 2026-11-23 08:05:00Z"),
        (NOW - 6 * MINUTE, {}, "issued in the future"),
        (None, {}, "does not know the time"),
        (NOW, {"not_after": NOW + timedelta(days=63)}, "longer than 62 days"),
    ],
)
def test_an_order_is_carried_out_only_while_it_stands(now, said, why):
    objection = orders.objection(order(**said), now)
    assert objection == why or (why and why in objection)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("hold-open", {"seconds": 3_601}),
        ("hold-open", {"seconds": 0}),
        ("identify", {"seconds": 100_000}),
        ("quiet", {"start": "22:00"}),
        ("quiet", {"start": "22:00", "end": "22:00"}),
        ("quiet", {"start": "25:00", "end": "22:00"}),
        ("resend", {"epoch": "0" * 16, "first": 9, "last": 3}),
        ("resend", {"epoch": "../etc", "first": 1, "last": 3}),
        ("erase", {"epoch": "0" * 16, "seqs": []}),
        ("erase", {"epoch": "0" * 16, "seqs": list(range(1, 2_002))}),
        ("place", {"place": "a\nb"}),
        ("logs", {"lines": 1_000_000}),
    ],
)
def test_no_order_is_without_measure(kind, said):
    task = msgspec.json.encode({"type": kind, **said})
    with pytest.raises(ValueError, match=r"Expected|match|first, last|start, end"):
        wire.decode(task, orders.KINDS[kind])


@given(st.binary(max_size=500), st.integers(1, 100))
def test_data_travels_in_parts_that_put_together_are_the_data(data, most):
    result = orders.Result(station="gate-1", order="0" * 16, status="succeeded", at=NOW)
    parts = list(orders.in_parts(result, data, most))
    assert [part.part for part in parts] == list(range(1, parts[0].parts + 1))
    assert b"".join(base64.b64decode(part.data) for part in parts) == data
    assert all(len(base64.b64decode(part.data)) <= most for part in parts)
