"""How many are inside: counted on with every going through, always what counting anew would give, and cheap."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta

import pytest

from core import place
from core.model import Direction
from core.place import Seen
from station.journal.place import PlaceBook
from station.place.occupancy import Occupancy, Terms

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
KEY = b"k" * 32
TERMS = Terms(16 * 3600.0, 600.0)


def going(
    gate: str, seq: int, names: list[str], *, seconds: float = 0, way: Direction = Direction.IN
) -> tuple[str, Seen]:
    at = NOW + timedelta(seconds=seconds)
    return gate, Seen("cd" * 8, seq, at, way, place.tags(KEY, place.day_of(NOW), [("citizen", name) for name in names]))


def anew(book: PlaceBook, now: datetime, terms: Terms = TERMS) -> tuple[int | None, int]:
    crowd = Occupancy(book)
    crowd.count(now, terms, 0.0)
    return crowd.inside, crowd.conflicts


@pytest.fixture
def book(tmp_path):
    with PlaceBook(tmp_path / "place.db", "cho", "gate-a", KEY) as one:
        assert one.newest_turn() == 0
        yield one


@pytest.fixture
def own(book):
    """Has this gate let people through, too: ``put`` as if a journal's row had been written."""
    return lambda goings: book._put(list(goings))


@pytest.mark.parametrize("seed", range(5))
def test_counted_on_is_what_counting_anew_gives_whoever_goes_where_under_which_names(book, own, seed):
    luck = random.Random(seed)
    crowd = Occupancy(book)
    for turn in range(1, 81):
        names = [f"p{luck.randrange(12)}"] + [f"p{luck.randrange(12)}"] * (luck.random() < 0.1)
        way = luck.choice([Direction.IN, Direction.OUT])
        own([going(luck.choice(["gate-a", "gate-b"]), turn, names, seconds=luck.uniform(-1000, 0), way=way)])
        if luck.random() < 0.5:
            crowd.count(NOW, TERMS, 1.0)
            assert (crowd.inside, crowd.conflicts) == anew(book, NOW)


def test_who_went_out_at_another_gate_is_not_inside_at_the_next_count(book, own):
    crowd = Occupancy(book)
    own([going("gate-a", 1, ["an"], seconds=-60), going("gate-a", 2, ["binh"], seconds=-60)])
    crowd.count(NOW, TERMS, 0.0)
    assert crowd.inside == 2
    book.take([going("gate-b", 1, ["an"], way=Direction.OUT)])
    crowd.count(NOW, TERMS, 0.1)
    assert crowd.inside == 1
    book.take([going("gate-b", 2, ["binh"], seconds=-90, way=Direction.OUT)])  # late: he has come in since
    crowd.count(NOW, TERMS, 0.2)
    assert crowd.inside == 1


def test_who_never_went_out_counts_as_gone_within_a_minute_of_the_time(book):
    crowd = Occupancy(book)
    book.take([going("gate-b", 1, ["an"]), going("gate-b", 2, ["binh"], seconds=600)])
    crowd.count(NOW, TERMS, 0.0)
    assert crowd.inside == 2
    later = NOW + timedelta(seconds=TERMS.inside + 60)
    crowd.count(later, TERMS, 61.0)
    assert crowd.inside == 1
    book.take([going("gate-b", 3, ["an"], seconds=TERMS.inside + 61)])
    crowd.count(later, TERMS, 62.0)
    assert crowd.inside == 2


def test_other_rules_or_what_was_erased_are_counted_anew(book):
    crowd = Occupancy(book)
    book.take([going("gate-b", 1, ["an"]), going("gate-b", 2, ["binh"], seconds=600)])
    crowd.count(NOW, TERMS, 0.0)
    crowd.count(NOW + timedelta(seconds=900), Terms(600.0, 600.0), 10.0)
    assert crowd.inside == 1
    assert book.forget(NOW + timedelta(days=2)) == 2
    crowd.recount()
    crowd.count(NOW + timedelta(seconds=900), Terms(600.0, 600.0), 20.0)
    assert crowd.inside == 0


def test_a_split_that_let_somebody_in_twice_is_told_once(book, own, caplog):
    crowd = Occupancy(book)
    own([going("gate-a", 1, ["an"])])
    crowd.count(NOW, TERMS, 0.0)
    book.take([going("gate-b", 1, ["an"], seconds=-60), going("gate-b", 2, ["binh"])])
    for monotonic in (1.0, 2.0, 100.0, 1000.0):
        crowd.count(NOW, TERMS, monotonic)
        assert crowd.conflicts == 1
    (told,) = caplog.records
    assert (told.times, told.gates) == (1, ["gate-b"])


def test_one_more_where_twenty_thousand_go_a_day_costs_a_hundredth_of_counting_them_all(book):
    crowd = Occupancy(book)
    book.take([going("gate-b", seq, [f"p{seq % 7000}"], seconds=-seq) for seq in range(1, 20_001)])
    begun = time.perf_counter()
    crowd.count(NOW, TERMS, 0.0)
    whole = time.perf_counter() - begun
    took = []
    for seq in range(20_001, 20_021):
        book.take([going("gate-b", seq, [f"p{seq}"], way=Direction.IN)])
        begun = time.perf_counter()
        crowd.count(NOW, TERMS, 0.1)
        took.append(time.perf_counter() - begun)
    assert crowd.inside == 7020
    assert min(took) < whole / 100, (took, whole)


def test_a_book_that_cannot_be_read_for_a_moment_leaves_the_count_as_it_was(book):
    crowd = Occupancy(book)
    book.take([going("gate-b", 1, ["an"])])
    crowd.count(NOW, TERMS, 0.0)
    away = book.path.rename(book.path.with_suffix(".away"))
    crowd.recount()
    crowd.count(NOW, TERMS, 100.0)
    assert crowd.inside == 1
    away.rename(book.path)
    book.take([going("gate-b", 2, ["binh"])])
    crowd.count(NOW, TERMS, 200.0)
    assert crowd.inside == 2
