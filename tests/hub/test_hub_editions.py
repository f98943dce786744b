"""Zones on both maps: what is published for one edition matches addresses of the other, at every level."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa
from hub_stand import ROOT

from core import keys, wire
from core.model import Area
from core.rules import Policy, Zone
from core.zones import Match, worst
from hub.policy import editions, policies
from hub.register import areas
from hub.storage.tables import policies as table

AT = datetime(2026, 11, 1, tzinfo=UTC)
OLD = Area("63", "48", "490", "20194", "Tổ 12", "Chợ Hòa Hiệp")  # Hòa Hiệp Bắc, Liên Chiểu, Đà Nẵng
NEW = Area("34", "48", "", "20194", "Tổ 12", "Chợ Hòa Hiệp")  # Hải Vân, Đà Nẵng, which it became part of
ELSEWHERE = (Area("63", "01", "001", "00001", "Tổ 12"), Area("34", "01", "", "00004", "Tổ 12"))


def at_level(area: Area, level: str, **more: object) -> Zone:
    """The zone of one level around an address."""
    levels = ("province", "district", "commune", "hamlet", "point")
    kept = levels[: levels.index(level) + 1]
    return Zone(area.edition, **{name: getattr(area, name) for name in kept}, **more)


def policy(*zones: Zone, version: int = 1) -> Policy:
    return Policy(version, AT, AT, zones=zones)


@pytest.mark.parametrize("level", ["province", "district", "commune", "hamlet", "point"])
@pytest.mark.parametrize(("chosen", "declared"), [(OLD, NEW), (NEW, OLD), (OLD, OLD), (NEW, NEW)])
def test_a_zone_of_one_map_matches_addresses_of_both(store, ring, level, chosen, declared):
    with store.writing() as connection:
        policies.publish(connection, ring, policy(at_level(chosen, level)), AT)
        document = connection.scalar(sa.select(table.c.document))
    payload = keys.verify(ring.policy_public, msgspec.json.decode(document, type=wire.Signed))
    published = msgspec.json.decode(payload, type=Policy)
    assert worst(declared, published.zones, AT) is Match.INSIDE
    assert [worst(each, published.zones, AT) for each in ELSEWHERE] == [Match.OUTSIDE] * 2


@pytest.mark.parametrize(("chosen", "declared"), [(OLD, NEW), (NEW, OLD)])
def test_an_address_of_the_other_map_that_does_not_say_its_hamlet_is_asked(chosen, declared):
    zones = editions.expanded(policy(at_level(chosen, "hamlet"))).zones
    assert worst(msgspec.structs.replace(declared, hamlet="", point=""), zones, AT) is Match.UNCLEAR
    assert worst(msgspec.structs.replace(declared, hamlet="Tổ 13"), zones, AT) is Match.OUTSIDE


def test_the_dates_go_along():
    zone = at_level(OLD, "province", since=AT, until=AT + timedelta(days=2))
    zones = editions.expanded(policy(zone)).zones
    found = [worst(NEW, zones, AT + timedelta(days=day)) for day in (-1, 0, 2, 3)]
    assert found == [Match.OUTSIDE, Match.INSIDE, Match.INSIDE, Match.OUTSIDE]


def test_what_lies_only_partly_in_a_zone_is_taken_in_and_named():
    (zone,) = editions.on_both_maps(policy(at_level(OLD, "commune")))
    assert (zone.name, zone.edition, zone.other) == (areas.title(Area("63", "48", "490", "20194")), "63", "34")
    assert zone.names == zone.partly == ("Phường Hải Vân, Thành phố Đà Nẵng",)
    (whole,) = editions.on_both_maps(policy(Zone("34", "48")))
    assert (whole.names, whole.partly) == (("Thành phố Đà Nẵng", "Tỉnh Quảng Nam"), ())


def test_the_same_name_on_two_maps_is_not_the_same_place():
    zones = editions.expanded(policy(Zone("63", "48"))).zones
    tam_ky = areas.search("Tam Kỳ", "34", within="48")[0]
    assert worst(tam_ky, zones, AT) is Match.OUTSIDE  # of Quảng Nam until 2025


def test_expanding_again_changes_nothing_and_the_chosen_zones_come_back():
    chosen = (at_level(OLD, "hamlet"), Zone("34", "48", since=AT), Zone("63", "46"))
    once = editions.expanded(policy(*chosen))
    assert editions.expanded(once) == once
    assert editions.originals(once.zones) == chosen
    assert set(chosen) < set(once.zones)


def test_publishing_the_same_policy_again_is_no_new_version(store, ring):
    with store.writing() as connection:
        published = [policies.publish(connection, ring, policy(at_level(OLD, "commune")), AT) for _ in range(2)]
    assert published == [True, False]


@pytest.mark.parametrize("zone", [Zone("1945", "48"), Zone("63", "99"), Zone("34", "48", "490")])
def test_a_zone_that_no_map_knows_stays_as_it_is(zone):
    assert editions.told(zone).zones == ()
    assert editions.expanded(policy(zone)).zones == (zone,)


def test_every_unit_has_its_counterparts_in_both_directions():
    leaves = [unit for edition in areas.EDITIONS for unit in areas._map()[edition].units.values()
              if not areas.under(edition, unit.code)]  # fmt: skip
    other = {"63": "34", "34": "63"}
    for unit in leaves:
        found = areas.counterparts(unit.edition, unit.code)
        assert found, unit
        assert all(unit.code in areas.counterparts(other[unit.edition], code) for code in found), unit


def test_the_command_names_what_is_taken_in_though_it_lies_in_the_zone_only_partly(tmp_path):
    file = tmp_path / "policy.json"
    file.write_bytes(wire.encode(policy(at_level(OLD, "commune"))))
    words = [sys.executable, "-m", "hub", "policy", "publish", file, "--data", tmp_path / "hub"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("taken in whole, though only partly in it: Phường Hải Vân, Thành phố Đà Nẵng\n")
