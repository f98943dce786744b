"""The administrative map: both editions, what became of what, and finding a name however it was typed."""

import pytest

from core.model import Area
from hub.register import areas

VY_DA = Area("63", "46", "474", "19777")


def test_both_editions_are_whole():
    counts = {
        edition: [sum(len(code) == width for code in areas._map()[edition].units) for width in (2, 3, 5)]
        for edition in areas.EDITIONS
    }
    assert counts == {"34": [34, 0, 3321], "63": [63, 696, 10035]}


def test_a_code_means_something_else_in_the_other_edition():
    assert areas.find("63", "44").name == "Tỉnh Quảng Bình"
    assert areas.find("34", "44").name == "Tỉnh Quảng Trị"


def test_an_address_is_a_unit_with_everything_above_it():
    assert areas.area("63", "19777") == VY_DA
    assert areas.title(areas.area("63", "19777", "Tổ 5")) == "Tổ 5, Phường Vỹ Dạ, Quận Thuận Hóa, Thành phố Huế"
    assert areas.area("34", "19777", "Tổ 5") == Area("34", "46", "", "19777", "Tổ 5")
    assert areas.area("63", "99999") is areas.area("12", "46") is None


@pytest.mark.parametrize(
    ("area", "whole"),
    [
        (VY_DA, True),
        (Area("34", "46", "", "19777"), True),
        (Area("34", "46", "474", "19777"), False),  # there are no districts any more
        (Area("63", "45", "474", "19777"), False),  # another province's
        (Area("63", "46", "474"), False),  # its communes are known
        (Area("63", "48", "498"), True),  # an island district without communes
        (Area("1945", "46"), False),
    ],
)
def test_an_address_is_whole_when_it_goes_down_to_the_commune(area, whole):
    assert areas.is_whole(area) == whole


def test_every_commune_of_the_63_became_communes_of_the_34():
    communes = [unit for unit in areas._map()["63"].units.values() if len(unit.code) == 5]
    assert [unit.code for unit in communes if not unit.became] == []
    assert {len(areas.find("34", code).code) for unit in communes for code in unit.became} == {5}


def test_a_divided_commune_gives_the_usual_one_first_and_keeps_its_hamlet():
    became = areas.converted(Area("63", "89", "886", "30355", "Ấp 1", "Chợ"))
    assert [areas.title(each) for each in became] == [
        "Chợ, Ấp 1, Xã An Phú, Tỉnh An Giang",
        "Chợ, Ấp 1, Xã Nhơn Hội, Tỉnh An Giang",
    ]
    assert areas.converted(became[0]) == (became[0],)


@pytest.mark.parametrize("typed", ["vy da", "VĨ DẠ", "vỹ dạ, huế", "  phường  vỹ  dạ "])
def test_a_commune_is_found_however_its_name_is_typed(typed):
    assert areas.search(typed, "63")[0] == VY_DA


def test_a_name_that_begins_so_comes_before_one_that_only_holds_the_word():
    found = areas.search("xuân", "34", within=areas.HUE)
    assert [areas.find("34", each.commune).name for each in found] == ["Phường Phú Xuân", "Phường Thủy Xuân"]
    assert areas.title(areas.search("phu", "34", within=areas.HUE)[0]).startswith("Phường Phú")
    assert areas.search("", "63") == areas.search("khong co noi nay", "63") == ()
    assert {each.province for each in areas.search("phu", "63", within=areas.HUE)} == {areas.HUE}


def test_lists_come_in_the_order_a_reader_looks_for():
    names = [unit.name for unit in areas.under("63", "760")]
    numbers = [name for name in names if name.removeprefix("Phường ").isdigit()]
    assert numbers == sorted(numbers, key=lambda name: int(name.split()[1]))
    assert [unit.name for unit in areas.provinces("34")][:2] == ["Tỉnh An Giang", "Tỉnh Bắc Ninh"]


def test_the_middle_of_a_commune_is_where_it_lies():
    north, east = areas.middle(VY_DA)
    assert (round(north, 1), round(east, 1)) == (16.5, 107.6)
    assert areas.middle(Area("63", "46")) is None
