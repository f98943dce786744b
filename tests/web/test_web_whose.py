"""Whose record it is, on the citizens' pages: a stranger sees what they typed, the person what was said about them."""

import html
import re

import pytest
import sqlalchemy as sa
from hub_stand import now
from web_stand import Visitor, numbers, phone, whole

from hub.officials import accounts, audit
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.opening import open_store
from hub.storage.tables import declarations, people


@pytest.fixture
def database(site):
    """The hub's own database and keys, beside the running hub."""
    store, ring = open_store(site.settings)
    yield store, ring
    store.close()


def link(page, ending: str, starts: str = "/") -> str:
    """The address of a link or form on a page."""
    found = re.findall(r'(?:href|action)="([^"]+)"', page.text)
    return html.unescape(next(each for each in found if each.startswith(starts) and each.endswith(ending)))


def stranger_about(site, messages, document, **changed):
    """Another phone that declares about somebody by their number: the visitor and the page with the QR."""
    other = Visitor(site.url, messages)
    other.prove(phone())
    typed = {"name": "Kẻ Gian", "born": "2000", "sex": "male", "document": document, "insurance": "", **changed}
    return other, other.declare(for_another="yes", **typed)


def test_a_number_opens_nothing_of_its_owners_record_to_another_phone(visitor, site, messages):
    number, document = phone(), "046190990101"
    visitor.prove(number)
    own = {"born": "17/11/1990", "insurance": "GD4797932100077", "address_hamlet": "Tổ 9", "street": "12 Lê Lợi"}
    visitor.declare(document=document, **own)
    other, shown = stranger_about(site, messages, document, address_hamlet="", street="1 Lạ")
    seen = [shown, other.get("/mine"), other.submit(f"{shown.url.removeprefix(site.url)}/correct")]
    sheet = seen[-1].url.removeprefix(site.url).removesuffix("/who")
    seen += [other.get(f"{sheet}/{step}") for step in ("where", "health", "send")]
    told = " ".join(page.text for page in seen)
    for secret in ("Trần Thị Thử", "17/11/1990", "GD4797932100077", "Tổ 9", "Lê Lợi", number):
        assert secret not in told, secret
    assert 'value="Kẻ Gian"' in seen[2].text
    other.close()


def test_the_person_sees_what_another_phone_declared_about_them_and_takes_it_out(visitor, site, messages):
    document = "046190990102"
    visitor.prove(phone())
    visitor.declare(document=document)
    own = {"name": "Trần Thị Thử", "born": "1990"}
    other, shown = stranger_about(site, messages, document, symptoms=["fever"], **own)
    page = visitor.get("/mine")
    assert "Người khác khai về Trần Thị Thử" in page.text
    assert re.search(r"từ số 09\d•••••\d\d", page.text)
    assert "Sốt" in page.text
    taken = visitor.submit(link(page, "/dispute"))
    assert "Đã bỏ tờ khai đó" in taken.text
    assert "Người khác khai về" not in taken.text
    assert other.get(shown.url).status_code == 404
    other.close()


def test_a_slip_in_the_number_is_shown_against_the_record_before_it_mends_it(visitor, database):
    store, _ = database
    number, document = phone(), "046190990103"
    visitor.prove(number)
    visitor.declare(document=document)
    sheet = visitor.begin()
    who = {"document": document, "name": "Trần Văn Con", "born": "2015", "for_another": "yes"}
    for step, fields in list(whole("health").items())[:3]:
        visitor.submit(f"{sheet}/{step}", do="next", **{**fields, **(who if step == "who" else {})})
    page = visitor.submit(f"{sheet}/send", do="next", promise="yes")
    assert page.status_code == 422
    assert "Khác với hồ sơ đang có" in page.text
    assert "Trần Thị Thử" in page.text
    named = sa.select(people.c.name).where(people.c.phone == number)
    with store.reading() as connection:
        assert connection.scalar(named) == "Trần Thị Thử"
    assert "Đã nhận" in visitor.submit(f"{sheet}/send", do="next", promise="yes", same_person="yes").text
    with store.reading() as connection:
        assert connection.scalar(named) == "Trần Văn Con"


@pytest.mark.parametrize("kind", ["health", "entry"])
def test_both_kinds_ask_for_the_way_of_travel_and_the_spot(visitor, database, kind):
    store, _ = database
    visitor.prove(phone())
    sheet, document = visitor.begin(kind), f"04619019{next(numbers):04}"
    spots = {
        f"{name}_point": "Bến xe"
        for name in (("address", "origin", "destination") if kind == "entry" else ("address",))
    }
    more = {
        "where": {"transport": "Ô tô khách", "vehicle": "75B-001.02", "seat": "7A", **spots},
        "who": {"document": document},
    }
    for step, fields in whole(kind).items():
        page = visitor.submit(f"{sheet}/{step}", do="next", **{**fields, **more.get(step, {})})
        assert page.status_code == 200, page.text
    with store.reading() as connection:
        row = connection.execute(
            sa.select(declarations, people.c.address).join(people).order_by(declarations.c.id.desc())
        ).first()
    assert '"vehicle":"75B-001.02","seat":"7A"' in row.details
    assert [("Bến xe" in text) for text in (row.address, row.origin, row.destination)] == [True, *[kind == "entry"] * 2]


def test_an_official_who_helps_has_the_fields_filled_and_is_written_down(visitor, site, messages, database):
    store, _ = database
    with Visitor(site.url, messages) as somebody:
        somebody.prove(phone())
        somebody.declare(document="046190990104", insurance="GD4797932100104", name="Trần Thị Thẻ")
    with store.writing() as connection:
        officer = Account("hoa", "Lê Thị Hoa", Role.HEALTH_POST, must_change=False)
        accounts.add(connection, officer, accounts.Password("ba con vịt trời"), now())
    visitor.submit("/officers/sign-in", account="hoa", password="ba con vịt trời", code="")
    visitor.submit("/officers/assist", kind="health")
    page = visitor.submit(f"{visitor.begin()}/who", do="fill", insurance="GD4797932100104")
    assert 'value="Trần Thị Thẻ"' in page.text
    with store.reading() as connection:
        newest, *_ = audit.entries(connection)
        key = connection.scalar(sa.select(people.c.key).where(people.c.name == "Trần Thị Thẻ"))
    assert (newest.action, newest.account, newest.person) == ("record", "hoa", key.hex())
