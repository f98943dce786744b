"""How long records stay: versions with limits, the one in force, what it would erase, and that it is carried out."""

from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa
from hub_stand import journal_of, now
from kept import count, days_ago, old_and_new

from hub.config import KeepingSettings, Settings
from hub.custody import holds, keeper, keeping, retention
from hub.custody.retention import LIMITS, Days
from hub.errors import DataError
from hub.storage.tables import declarations, people, visits

SETTINGS = KeepingSettings(checkin_days=28, declaration_days=120)


def publish(store, days, **given):
    with store.writing() as connection:
        return retention.publish(connection, days, "admin", now(), **given)


def in_force(store, moment=None):
    with store.reading() as connection:
        return retention.current(connection, SETTINGS, moment or now())


def test_the_settings_rule_until_a_version_is_published(store):
    assert in_force(store).days == Days(checkins=28, declarations=120, withdrawn=28)
    assert publish(store, Days(checkins=30)) == 1
    assert in_force(store).days.checkins == 30


def test_a_version_rules_from_its_moment_on_and_an_old_one_can_come_back(store):
    publish(store, Days(checkins=30), note="đợt dịch tháng 8")
    publish(store, Days(checkins=14), effective=now() + timedelta(days=2))
    assert (in_force(store).number, in_force(store).days.checkins) == (1, 30)
    later = in_force(store, now() + timedelta(days=3))
    assert (later.number, later.author, later.days.checkins) == (2, "admin", 14)
    with store.reading() as connection:
        old = retention.version(connection, 1)
        assert [each.number for each in retention.history(connection)] == [2, 1]
        assert [retention.version(connection, number) for number in (0, 3, 1 << 40)] == [None, None, None]
    publish(store, old.days)
    assert in_force(store).days == Days(checkins=30)


def test_no_version_begins_in_the_past(store):
    publish(store, Days(), effective=days_ago(30))
    assert in_force(store).effective > days_ago(1)


@pytest.mark.parametrize("kind", LIMITS)
def test_days_outside_their_limits_are_refused_by_name(store, kind):
    for wrong in (LIMITS[kind][0] - 1, LIMITS[kind][1] + 1):
        with pytest.raises(DataError, match=f"{kind}: {LIMITS[kind][0]} to {LIMITS[kind][1]} days"):
            publish(store, msgspec.structs.replace(Days(), **{kind: wrong}))


def test_every_kind_of_days_has_limits_and_starts_within_them():
    assert set(LIMITS) == set(Days.__struct_fields__)
    assert retention.faults(msgspec.structs.asdict(Days())) == []


def test_what_would_go_is_what_goes(peopled, ring, tmp_path):
    old_and_new(peopled, ring, journal_of(ring))
    with peopled.writing() as connection:
        connection.execute(sa.update(declarations).values(at=days_ago(100)))
        said = keeping.due(connection, Days(), now())
        assert keeping.due(connection, Days(checkins=60, declarations=120), now()) == dict.fromkeys(said, 0)
    assert said == {"check-ins": 3, "rows": 3, "declarations": 1, "codes": 0, "erasures": 0}
    gone = keeper.carry_out(peopled, ring, Settings(data=str(tmp_path)), now())
    assert {name: gone[name] for name in said} == said


def test_a_published_version_is_what_the_hub_carries_out(peopled, ring, tmp_path):
    old_and_new(peopled, ring, journal_of(ring))
    settings = Settings(data=str(tmp_path))
    publish(peopled, Days(checkins=40))
    keeper.carry_out(peopled, ring, settings, now())
    assert count(peopled, visits) == 5
    publish(peopled, Days(checkins=14))
    keeper.carry_out(peopled, ring, settings, now())
    assert count(peopled, visits) == 2


def test_who_is_on_hold_is_not_counted(peopled, ring):
    old_and_new(peopled, ring, journal_of(ring))
    with peopled.writing() as connection:
        person = connection.scalar(sa.select(people.c.id))
        holds.place(connection, person, "admin", "court order 7", now() + timedelta(days=30), now())
        assert keeping.due(connection, Days(), now())["check-ins"] == 0


def test_days_ahead_that_a_later_version_has_overtaken_never_come(store):
    soon = now() + timedelta(days=2)
    publish(store, Days(checkins=30), effective=soon)
    publish(store, Days(checkins=20), effective=soon + timedelta(days=1))
    with store.reading() as connection:
        assert retention.overtaken(retention.history(connection)) == set()
    publish(store, Days(checkins=14))
    with store.reading() as connection:
        assert retention.overtaken(retention.history(connection)) == {1, 2}
    assert in_force(store, soon + timedelta(days=2)).number == 3
