"""Places: their posted codes, people's own scans of them, and one person's codes at two places at once."""

import itertools
from datetime import timedelta

import pytest
import sqlalchemy as sa
from declared import DOCUMENT, ME, NOW, form
from hub_stand import journal_of

from core import wire
from core.codes import place as place_code
from core.model import Area, Direction, GateKind, Scheme, Subject
from hub.citizens import own_scans
from hub.errors import DataError
from hub.journals import intake, reading, sharing
from hub.journals.sharing import Seen, too_fast
from hub.register import declaring, places, registry
from hub.register.people import PlaceRecord
from hub.register.standings import Standings
from hub.stations import alarms
from hub.storage.tables import places as places_table
from hub.storage.tables import stations, visits

HUE = PlaceRecord("ga-hue", "Ga Huế", GateKind.VENUE, Area("34", "46", "", "19777"))
LANG_CO = PlaceRecord("lang-co", "Chốt Lăng Cô", GateKind.CHECKPOINT, Area("63", "46", "482", "20110"))
HANOI = PlaceRecord("noi-bai", "Nội Bài", GateKind.VENUE, Area("63", "01"), latitude=21.21, longitude=105.80)
NOWHERE = PlaceRecord("o-dau-do", "Ở đâu đó", GateKind.VENUE, Area("63", "46"))
LETTERS = PlaceRecord("Old.Place", "Id cũ", GateKind.VENUE, Area("63", "46"))
UNKNOWN = "046193990777"
EVERY = (HUE, LANG_CO, HANOI, NOWHERE, LETTERS)


@pytest.fixture
def person(store, ring):
    """Somebody known, in a store with places."""
    with store.writing() as connection:
        for place in EVERY:
            registry.put_place(connection, place)
        return declaring.declare(connection, ring, form(), NOW, by=ME).person


@pytest.fixture
def bring(store, ring):
    """Takes in rows ``(minutes from NOW, place)`` of one station each; gives the alarms that are open then."""

    journals = itertools.count()

    def taken(*shown, clock="ntp", who=DOCUMENT):
        for minutes, place in shown:
            number = next(journals)
            book = journal_of(ring, station=f"s{number}", epoch=f"{number:016x}")
            at = NOW + timedelta(minutes=minutes)
            book.write(who, at=at, place=place, clock=wire.RowClock(clock, "boot", 1.0))
            with store.writing() as connection:
                intake.take(connection, book.batch(), NOW + timedelta(hours=9))
                reading.read_pending(connection, ring, 10, NOW + timedelta(hours=9))
        with store.reading() as connection:
            return [alarm for alarm in alarms.listed(connection) if alarm.kind == "shared-code"]

    return taken


def test_a_place_has_its_fields_and_its_code_to_print(store, person):
    with store.reading() as connection:
        known = {place.code: place for place in places.listed(connection)}
    assert set(known) == {place.code for place in EVERY}
    assert place_code.place_of(known["ga-hue"].posted) == "ga-hue"
    assert known["Old.Place"].posted == ""
    with pytest.raises(DataError, match="a place id is"):
        places.posted("Old.Place")


NAMES = [
    *(
        "An Cựu",
        "Ánh",
        "Ăn Năn",
        "Âm Hồn",
        "Chợ Cống",
        "Chợ Đông Ba",
        "Dinh",
        "Đá",
        "Đông",
        "Gà",
        "Gả",
        "Gã",
        "Gá",
        "Gạ",
    ),
    *("Ga Huế", "Ong", "Ông", "Ơn", "ưng", "Uyên", "Vỹ Dạ", "Xước Dũ", "Yên"),
]


def named(store):
    with store.writing() as connection:
        for number, name in enumerate(NAMES):
            registry.put_place(connection, PlaceRecord(f"p{number}", name, GateKind.VENUE, Area("63", "46")))
        return [name for _, name in places.named(connection)], [place.name for place in places.listed(connection)]


def test_places_are_listed_as_a_vietnamese_dictionary_orders_them(vietnamese_store):
    for listed in named(vietnamese_store):
        with vietnamese_store.reading() as connection:
            assert listed == list(connection.scalars(sa.select(places_table.c.name).order_by(places_table.c.name)))


def test_both_databases_list_places_alike_and_numbers_as_they_count(store):
    with store.writing() as connection:
        for number in (10, 2):
            registry.put_place(connection, PlaceRecord(f"s{number}", f"Bến {number}", GateKind.VENUE, Area("63", "46")))
    listed, _ = named(store)
    some = [name for name in listed if name in ("Ánh", "Bến 2", "Bến 10", "Đông", "Ga Huế", "Ông", "Yên")]
    assert some == ["Ánh", "Bến 2", "Bến 10", "Đông", "Ga Huế", "Ông", "Yên"]


def test_a_persons_own_scan_is_a_destination_scan_and_two_taps_are_one(store, ring, person):
    posted = places.posted("ga-hue")
    with store.writing() as connection:
        seconds = (0, 20, 3600)
        done = [own_scans.scan(connection, ring, person, posted, NOW + timedelta(seconds=each)) for each in seconds]
    assert [each.at - NOW for each in done] == [timedelta(0), timedelta(0), timedelta(hours=1)]
    asked = Standings(store.reader(), ring)
    late = NOW + timedelta(hours=2)
    group = asked.of(Subject(Scheme.CITIZEN, DOCUMENT), late, late).destination
    asked.close()
    assert (group.place, group.place_name, group.direction) == ("ga-hue", "Ga Huế", Direction.IN)


@pytest.mark.parametrize("text", ["TQP1:GA-HUE:0000", places.posted("khong-co"), "https://example.org/", ""])
def test_a_code_of_no_place_is_refused(store, ring, person, text):
    with store.writing() as connection:
        with pytest.raises(places.NoPlace):
            own_scans.scan(connection, ring, person, text, NOW)
        assert connection.scalar(sa.select(sa.func.count()).select_from(visits)) == 0


def test_distances_are_those_of_the_map(store, person):
    with store.reading() as connection:
        known = {place.code: places.position(place) for place in places.listed(connection)}
    assert known["o-dau-do"] is None
    assert 45 < places.kilometres(known["ga-hue"], known["lang-co"]) < 65
    assert 540 < places.kilometres(known["ga-hue"], known["noi-bai"]) < 580


@pytest.mark.parametrize(
    ("minutes", "kilometres", "impossible"),
    [(0, 14, False), (0, 60, True), (20, 60, False), (60, 560, True), (120, 560, False)],
)
def test_too_fast_is_what_no_car_and_no_flight_can_do(minutes, kilometres, impossible):
    assert too_fast(Seen(NOW, "a"), Seen(NOW + timedelta(minutes=minutes), "b"), kilometres) == impossible


def test_one_persons_codes_at_two_far_places_at_once_are_an_alarm(bring, person):
    (alarm,) = bring((0, "ga-hue"), (5, "lang-co"))
    assert (alarm.station, alarm.times) == ("s1", 1)
    assert "ga-hue 05:06 and at lang-co 05:11" in alarm.detail
    assert DOCUMENT not in repr(alarm)


def test_it_is_noticed_in_whatever_order_the_rows_arrive(bring, person):
    assert len(bring((5, "lang-co"), (0, "ga-hue"))) == 1


@pytest.mark.parametrize(
    "shown",
    [
        ((0, "ga-hue"), (45, "lang-co")),  # a drive
        ((0, "ga-hue"), (1, "ga-hue")),
        ((0, "ga-hue"), (1, "o-dau-do")),  # nobody knows where that is
        ((0, "noi-bai"), (150, "ga-hue")),  # a flight
    ],
    ids=str,
)
def test_what_a_person_can_do_is_no_alarm(bring, person, shown):
    assert bring(*shown) == []


def test_a_guessed_clock_accuses_nobody(bring, person):
    assert bring((0, "ga-hue"), (1, "lang-co"), clock="guess") == []


def test_a_time_that_becomes_known_later_is_compared_then(store, ring, bring, person):
    assert bring((0, "ga-hue")) == []
    book, at = journal_of(ring, station="s7", epoch="7" * 16), NOW + timedelta(minutes=5)
    guessed, known = wire.RowClock("guess", "boot", 1.0), wire.RowClock("ntp", "boot", 61.0)
    book.write(DOCUMENT, at=at - timedelta(days=3), place="lang-co", clock=guessed)
    book.write(at=at + timedelta(minutes=1), clock=known, type="amendment", about=1, sealed="", outcome=None)
    with store.writing() as connection:
        intake.take(connection, book.batch(), NOW + timedelta(hours=9))
        reading.read_pending(connection, ring, 10, NOW + timedelta(hours=9))
        (alarm,) = alarms.listed(connection)
    assert (alarm.kind, alarm.station) == ("shared-code", "s7")
    assert "ga-hue 05:06 and at lang-co 05:11" in alarm.detail


def test_a_scan_by_a_clock_that_nobody_set_accuses_once_its_boot_is_dated(store, ring, bring, person):
    bring((0, "ga-hue"))
    book, at = journal_of(ring, station="s7", epoch="7" * 16), NOW + timedelta(minutes=5)
    book.write(DOCUMENT, at=at - timedelta(minutes=1), place="lang-co", clock=wire.RowClock("guess", "boot", 1.0))
    known = wire.RowClock("ntp", "boot", 61.0)
    with store.writing() as connection:
        intake.take(connection, book.batch(), NOW + timedelta(hours=9))
        reading.read_pending(connection, ring, 10, NOW + timedelta(hours=9))
    assert bring((1, "ga-hue")) == []  # a sure scan beside the guess
    word = {"type": "amendment", "outcome": None, "cause": "clock", "sealed": ""}
    book.write(at=at + timedelta(minutes=1), clock=known, **word)
    with store.writing() as connection:
        intake.take(connection, book.batch(2), NOW + timedelta(hours=9))
        reading.read_pending(connection, ring, 10, NOW + timedelta(hours=9))
        assert not reading.date_held(connection, ring, 10, NOW + timedelta(hours=9))
        (alarm,) = alarms.listed(connection)
    assert (alarm.kind, alarm.station) == ("shared-code", "s7")
    assert "ga-hue 05:07 and at lang-co 05:11" in alarm.detail


def test_a_code_that_nobody_registered_is_compared_with_itself(bring, person):
    assert bring((0, "ga-hue"), (1, "ga-hue"), who=UNKNOWN) == []
    assert bring((2, "lang-co"), who="046193990778") == []  # somebody else's
    (alarm,) = bring((3, "lang-co"), who=UNKNOWN)
    assert "nobody has registered" in alarm.detail
    assert UNKNOWN not in repr(alarm)


def test_the_stations_are_not_told_of_a_shared_code(bring, person, store):
    bring((0, "ga-hue"), (1, "lang-co"))
    with store.reading() as connection:
        assert alarms.told_to(connection, "s1", NOW + timedelta(hours=9)) == ""


def test_an_own_scan_counts_too(store, ring, bring, person):
    with store.writing() as connection:
        own_scans.scan(connection, ring, person, places.posted("lang-co"), NOW)
    assert len(bring((2, "ga-hue"))) == 1


def test_nothing_new_is_nothing_to_notice(store, ring):
    with store.writing() as connection:
        sharing.notice(connection, ring, {}, NOW)
        assert alarms.listed(connection) == []


def test_the_forms_map_is_the_one_most_places_are_registered_with(peopled):
    with peopled.writing() as connection:
        assert places.edition(connection) == "63"
        connection.execute(sa.delete(stations))
        connection.execute(sa.update(places_table).values(edition="34"))
        assert places.edition(connection) == "34"
        connection.execute(sa.delete(places_table))
        assert places.edition(connection) == "34"
