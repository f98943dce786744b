"""The citizens' pages without JavaScript: declare, find again, correct, withdraw, erase; nothing told to others."""

import html
import io
import json
import re

import pytest
import sqlalchemy as sa
import zxingcpp
from hub_stand import command, now
from PIL import Image
from web_stand import Visitor, phone, whole

from core.codes import identity
from core.codes import place as place_code
from core.model import Scheme, Subject
from hub.custody import holds
from hub.officials import accounts
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.opening import open_store
from hub.register import people as people_files
from hub.register import registry
from hub.storage.tables import declarations, identities, people, visits


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


def decoded(picture: bytes) -> str:
    return zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)).convert("L"))[0].text


def test_a_phone_is_proven_by_the_code_that_was_sent_to_it(visitor, messages):
    number = phone()
    assert visitor.get("/mine").url.endswith("/phone")
    assert visitor.prove(number).url.endswith("/mine")
    assert messages.authorization[-1] == "Bearer gateway-token"


def test_a_wrong_code_is_said_beside_its_field(visitor):
    number = phone()
    visitor.submit("/phone", phone=number)
    right = visitor.messages.code(number)
    page = visitor.submit("/code", code=f"{(int(right) + 1) % 10**6:06}")
    assert page.status_code == 422
    assert 'aria-describedby="code-fault"' in page.text
    assert "chưa đúng" in page.text


def test_a_second_code_at_once_is_refused_with_the_reason(visitor):
    number = phone()
    visitor.submit("/phone", phone=number)
    assert visitor.submit("/phone", phone=number).status_code == 429


def test_a_gateway_that_is_down_is_said_and_nothing_is_logged_of_whom(visitor, messages, site):
    number = phone()
    messages.status = 503
    try:
        assert visitor.submit("/phone", phone=number).status_code == 503
    finally:
        messages.status = 200
    assert site.lines("a one-time code was not sent")[-1]["why"] == "the SMS gateway answered 503"
    assert number not in site.log.read_text()


@pytest.mark.parametrize("kind", ["health", "entry"])
def test_a_declaration_gives_a_qr_that_can_be_taken_along(visitor, kind):
    visitor.prove(phone())
    page = visitor.declare(kind)
    assert "Đã nhận tờ khai" in page.text
    png = visitor.get(link(page, "/qr/png"))
    assert decoded(png.content).startswith("TQ1:")
    assert "<svg" in visitor.get(link(page, "/qr/svg")).text
    assert "Trần" not in page.url


def test_what_is_wrong_is_said_beside_the_field_and_what_was_typed_stays(visitor):
    visitor.prove(phone())
    sheet = visitor.begin()
    page = visitor.submit(f"{sheet}/who", do="next", name="Trần Thị Thử", born="31/02/1990")
    assert page.status_code == 422
    assert 'aria-describedby="born-hint born-fault" aria-invalid="true"' in page.text
    assert 'value="31/02/1990"' in page.text
    assert 'value="Trần Thị Thử"' in visitor.get(f"{sheet}/who").text


def test_an_unfinished_sheet_is_found_again_by_the_same_phone_and_by_nobody_else(site, messages, visitor):
    number = phone()
    visitor.prove(number)
    sheet = visitor.begin()
    visitor.submit(f"{sheet}/who", do="later", name="Trần Thị Dở Dang")
    assert "Trần Thị Dở Dang" in visitor.get("/mine").text
    with Visitor(site.url, messages) as other:
        other.prove(phone())
        assert other.get(f"{sheet}/who").status_code == 404


def test_an_address_is_chosen_level_by_level_without_a_script(visitor):
    visitor.prove(phone())
    sheet = visitor.begin("entry")
    page = visitor.submit(f"{sheet}/where", do="open-origin_commune", origin_province="48")
    assert "Đà Nẵng" in page.text
    assert 'name="origin_commune"' in page.text
    changed = visitor.submit(f"{sheet}/where", do="next", origin_province="01", origin_commune="20194")
    assert 'value="20194" selected' not in changed.text


def test_nothing_counts_before_the_promise(visitor):
    visitor.prove(phone())
    sheet = visitor.begin()
    for step, fields in list(whole("health").items())[:3]:
        visitor.submit(f"{sheet}/{step}", do="next", **fields)
    page = visitor.submit(f"{sheet}/send", do="next")
    assert page.status_code == 422
    assert 'id="promise-fault"' in page.text
    assert "chưa có tờ khai" in visitor.get("/mine").text


def test_a_sheet_sent_twice_is_one_declaration(visitor):
    visitor.prove(phone())
    visitor.declare()
    assert visitor.get("/mine").text.count("/shown/") == 1


def test_a_phone_declares_for_relatives_and_a_child_without_documents(visitor):
    visitor.prove(phone())
    visitor.declare()
    page = visitor.declare(for_another="yes", name="Trần Văn Con", document="", child_without_document="yes")
    assert "Trần Văn Con" in page.text
    assert visitor.get("/mine").text.count("/shown/") == 2


def test_the_qr_is_found_again_with_phone_and_code_alone(site, messages, visitor, database):
    store, _ = database
    number = phone()
    visitor.prove(number)
    first = decoded(visitor.get(link(visitor.declare(), "/qr/png")).content)
    with store.writing() as connection:  # a minute goes by
        connection.execute(sa.text("UPDATE onetime_codes SET sent = sent - 60000000"))
    with Visitor(site.url, messages) as later:
        page = later.get(link(later.prove(number), "", "/shown/"))
        assert decoded(later.get(link(page, "/qr/png")).content) == first


def test_a_link_of_one_visit_means_nothing_to_another(site, messages, visitor):
    visitor.prove(phone())
    shown = visitor.declare().url.removeprefix(site.url)
    with Visitor(site.url, messages) as other:
        other.prove(phone())
        assert other.get(shown).status_code == 404
        assert other.submit(f"{shown}/withdraw").status_code == 404


def test_a_correction_takes_the_place_of_the_slip(visitor):
    visitor.prove(phone())
    shown = visitor.declare(name="Trần Thị Nhầm").url.removeprefix(visitor.url)
    sheet = visitor.submit(f"{shown}/correct").url.removeprefix(visitor.url).removesuffix("/who")
    assert "Trần Thị Nhầm" in visitor.get(f"{sheet}/who").text
    fields = {**whole("health")["who"], "name": "Trần Thị Đúng"}
    fields.pop("document")
    page = visitor.get(f"{sheet}/who").text
    fields["document"] = re.search(r'name="document"[^>]*value="(\d+)"', page).group(1)
    visitor.submit(f"{sheet}/who", do="next", **fields)
    page = visitor.submit(f"{sheet}/send", do="next", promise="yes")
    assert "Đã sửa tờ khai" in page.text
    mine = visitor.get("/mine").text
    assert mine.count("/shown/") == 1
    assert "Trần Thị Đúng" in mine


def test_a_withdrawn_declaration_is_gone(visitor):
    visitor.prove(phone())
    shown = visitor.declare().url.removeprefix(visitor.url)
    assert "Đã rút tờ khai" in visitor.submit(f"{shown}/withdraw").text
    assert visitor.get(shown).status_code == 404


def test_my_qr_reissued_is_another_and_the_old_one_names_nobody(visitor, database):
    store, ring = database
    visitor.prove(phone())
    visitor.declare()
    own = link(visitor.get("/mine"), "", "/my-qr/")
    old = decoded(visitor.get(f"{own}/qr/png").content)
    visitor.submit(f"{own}/reissue")
    new = decoded(visitor.get(f"{own}/qr/png").content)
    assert old != new
    with store.reading() as connection:
        row = sa.select(identities.c.retired).where(identities.c.digest == ring.digest(Subject(Scheme.TOKEN, old)))
        assert connection.scalar(row) is not None


@pytest.mark.parametrize("written", ["+84{}", "0084 {}", "84{}"])
def test_somebody_brought_in_with_their_number_as_abroad_finds_their_my_qr(visitor, messages, database, written):
    store, ring = database
    number = phone()
    given = {"ref": f"abroad{number}", "name": "Trần Văn Nhập", "phone": written.format(number[1:])}
    given["identities"] = [{"scheme": "citizen", "value": f"04{number}"}]
    registry.import_people(store, ring, people_files.parse(json.dumps({"people": [given]}).encode(), "f.json"))
    visitor.submit("/phone", phone=f"+84 {number[1:]}")
    visitor.submit("/code", code=messages.code(number))
    assert "Trần Văn Nhập" in visitor.get("/mine").text


def test_an_insurance_number_fills_the_fields_of_its_own_phone_only(visitor, site, messages, database):
    store, ring = database
    number, card = phone(), "GD4797932100042"
    with store.writing() as connection:
        row = {"key": b"k" * 16, "name": "Lê Thị Bảo Hiểm", "born": "1980-03-04", "sex": "female", "address": ""}
        added = connection.execute(sa.insert(people).values(**row, nationality="VN", phone=number))
        registry.add_identity(connection, ring, added.inserted_primary_key[0], identity.insurance(card))
    visitor.prove(number)
    page = visitor.submit(f"{visitor.begin()}/who", do="fill", insurance=card)
    assert 'value="Lê Thị Bảo Hiểm"' in page.text
    assert 'value="04/03/1980"' in page.text
    with Visitor(site.url, messages) as stranger:
        stranger.prove(phone())
        known = stranger.submit(f"{stranger.begin()}/who", do="fill", insurance=card).text
        unknown = stranger.submit(f"{stranger.begin()}/who", do="fill", insurance="GD4797932109999").text
    assert "Bảo Hiểm" not in known
    strip = re.compile(r'value="[^"]*"|/sheet/[\w-]+')
    assert strip.sub("", known) == strip.sub("", unknown)


def test_a_shared_computer_keeps_nothing_between_people(visitor, site):
    visitor.prove(phone(), shared="yes")
    sheet = visitor.begin()
    visitor.submit(f"{sheet}/who", do="later", name="Trần Thị Chung Máy")
    assert 'autocomplete="off"' in visitor.get(f"{sheet}/who").text
    assert all(cookie.expires is None for cookie in visitor.cookies if cookie.name == "tq_guest")
    visitor.submit("/leave")
    assert "tq_guest" not in visitor.cookies
    assert visitor.get(f"{sheet}/who").url.endswith("/phone")


def test_erasing_reaches_everything_and_a_legal_hold_is_said(visitor, database):
    store, _ = database
    number = phone()
    visitor.prove(number)
    visitor.declare()
    own = link(visitor.get("/mine"), "", "/own/")
    assert "Trần Thị Thử" in visitor.get(f"{own}/copy").text
    with store.writing() as connection:
        person = connection.scalar(sa.select(people.c.id).where(people.c.phone == number))
        hold = holds.place(connection, person, "lanh-dao", "điều tra ổ dịch", now() + holds.LONGEST, now())
    refused = visitor.submit(f"{own}/erase", sure="yes")
    assert refused.status_code == 409
    assert "điều tra ổ dịch" in refused.text
    with store.writing() as connection:
        holds.release(connection, hold, "lanh-dao", now())
    assert "Đã xóa" in visitor.submit(f"{own}/erase", sure="yes").text
    with store.reading() as connection:
        assert connection.scalar(sa.select(people.c.id).where(people.c.phone == number)) is None
        assert connection.scalar(sa.select(declarations.c.id).where(declarations.c.person == person)) is None


def test_an_official_helps_somebody_without_a_phone_and_the_computer_keeps_nothing(visitor, site, database):
    store, _ = database
    with store.writing() as connection:
        officer = Account("lan", "Lê Thị Lan", Role.CHECKPOINT_OFFICER, must_change=False)
        accounts.add(connection, officer, accounts.Password("ba con vịt trời"), now())
    assert visitor.get("/officers/assist").url.endswith("/officers/sign-in")
    visitor.submit("/officers/sign-in", account="lan", password="ba con vịt trời", code="")
    assert visitor.submit("/officers/assist", kind="health").url.endswith("/declare/health")
    name = "Hồ Thị Không Máy"
    shown = visitor.declare(name=name, phone=phone())
    assert "xóa khỏi máy này" in shown.text
    assert visitor.submit("/leave").url.endswith("/officers/assist")
    assert visitor.get(shown.url).url.endswith("/phone")
    assert visitor.submit("/officers/assist", kind="health").url.endswith("/declare/health")
    visitor.submit("/officers/account/sign-out")
    assert visitor.get("/declare/health").url.endswith("/phone")
    with store.reading() as connection:
        row = sa.select(declarations.c.typed_by, declarations.c.paper).join(people).where(people.c.name == name)
        assert connection.execute(row).one() == ("lan", False)


def test_a_posted_code_is_one_tap_to_check_in(visitor, database):
    store, _ = database
    number = phone()
    at = f"/at/{place_code.issue('cho')}"
    assert visitor.get(at).url.endswith("/phone")
    assert visitor.prove(number).url.endswith(at.replace(":", "%3A")) or visitor.get(at).status_code == 200
    visitor.declare()
    page = visitor.get(at)
    whom = re.search(r'name="whom" value="([^"]+)"', page.text).group(1)
    assert "Đã ghi nhận lượt vào" in visitor.submit(at, whom=whom, way="in").text
    with store.reading() as connection:
        person = sa.select(people.c.id).where(people.c.phone == number).scalar_subquery()
        seen = connection.execute(sa.select(visits).where(visits.c.person == person)).all()
    assert [(row.place, row.direction, row.went_in) for row in seen] == [("cho", "in", 1)]


def test_a_posted_code_can_be_typed_and_a_slip_is_said(visitor):
    visitor.prove(phone())
    posted = place_code.issue("cho")
    assert "Chợ Đông Ba" in visitor.submit("/at", **{"at-code": posted.lower()}).text
    wrong = visitor.submit("/at", **{"at-code": posted[:-1] + "?"})
    assert wrong.status_code == 422
    assert 'id="at-code-fault"' in wrong.text


def test_the_posters_carry_the_addresses_that_people_are_to_open(visitor, site):
    assert f">{site.url}<" in visitor.get("/poster").text
    assert f"{site.url}/at/TQP1:CHO:" in visitor.get(f"/poster/{place_code.issue('cho')}").text


def test_no_name_and_no_number_is_in_the_log(visitor, site):
    number = phone()
    visitor.prove(number)
    visitor.declare(name="Trần Thị Kín Đáo")
    said = site.log.read_text()
    assert number not in said
    assert "Kín" not in said
    assert visitor.messages.code(number) not in said


def test_a_hub_without_a_gateway_says_so_and_asks_for_no_number(tmp_path, serving_bare):
    page = serving_bare(tmp_path).get("/phone")
    assert "dịch vụ tin nhắn" in page.text
    assert 'name="phone"' not in page.text


@pytest.fixture
def serving_bare(messages):
    """A hub as it comes, without settings."""
    from web_stand import SiteProcess

    started = []

    def start(folder):
        command(folder, "station", "list")
        started.append(SiteProcess(folder).start())
        return Visitor(started[-1].url, messages)

    yield start
    for hub in started:
        assert hub.stop() == 0
