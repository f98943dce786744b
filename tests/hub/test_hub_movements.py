"""Where people were: pairs of scans, inferred exits, closing times and overlaps, by equality and by luck."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from drawn import drawn
from hypothesis import given
from hypothesis import strategies as st

from core.model import Direction
from hub.inquiries.movements import LONGEST, Overlap, Scan, Site, Stay, closing, during, inside, overlaps, stays
from hub.localtime import HUE

IN, OUT = Direction.IN, Direction.OUT
DAY = datetime(2026, 3, 2, tzinfo=HUE)
NIGHT = DAY + timedelta(hours=23)
SITES = {"cho": Site("05:00-20:00"), "quan": Site("06:00-22:00"), "chot": Site(passed=True), "ben": Site()}


def at(hour: int, minute: int = 0) -> datetime:
    return DAY + timedelta(hours=hour, minutes=minute)


def of(*scans: Scan, now: datetime = NIGHT) -> tuple[Stay, ...]:
    return stays(scans, SITES, now)


def test_a_scan_in_and_a_scan_out_are_one_stay():
    assert of(Scan("a", "cho", at(8)), Scan("a", "cho", at(9), OUT)) == (Stay("a", "cho", at(8), at(9), "out"),)


def test_entering_elsewhere_ends_the_stay_before():
    assert of(Scan("a", "cho", at(8)), Scan("a", "quan", at(10)), Scan("a", "quan", at(11), OUT)) == (
        Stay("a", "cho", at(8), at(10), "elsewhere"),
        Stay("a", "quan", at(10), at(11), "out"),
    )


def test_whoever_never_checks_out_leaves_at_closing_time():
    assert of(Scan("a", "cho", at(8))) == (Stay("a", "cho", at(8), at(20), "closing"),)


def test_a_scan_after_closing_time_is_another_stay():
    assert of(Scan("a", "cho", at(8)), Scan("a", "quan", at(21)), now=at(21, 30)) == (
        Stay("a", "cho", at(8), at(20), "closing"),
        Stay("a", "quan", at(21), at(21, 30), "inside"),
    )


def test_where_no_hours_are_known_nobody_stays_longer_than_the_longest():
    after = at(8) + LONGEST
    assert of(Scan("a", "ben", at(8)), now=after) == (Stay("a", "ben", at(8), after, "long"),)


def test_scanning_in_twice_is_one_stay_since_the_first_time():
    assert of(Scan("a", "cho", at(8)), Scan("a", "cho", at(9)), now=at(10)) == (
        Stay("a", "cho", at(8), at(10), "inside"),
    )


def test_a_checkpoint_is_passed_and_ends_what_was_before():
    assert of(Scan("a", "cho", at(8)), Scan("a", "chot", at(9))) == (
        Stay("a", "cho", at(8), at(9), "elsewhere"),
        Stay("a", "chot", at(9), at(9), "passage"),
    )


def test_leaving_without_having_entered_is_a_stay_of_that_moment():
    assert of(Scan("a", "cho", at(9), OUT)) == (Stay("a", "cho", at(9), at(9), "out"),)


def test_what_lies_ahead_is_left_out():
    assert of(Scan("a", "cho", at(9)), now=at(8)) == ()


def test_closing_time_is_the_next_one_in_the_province_also_past_midnight():
    assert closing("05:00-20:00", at(8).astimezone(UTC)) == at(20)
    assert closing("18:00-02:00", at(19)) == at(26)
    assert closing("18:00-02:00", at(1)) == at(2)
    assert closing("0:00-24:00", at(1)) == at(24)
    assert closing("sáng", at(1)) is None


def test_a_window_holds_whoever_was_there_for_a_moment_of_it():
    found = of(Scan("a", "cho", at(8)), Scan("a", "cho", at(9), OUT), Scan("b", "cho", at(10)))
    assert [stay.who for stay in during(found, at(9), at(9, 30))] == ["a"]
    assert [stay.who for stay in during(found, at(9, 1), at(9, 30))] == []


def test_occupancy_counts_people_who_have_not_left():
    found = of(Scan("a", "cho", at(8)), Scan("b", "cho", at(8)), Scan("b", "cho", at(9), OUT), now=at(10))
    assert inside(found, "cho") == 1
    assert inside(found, "quan") == 0


def test_people_overlap_from_the_later_coming_to_the_earlier_going():
    mine = of(Scan("a", "cho", at(8)), Scan("a", "cho", at(10), OUT))
    theirs = of(
        *(Scan("b", "cho", at(9)), Scan("b", "cho", at(11), OUT)),
        *(Scan("c", "quan", at(9)), Scan("d", "cho", at(10, 10))),
    )
    together = Overlap("a", "b", "cho", at(9), at(10))
    assert overlaps(mine, theirs) == (together,)
    assert together.seconds == 3600
    near = overlaps(mine, theirs, timedelta(minutes=15))
    assert [(one.other, one.seconds) for one in near] == [("b", 3600), ("d", 0)]


minutes = st.integers(0, 40 * 60)
scans = st.builds(
    Scan,
    who=st.sampled_from("ab"),
    place=st.sampled_from(sorted(SITES)),
    at=minutes.map(lambda minute: DAY + timedelta(minutes=minute)),
    direction=st.sampled_from((IN, OUT)),
)
passages = st.lists(scans, max_size=8, unique_by=lambda scan: (scan.who, scan.at))


@drawn()
@given(passages, st.randoms())
def test_nobody_is_in_two_places_at_once_whatever_order_rows_come_in(given, luck):
    now = DAY + timedelta(hours=41)
    found = stays(given, SITES, now)
    shuffled = given.copy()
    luck.shuffle(shuffled)
    assert stays(shuffled, SITES, now) == found
    for one, next_one in pairwise(found):
        assert one.who != next_one.who or one.until <= next_one.since
    for stay in found:
        assert stay.since <= stay.until <= min(now, stay.since + LONGEST)
        assert any((scan.who, scan.place, scan.at) == (stay.who, stay.place, stay.since) for scan in given)


def minutes_of(since: datetime, until: datetime) -> set[datetime]:
    return {since + timedelta(minutes=minute) for minute in range(int((until - since).total_seconds() // 60) + 1)}


@drawn(50)
@given(passages)
def test_overlaps_are_what_going_through_every_minute_finds(given):
    found = stays(given, SITES, DAY + timedelta(hours=41))
    mine, theirs = ([stay for stay in found if stay.who == who] for who in "ab")
    there = {(stay.who, stay.place, minute) for stay in found for minute in minutes_of(stay.since, stay.until)}
    together = {(place, minute) for who, place, minute in there if who == "a" and ("b", place, minute) in there}
    assert together == {
        (one.place, minute) for one in overlaps(mine, theirs) for minute in minutes_of(one.since, one.until)
    }


@drawn()
@given(passages, st.integers(0, 30))
def test_two_people_meet_alike_from_either_side_and_never_less_with_a_margin(given, margin):
    found = stays(given, SITES, DAY + timedelta(hours=41))
    mine, theirs = ([stay for stay in found if stay.who == who] for who in "ab")

    def met(some: list[Stay], others: list[Stay], minutes: int) -> list[tuple[str, datetime, datetime]]:
        return sorted((one.place, one.since, one.until) for one in overlaps(some, others, timedelta(minutes=minutes)))

    assert met(mine, theirs, margin) == met(theirs, mine, margin)
    assert set(met(mine, theirs, 0)) <= set(met(mine, theirs, margin))
