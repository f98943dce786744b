"""What officials find: a person with a verdict, people at a place, contacts, arrivals; who counts and who does not."""

import json
from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hub_stand import CITIZEN, PEOPLE, now
from plans import scans

from core import keys
from core.codes import declaration
from core.model import DeclarationKind, Direction, Outcome, Reason
from core.policy import Rules
from hub.inquiries import arrivals, checking, searching, tracing
from hub.officials import accounts, audit
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.policy import policies
from hub.register import areas, people, registry
from hub.storage.tables import identities, name_words, visits
from hub.storage.tables import people as people_table

OFFICER = Account("lan", "Lan", Role.CHECKPOINT_OFFICER, place="chot")
WARD = Account("hoa", "Hoa", Role.COMMUNE_OFFICER, communes=("63/19768",))
AREA = {"edition": "63", "province": "46", "district": "475", "commune": "19768"}


@pytest.fixture
def begun():
    return now().replace(microsecond=0) - timedelta(hours=4)


@pytest.fixture
def town(peopled, ring, begun):
    """Three people's scans of one morning at the market; one was turned away."""
    file = {
        "people": [
            {"ref": f"t{number}", "name": name, "born": "1990", "phone": f"090000000{number}"}
            for number, name in enumerate(("Trần Văn Bình", "Lê Thị Cúc", "Phan Dũng"))
        ]
    }
    registry.import_people(peopled, ring, people.parse(json.dumps(file).encode(), "town.json"))
    with peopled.writing() as connection:
        scan = Scanner(connection, begun)
        scan(0, 0)
        scan(1, 30)
        scan(1, 60, direction="out")
        scan(2, 40, outcome="warn", went_in=-1)
        scan(None, 45, identity=b"\1" * 16)
        scan(0, 90, place="chot")
    return peopled


class Scanner:
    """Writes scans as reading a journal does."""

    def __init__(self, connection, begun):
        self.connection, self.begun, self.seq = connection, begun, 0
        rows = connection.execute(sa.select(people_table.c.ref, people_table.c.id))
        self.people = {row.ref: row.id for row in rows}

    def __call__(self, person, minutes, **changed):
        self.seq += 1
        row = {
            "station": "s1",
            "epoch": "aa",
            "seq": self.seq,
            "place": "cho",
            "direction": "in",
            "person": None if person is None else self.people[f"t{person}"],
            "identity": None,
            "at": self.begun + timedelta(minutes=minutes),
            "outcome": "pass",
            "went_in": 1,
        }
        self.connection.execute(sa.insert(visits).values(row | changed))


def person(connection, ref):
    return connection.scalar(sa.select(people_table.c.id).where(people_table.c.ref == ref))


def minutes(begun, stay):
    return [round((at - begun).total_seconds() / 60) for at in (stay.since, stay.until)]


def test_a_place_s_list_holds_whoever_went_in_and_leaves_out_whoever_was_turned_away(town, begun):
    with town.reading() as connection:
        found = tracing.at_place(connection, "cho", begun, begun + timedelta(hours=2), now())
        assert [(one.person.name, minutes(begun, one.stay), one.stay.end) for one in found[:2]] == [
            ("Trần Văn Bình", [0, 90], "elsewhere"),
            ("Lê Thị Cúc", [30, 60], "out"),
        ]
        assert [(one.person.key, one.person.who) for one in found[2:]] == [("", "code:" + "01" * 16)]
        later = tracing.at_place(connection, "cho", begun + timedelta(minutes=61), begun + timedelta(minutes=80), now())
        assert [one.person.name for one in later] == ["Trần Văn Bình", ""]


def test_where_a_person_was_ends_where_they_were_seen_next(town, begun):
    with town.reading() as connection:
        found = tracing.of_person(connection, person(connection, "t0"), begun, now(), now())
        assert [(one.place_name, *minutes(begun, one.stay), one.stay.end) for one in found] == [
            ("Chợ Đông Ba", 0, 90, "elsewhere"),
            ("Chốt Lăng Cô", 90, 90, "passage"),
        ]


def test_contacts_are_those_who_were_inside_together_and_not_who_was_turned_away(town, begun):
    with town.reading() as connection:
        found = tracing.contacts(connection, person(connection, "t0"), begun, now(), timedelta(), now())
        assert [(one.person.name, one.overlap.seconds // 60) for one in found] == [("", 45), ("Lê Thị Cúc", 30)]
        assert tracing.contacts(connection, person(connection, "t2"), begun, now(), timedelta(), now()) == []


def test_what_the_guard_did_after_a_warning_is_listed(town, begun):
    with town.reading() as connection:
        listed = tracing.passages(connection, tracing.doubted("cho", None, begun, now()), 50)
        assert [(one.person.name, one.outcome, one.went_in) for one in listed] == [("Phan Dũng", "warn", -1)]


def test_occupancy_counts_only_who_went_in_and_has_not_left(town, begun):
    with town.reading() as connection:
        assert tracing.occupancy(connection, "cho", begun + timedelta(minutes=50)) == 3
        assert tracing.occupancy(connection, "cho", begun + timedelta(minutes=70)) == 2


def names(found):
    return [one.name for one in found.people]


@pytest.mark.parametrize(
    "typed",
    ["trần văn bình", "TRẦN VĂN BÌNH", "tran van binh", "Bình Trần", "b tran v", "TRAN  BI", "0900 000 000"],
)
def test_a_person_is_found_as_an_official_types_the_name_and_by_phone(town, ring, typed):
    with town.reading() as connection:
        assert names(searching.find(connection, ring, typed)) == ["Trần Văn Bình"]


@pytest.mark.parametrize("typed", ["phan dung", "Phan Dũng", "dũng PHAN", "phan đung"])
def test_d_and_its_crossed_sister_are_one_letter_to_a_search(town, ring, typed):
    with town.reading() as connection:
        assert names(searching.find(connection, ring, typed)) == ["Phan Dũng"]


def test_a_search_finds_nobody_by_what_no_name_has(town, ring):
    with town.reading() as connection:
        assert names(searching.find(connection, ring, CITIZEN)) == ["Nguyễn Thị Ánh"]
        for typed, born in (
            ("Bình Lê", ""),
            ("Trần Văn Bình", "1991"),
            ("%", ""),
            ("_", ""),
            ("bình%", ""),
            ("12", ""),
        ):
            assert searching.find(connection, ring, typed, born) == searching.Search([])


def test_whoever_is_called_so_comes_before_those_whose_names_only_begin_so(peopled, ring):
    crowd = [{"ref": f"n{n}", "name": f"Nguyễn An {'Ninh' if n else ''}"} for n in range(30)]
    registry.import_people(peopled, ring, people.parse(json.dumps({"people": crowd}).encode(), "crowd.json"))
    with peopled.reading() as connection:
        found = searching.find(connection, ring, "nguyen an")
        assert names(found) == ["Nguyễn An ", *["Nguyễn An Ninh"] * (searching.FOUND_AT_MOST - 1)]
        assert found.more
        assert not searching.find(connection, ring, "nguyen an", "1990").more


def test_a_person_is_found_by_the_name_they_have_now_and_not_by_the_one_they_had(town, ring):
    file = {"people": [{"ref": "t1", "name": "Lê Thị Đào"}]}
    registry.import_people(town, ring, people.parse(json.dumps(file).encode(), "mended.json"))
    with town.reading() as connection:
        assert names(searching.find(connection, ring, "dao le")) == ["Lê Thị Đào"]
        assert names(searching.find(connection, ring, "le thi cuc")) == []


def test_whoever_is_gone_from_the_registry_leaves_no_word_of_their_name(town, ring):
    with town.writing() as connection:
        for table in (visits, identities):
            connection.execute(sa.delete(table))
        connection.execute(sa.delete(people_table).where(people_table.c.ref == "t2"))
        assert connection.scalars(sa.select(name_words.c.word).where(name_words.c.word == "dung")).all() == []


def test_a_search_by_name_and_a_ward_s_arrivals_read_no_table_from_end_to_end(town, ring):
    with town.reading() as connection:
        arriving = arrivals.declared_in(WARD, now(), now() + timedelta(days=3))
        for statement in (searching.with_words(connection, ["tran", "binh"]), searching.of_name("tran binh"), arriving):
            assert scans(connection, statement) == []


def rules(store, ring, account=OFFICER):
    with store.writing() as connection:
        policy = people.parse(json.dumps(PEOPLE).encode(), "people.json").policies[0]
        policies.publish(connection, ring, policy, now())
    with store.reading() as connection:
        return checking.rules_of(connection, ring, policies.in_force(connection, now()), account)


def test_a_check_answers_with_the_groups_and_the_verdict_of_the_official_s_own_gate(peopled, ring):
    with peopled.reading() as connection:
        own = rules(peopled, ring)
        found = checking.check(connection, ring, f" {CITIZEN}\r", own, now())
        assert own.place == "chot"
        assert found.standing.name_masked == "N***** T** Ánh"
        assert found.verdict.outcome is Outcome.WARN
        assert Reason.SYMPTOMS in found.verdict.reasons
        assert found.standing.health.symptoms == ("fever",)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("046193990009", Reason.NOT_FOUND),
        ("000000000", Reason.PLACEHOLDER_NUMBER),
        ("https://example.org/x", Reason.IS_LINK),
        ("", Reason.IS_UNREADABLE),
    ],
)
def test_what_names_nobody_is_told_as_a_gate_tells_it(peopled, ring, typed, reason):
    with peopled.reading() as connection:
        found = checking.check(connection, ring, typed, rules(peopled, ring), now())
        assert found.standing is None
        assert found.verdict.reasons == (reason,)


def test_a_signed_code_of_a_stranger_s_key_is_not_looked_up(peopled, ring):
    with peopled.reading() as connection:
        key = connection.scalar(sa.select(people_table.c.key).where(people_table.c.ref == "p1"))
        for raw, known in ((ring.declaring, True), (keys.new_signing_key()[0], False)):
            text = signed(raw, ring.declaring_public, key)
            found = checking.check(connection, ring, text, rules(peopled, ring), now())
            assert (found.standing is not None) is known


def signed(raw, public, person):
    return declaration.issue(
        Ed25519PrivateKey.from_private_bytes(raw),
        key_id=bytes.fromhex(keys.key_id(public)),
        issuer="VN-46",
        issued=now(),
        expires=now() + timedelta(days=1),
        subject=person,
        kind=DeclarationKind.HEALTH,
    )


def test_every_check_is_written_down_also_one_that_finds_nobody(peopled, ring):
    with peopled.writing() as connection:
        own = Rules.of(None, OFFICER.gate, "chot", Direction.IN)
        for typed in (CITIZEN, "046193990009"):
            found = checking.check(connection, ring, typed, own, now())
            checking.record(connection, OFFICER, "entry", found, own, now(), "10.0.0.1")
        nobody, somebody = audit.entries(connection)
        assert (somebody.account, somebody.why, somebody.detail["box"]) == ("lan", "gate: chot", "entry")
        assert somebody.person == connection.scalar(sa.select(people_table.c.key)).hex()
        assert (nobody.person, nobody.detail["found"]) == ("", False)
        assert CITIZEN not in str(msgspec.json.encode(audit.entries(connection)))


def _entry(ref, hamlet, hours, **changed):
    moment = now()
    said = {
        "kind": "entry",
        "at": (moment - timedelta(hours=1)).isoformat(),
        "arrival": (moment + timedelta(hours=hours)).isoformat(),
        "destination": {**AREA, "hamlet": hamlet},
        **changed,
    }
    return {"ref": ref, "name": f"Người {ref.upper()}", "declarations": [said]}


def test_a_ward_s_officer_sees_arrivals_hamlet_by_hamlet_and_nobody_of_other_wards(peopled, ring):
    elsewhere = {**AREA, "commune": "19750"}
    file = {
        "people": [
            _entry("a", "Tổ 2", 5),
            _entry("b", "to  2", 3),
            _entry("c", "Tổ 1", 9),
            _entry("d", "Tổ 1", 2, destination=elsewhere),
            _entry("e", "Tổ 1", 500),
        ]
    }
    registry.import_people(peopled, ring, people.parse(json.dumps(file).encode(), "entry.json"))
    with peopled.reading() as connection:
        found = arrivals.declared(connection, WARD, now(), now() + timedelta(days=2))
        assert [(each.name, [one.name for one in each.people]) for each in found] == [
            ("Tổ 1", ["Người C"]),
            ("Tổ 2", ["Người B", "Người A"]),
        ]


def test_an_arrival_that_was_put_off_or_turned_elsewhere_counts_no_more(peopled, ring):
    earlier = (now() - timedelta(hours=3)).isoformat()
    first = _entry("a", "Tổ 1", 5)["declarations"][0]
    person = _entry("a", "Tổ 1", 6, destination={**AREA, "commune": "19750"})
    person["declarations"].append({**first, "at": earlier})
    registry.import_people(peopled, ring, people.parse(json.dumps({"people": [person]}).encode(), "entry.json"))
    with peopled.reading() as connection:
        assert arrivals.declared(connection, WARD, now(), now() + timedelta(days=2)) == []


def test_a_ward_of_today_s_officer_sees_whoever_named_the_ward_it_was_before(peopled, ring):
    today = Account(
        "moi", "Moi", Role.COMMUNE_OFFICER, communes=tuple(f"34/{code}" for code in areas.find("63", "19768").became)
    )
    file = {"people": [_entry("a", "Tổ 1", 5)]}
    registry.import_people(peopled, ring, people.parse(json.dumps(file).encode(), "entry.json"))
    with peopled.reading() as connection:
        assert len(arrivals.declared(connection, today, now(), now() + timedelta(days=2))) == 1


def test_a_ward_s_officer_sees_who_of_the_ward_passed_a_checkpoint(peopled, ring):
    file = {"people": [_entry("t0", "Tổ 2", 5), _entry("t1", "Tổ 2", 5, destination={**AREA, "commune": "19750"})]}
    registry.import_people(peopled, ring, people.parse(json.dumps(file).encode(), "entry.json"))
    with peopled.writing() as connection:
        scan = Scanner(connection, now() - timedelta(hours=2))
        scan(0, 10, place="chot", outcome="warn", went_in=0)
        scan(1, 20, place="chot")
        scan(0, 30, place="cho")
        found = arrivals.passed(connection, WARD, now() - timedelta(hours=3), now())
        assert [(one.name, one.place_name, one.outcome, one.went_in) for one in found] == [
            ("Người T0", "Chốt Lăng Cô", "warn", 0)
        ]


def test_an_account_opens_with_its_place_and_communes(peopled):
    with peopled.writing() as connection:
        accounts.add(connection, WARD, accounts.Password("ba con vịt trời"), now())
        accounts.add(connection, OFFICER, accounts.Password("ba con vịt trời"), now())
        assert accounts.listed(connection) == [WARD, OFFICER]
