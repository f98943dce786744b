"""The mapping file: whole or refused by key, and every answer read by it is a person, nobody, or a misfit in words."""

import copy
import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from drawn import drawn
from foreign_system import MAPPING, declared, known
from hypothesis import given
from hypothesis import strategies as st

from core.model import Area, DestinationGroup, Direction, Scheme, Subject
from hub.errors import ConfigError, MissingFile
from hub.province import letters, mapping_file, trial
from hub.province.answers import Foreign, Misfit, interpret, read_person
from hub.province.moments import Clock
from hub.province.pointers import read
from hub.register import areas

ROOT = Path(__file__).resolve().parents[2]
NUMBER = "046193990777"
ASKED = Subject(Scheme.CITIZEN, NUMBER)
DAY = "01/11/2026 07:00"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
WHOLE = tomllib.loads(MAPPING)


def mapped(**changed):
    """The tests' mapping with some keys (dotted, by ``__``) in other words."""
    given = copy.deepcopy(WHOLE)
    for key, value in changed.items():
        *path, last = key.split("__")
        where = given
        for step in path:
            where = where.setdefault(step, {})
        if value is None:
            where.pop(last, None)
        else:
            where[last] = value
    return mapping_file.parse(given)


def person(mapping=None, **groups):
    document = {"maLoi": "00", "ketQua": {"soGiayTo": NUMBER, **known("CD-1", **groups)}}
    return read_person(mapping or mapped()[0], document, ASKED)


def test_the_example_is_whole_and_asks_for_nothing_in_an_address():
    example = mapping_file.load(ROOT / "hub" / "province" / "mapping.example.toml")
    letter = letters.write(example.request, ASKED, NOW)
    assert json.loads(letter.content) == {
        "giayTo": {"loai": "CCCD", "so": NUMBER},
        "thoiDiem": "2026-11-23T08:00:00+00:00",
    }
    assert NUMBER not in letter.path + repr(letter)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"request__path": "tra-cuu"}, "request.path: write a path beginning with /"),
        ({"request__schemes": ["citizen", "cccd"]}, "request.schemes: Invalid enum value 'cccd' ([1])"),
        ({"request__bodi": {}}, "request.bodi: unknown key; did you mean request.body?"),
        ({"request__body": {"so": "{number}"}}, "request.body.so: {number} is none of {value}, {scheme}, {now}"),
        ({"request__body": {"so": "1"}}, "request.body: nowhere says {value}, the number that is asked for"),
        ({"request__headers": {"Authorization": "x"}}, "request.headers.Authorization: a secret belongs into"),
        ({"request__headers": {"X": "{value}"}}, "request.headers.X: nothing is filled in here"),
        ({"request__path": "/x/{value}"}, "request.path: a number in an address ends in the logs"),
        ({"request__method": "GET"}, "request.body: a GET has none; use POST"),
        ({"request__encoding": "form"}, "request.body.giayTo: a form holds texts only"),
        ({"person__key": "ketQua"}, "person.key: write a JSON pointer such as /ketQua/id"),
        ({"person__key": None}, "person.key: is needed"),
        ({"dates__format": "dd/MM/yyyy"}, "dates: 'dd/MM/yyyy' is no format"),
        ({"dates__zone": "7"}, "dates: '7' is no zone; write +07:00 or Z"),
        ({"entry__arrival": {"at": "/x", "format": "yy"}}, "entry.arrival: 'yy' is no format"),
        ({"health__symptoms__words": {"SOT": "sot"}}, "health.symptoms.words.SOT: 'sot' is none of ours; choose of"),
        ({"entry__exposures": {"at": "/x", "other": "cow"}}, "entry.exposures.other: 'cow' is none of ours"),
        ({"health__symptoms__at": None}, "health.symptoms: give at (a list or text), or flags"),
        ({"entry__origin__edition": "65"}, 'entry.origin.edition: write "63" or "34", or a JSON pointer'),
        ({"destination__directions": {"VAO": "inside"}}, "destination.directions: Invalid enum value 'inside'"),
        ({"unknown__status": [4040]}, "unknown.status: Expected `int` <= 599 ([0])"),
    ],
)  # fmt: skip
def test_a_fault_in_a_mapping_is_named_by_its_key(changed, fault):
    mapping, faults = mapped(**changed)
    assert mapping is None
    assert [each for each in faults if each.startswith(fault)], faults


def test_all_faults_are_named_at_once_with_the_file(tmp_path):
    path = tmp_path / "mapping.toml"
    path.write_text('[request]\npath = "x"\n[persn]\n')
    with pytest.raises(ConfigError) as error:
        mapping_file.load(path)
    assert str(error.value).splitlines() == [
        f"{path}: request.path: write a path beginning with /",
        f"{path}: request.schemes: is needed",
        f"{path}: persn: unknown key; did you mean person?",
        f"{path}: person: is needed",
    ]
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"mapping\.toml"):
        mapping_file.load(path)
    with pytest.raises(MissingFile, match=r"province.mapping .*No such file"):
        mapping_file.load(tmp_path / "none.toml")


def test_a_mapping_without_any_group_is_refused():
    assert (
        "health, entry, destination: none is here; map at least one group"
        in mapped(health=None, entry=None, destination=None)[1]
    )


def test_an_address_may_hold_the_number_only_when_that_is_said_and_nothing_can_break_out_of_it():
    mapping, _ = mapped(
        request={"method": "GET", "path": "/x/{scheme}/{value}", "schemes": ["token"], "allow_in_url": True}
    )
    letter = letters.write(mapping.request, Subject(Scheme.TOKEN, "a/../b?c=d#e f"), NOW)
    assert (letter.path, letter.content) == ("/x/token/a%2F..%2Fb%3Fc%3Dd%23e%20f", b"")


def test_what_a_number_holds_cannot_fill_in_anything_else():
    letter = letters.write(mapped()[0].request, Subject(Scheme.CMND, '{scheme}","x":"{now}'), NOW)
    assert json.loads(letter.content) == {"giayTo": {"so": '{scheme}","x":"{now}', "loai": "cmnd"}}


def test_a_form_is_sent_as_one():
    mapping, _ = mapped(request__encoding="form", request__body={"so": "{value}", "loai": "{scheme}"})
    assert letters.write(mapping.request, ASKED, NOW).content == f"so={NUMBER}&loai=CCCD".encode()


def test_the_newest_declaration_that_was_not_taken_back_counts():
    several = [declared("01/11/2026 07:00", "SOT"), declared("03/11/2026 07:00", trangThai="HUY")]
    several.append(declared("02/11/2026 7:05", "HO", "KHONG", "LA LAM", hinhThuc="GIAY"))
    health = person(khaiBao=several).health
    assert (health.at, health.symptoms) == (datetime(2026, 11, 2, 0, 5, tzinfo=UTC), ("cough", "unspecified"))
    assert health.paper is True


@pytest.mark.parametrize(
    ("said", "symptoms"),
    [
        ("SOT, HO", ("fever", "cough")),
        (["KHONG"], ()),
        ([], ()),
        (None, ()),
        ("", ()),
        ("SOT,SOT", ("fever",)),
        ("xyz", ("unspecified",)),
    ],
)
def test_symptoms_come_as_a_list_or_a_text_and_a_strange_word_still_warns(said, symptoms):
    assert person(khaiBao={"ngay": "01/11/2026 07:00", "trieuChung": said}).health.symptoms == symptoms


def test_words_may_lie_in_objects_and_flags_may_be_anything_that_means_yes():
    mapping, _ = mapped(health__symptoms={"at": "/ds", "item": "/ma", "words": {"SOT": "fever"}, "other": ""})
    said = {"ngay": "01/11/2026 07:00", "ds": [{"ma": "SOT"}, {"ma": "XX"}]}
    assert person(mapping, khaiBao=said).health.symptoms == ("fever",)
    for yes in (True, 1, "1", "Có", "YES"):
        assert person(nhapTinh={"ngay": "01/11/2026 07:00", "tiepXuc": yes}).entry.exposures == ("case",)
    for no in (False, 0, "0", "không", None, [], {}):
        assert person(nhapTinh={"ngay": "01/11/2026 07:00", "tiepXuc": no}).entry.exposures == ()


def test_an_entry_has_its_origin_by_edition_and_is_before_the_return_until_the_days_end():
    said = {
        "ngay": "03/11/2026 10:00",
        "ngayDen": "03/11/2026",
        "noiDi": {"tinh": 1, "huyen": "1", "thon": " Thôn  2 "},
    }
    entry = person(nhapTinh=said).entry
    assert entry.origin == Area("63", "01", "001", hamlet="Thôn 2")
    assert areas.exists(entry.origin)
    assert entry.before_return is True
    assert person(nhapTinh={**said, "ngay": "04/11/2026 00:00"}).entry.before_return is False
    assert person(nhapTinh={"ngay": "03/11/2026 10:00"}).entry.before_return is None


def test_an_edition_may_be_told_by_the_answer_and_units_may_have_other_names():
    mapping, _ = mapped(
        entry__origin={
            "edition": "/ban",
            "editions": {"2025": "34"},
            "province": {"at": "/tinh", "words": {"TTH": "46"}},
        }
    )
    said = {"ngay": "03/11/2026 10:00", "ban": 2025, "tinh": "TTH"}
    assert person(mapping, nhapTinh=said).entry.origin == Area("34", "46")
    with pytest.raises(Misfit, match=r"entry.origin.edition: neither 63 nor 34"):
        person(mapping, nhapTinh={**said, "ban": "2030"})


def test_a_scan_has_our_place_and_way_where_they_are_listed():
    mapping, _ = mapped(destination__places={"CDB": "cho-dong-ba"})
    scans = [{"luc": 1_793_000_000_000, "ma": "CDB", "ten": "Chợ", "huong": "RA"}, {"luc": 1_792_000_000_000, "ma": 7}]
    at = datetime.fromtimestamp(1_793_000_000, UTC)
    assert person(mapping, diemDen=scans).destination == DestinationGroup(at, "cho-dong-ba", "Chợ", Direction.OUT)
    assert person(diemDen=scans[1:]).destination.place == "7"


@pytest.mark.parametrize(
    ("groups", "problem"),
    [
        ({"khaiBao": {"ngay": "2026-11-01"}}, "health.at: not a moment written as dd/mm/yyyy HH:MM"),
        ({"khaiBao": {"ngay": "31/02/2026 07:00"}}, "health.at: not a moment written as dd/mm/yyyy HH:MM"),
        ({"khaiBao": [7]}, "health.record: at /ketQua/khaiBao lies neither an object nor a list of them"),
        ({"khaiBao": {"ngay": DAY, "trieuChung": [{"a": 1}]}}, "health.symptoms: something that is no word"),
        ({"diemDen": {"luc": 1_793_000_000, "ma": "x"}}, "destination.at: not a moment between 1990 and 2100"),
        ({"diemDen": {"luc": 1_793_000_000_000}}, "destination.place: at /ma lies no text or number"),
        ({"diemDen": {"luc": 1_793_000_000_000, "ma": "x", "huong": "?"}}, "destination.directions: a word"),
        ({"soGiayTo": "046193990778"}, "person.echo: /ketQua/soGiayTo is not the number that was asked for"),
        ({"maCongDan": ""}, "person.key: at /ketQua/maCongDan lies no text or number"),
        ({"maCongDan": True}, "person.key: at /ketQua/maCongDan lies no text or number"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_by_key_and_never_with_what_it_was(groups, problem):
    with pytest.raises(Misfit) as error:
        person(**groups)
    assert str(error.value).startswith(problem)
    assert NUMBER[:6] not in str(error.value)


def test_nobody_is_known_in_each_of_the_ways_that_say_so_and_in_no_other():
    mapping, _ = mapped(unknown={"status": [404, 204], "empty": ["/ketQua"], "flags": [{"at": "/n", "is": [0]}]})
    for status, body in (
        (404, b"?"),
        (204, b""),
        (200, b'{"n":0}'),
        (200, b'{"maLoi":"00","ketQua":[]}'),
        (200, b"{}"),
    ):
        assert interpret(mapping, status, body, ASKED) is None
    for status, body, ill in ((200, b"", True), (500, b"{}", True), (429, b"", True), (400, b"{}", False)):
        with pytest.raises(Misfit) as error:
            interpret(mapping, status, body, ASKED)
        assert error.value.ill is ill
    with pytest.raises(Misfit, match="success: /maLoi"):
        interpret(mapping, 200, b'{"n":false,"ketQua":{"maCongDan":1}}', ASKED)


def test_an_insurance_code_may_come_back_with_its_five_signs():
    document = {"maLoi": "00", "ketQua": {"soGiayTo": "GD4461234567890", **known("CD-1")}}
    assert read_person(mapped()[0], document, Subject(Scheme.INSURANCE, "1234567890")) is not None


@pytest.mark.parametrize(
    ("form", "zone", "value"),
    [
        ("rfc3339", "+07:00", "2026-11-23T15:00:00+07:00"),
        ("rfc3339", "+07:00", "2026-11-23 15:00:00"),
        ("rfc3339", "Z", "2026-11-23T08:00:00Z"),
        ("epoch-s", "Z", 1_795_420_800),
        ("epoch-s", "Z", "1795420800"),
        ("epoch-ms", "Z", 1_795_420_800_000.0),
        ("dd/mm/yyyy HH:MM", "+07:00", "23/11/2026 15:00"),
        ("HH:MM:SS dd-mm-yyyy", "+07:00", "15:00:00 23-11-2026"),
        ("yyyymmddHHMM", "+07:00", "202611231500"),
    ],
)  # fmt: skip
def test_a_moment_is_read_in_every_form(form, zone, value):
    assert Clock.of(form, zone).read(value) == NOW


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["00", NUMBER]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
scans = st.fixed_dictionaries({}, optional={"luc": json_values, "ma": json_values, "huong": json_values})
declarations = st.fixed_dictionaries(
    {},
    optional={
        "ngay": json_values | st.just("01/11/2026 07:00"),
        "trieuChung": json_values,
        "ngayDen": json_values | st.just("03/11/2026"),
        "noiDi": json_values | st.fixed_dictionaries({"tinh": json_values, "thon": json_values}),
        "tiepXuc": json_values,
    },
)
answers_of_a_sort = st.fixed_dictionaries(
    {"maLoi": st.just("00") | json_values},
    optional={
        "ketQua": json_values
        | st.fixed_dictionaries(
            {"maCongDan": json_values | st.just("CD-1"), "soGiayTo": st.just(NUMBER) | json_values},
            optional={
                "hoTen": json_values,
                "khaiBao": declarations | st.lists(declarations, max_size=3) | json_values,
                "nhapTinh": declarations | st.lists(declarations | json_values, max_size=3),
                "diemDen": scans | st.lists(scans, max_size=3) | json_values,
            },
        )
    },
)


@drawn()
@given(answers_of_a_sort | json_values)
def test_whatever_json_comes_is_a_person_or_nobody_or_a_misfit(document):
    try:
        found = read_person(mapped()[0], document, ASKED)
    except Misfit:
        return
    assert found is None or (isinstance(found, Foreign) and 0 < len(found.number) <= 200)


@drawn()
@given(st.integers(100, 599), st.binary(max_size=200))
def test_whatever_bytes_come_are_a_person_or_nobody_or_a_misfit(status, body):
    told = trial.judge(mapped()[0], ASKED, status, body)
    assert told.outcome in ("known", "unknown", "misfit")
    assert bool(told.problem) == (told.outcome == "misfit")


@drawn()
@given(
    st.dictionaries(st.sampled_from([*WHOLE, "x"]), json_values | st.dictionaries(st.text(), json_values), max_size=5)
)
def test_whatever_a_mapping_file_holds_is_a_mapping_or_faults_in_words(given_file):
    mapping, faults = mapping_file.parse({**WHOLE, **given_file})
    assert (mapping is None) == bool(faults)
    assert all(": " in fault for fault in faults)


@drawn()
@given(json_values, st.text())
def test_a_pointer_never_raises(document, pointer):
    read(document, pointer)


@drawn()
@given(st.integers() | st.floats() | st.text(), st.sampled_from(["rfc3339", "epoch-s", "epoch-ms", "dd/mm/yyyy HH:MM"]))
def test_a_moment_is_read_or_refused_without_repeating_it(value, form):
    try:
        moment = Clock.of(form, "+07:00").read(value)
    except ValueError as error:
        said = str(error)
    else:
        said = "" if moment.utcoffset() == timedelta() else "another zone"
    assert not said or said.startswith("not a moment")
