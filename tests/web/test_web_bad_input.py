"""Whatever somebody types, sends or asks for, as whoever they are: every page answers, and none of them breaks."""

import itertools
import re
import warnings
from datetime import datetime
from html.parser import HTMLParser
from urllib.parse import urlsplit

import msgspec
import pytest
from litestar import Litestar
from litestar.exceptions import LitestarDeprecationWarning
from town import OFFICIALS, PASSWORD, furnish_town
from web_stand import Visitor, phone, serve_pages

from core import wire
from core.codes import place as place_code
from core.health import Health, Versions
from hub.config import Settings
from hub.web.citizens import sheets
from hub.web.fleet import choosing, command_log
from hub.web.parts import routers
from hub.web.policy_form import pack, unpack
from hub.web.site import Site

SOMEBODY = "046190990012"
WHY = "ca bệnh số 12"
BAD = (
    "",
    "\0",
    "0001-01-01T00:00",
    "9999-12-31T23:59",
    "0001-01-01",
    "9999-12-31",
    "2026-13-45",
    "9" * 25,
    "-1",
    "٣²",
    "1e999",
    "%00%ff",
    "../../etc/passwd",
    "'\"<script>{{7*7}}",
    "ệ\u0302\ud7ff\u202e😀",
    "đ" * 5_000,
)
LONG_FORM = 30
"""A form with more fields than this has every bad value in all of its fields at once; the others also in each alone."""

PASSWORDS = {"current", "fresh", "password"}
"""Each costs a slow hash on purpose."""

ENDING = re.compile(r"/(sign-out|leave|language)$")
LAST = re.compile(r"/(erase|withdraw|drop|reissue|person|accounts)$")
LIVE = "/officers/fleet-live"
"""What never ends by itself."""

GOOD = {"why": WHY, "reason": WHY, "number": SOMEBODY, "scheme": "citizen", "who": "tran", "place": "sieu-thi"}
GOOD |= {"until": "2026-01-01", "since": "2025-12-31", "zone-code": "63/46", "zone-words": "Huế", "place-code": "cho"}
"""What lets a form past its other fields to the one that is bad."""

NAMES = ("x", "%00", "9" * 5_000, "%ff", "AAA%3D")
QUERY = ("", "x", "9" * 30, "%00", "%ff", "%C2%A0%09")
READ_BY_HAND = {*command_log.NAMES, "before", *choosing.NAMES, *choosing.TICKS, "group", "days"}
"""Parameters of a query that no handler's signature names."""

ODD_DOCUMENTS = tuple(
    pack({"version": 2, "issued": "2026-01-01T00:00:00Z", "effective": "2026-01-01T00:00:00Z", **odd})[0]
    for odd in (
        {"issued": "0001-01-01T00:00:00Z", "effective": "9999-12-31T23:59:59Z"},
        {"effective": "0001-01-01T00:00:00Z", "expires": "9999-12-31T23:59:59Z"},
        {"scope": "station/zzz"},
        {"scope": "kind/zzz", "version": 1 << 62},
        {"note": "\0" * 9},
        {"gates": {"venue": {"max_age": {"health": 1 << 62}, "repeat_window": 1 << 62}}},
        {"zones": [{"edition": "63", "province": "46", "since": "0001-01-01T00:00:00Z"}]},
        {"zones": [{"edition": "zz", "province": "\0", "until": "9999-12-31T23:59:59Z"}]},
        {"places": [{"place": "\0", "since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}]},
    )
)
"""What the policy pages carry in hidden fields, packed by somebody else."""


def handlers() -> list[tuple[str, str, list[str]]]:
    """Every page's method and address, with the parameters that it may read from the query."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LitestarDeprecationWarning)  # of Litestar 3's way to name parameters
        app = Litestar(routers(Site(None, Settings(data="unused"))), openapi_config=None)
    return [
        (
            method,
            route.path_format,
            sorted(READ_BY_HAND | set(handler.parsed_fn_signature.parameters) - {"request", "form"}),
        )
        for route in app.routes
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items()
        if method != "OPTIONS" and route.path_format != LIVE
    ]


class Forms(HTMLParser):
    """The forms of a page: where each goes, what its fields hold, and its buttons; and the page's own links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str], list[tuple[str, str]]]] = []
        self.links: list[str] = []
        self._select = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        said = {name: value or "" for name, value in attributes}
        if tag == "a" and re.match(r"/(?!/)", said.get("href", "")):
            self.links.append(said["href"])
        if tag == "form":
            self.forms.append((said.get("action", ""), {}, []))
        if self.forms and tag in ("button", "select", "option", "input", "textarea"):
            self._field(tag, said, said.get("name", ""), *self.forms[-1][1:])

    def _field(self, tag, said, name, fields, buttons):
        if tag == "button" and name:
            buttons.append((name, said.get("value", "")))
        elif tag == "select":
            self._select = name
            fields.setdefault(name, "")
        elif tag == "option" and ("selected" in said or not fields.get(self._select)):
            fields[self._select] = said.get("value", "")
        elif name and name != "_csrf_token":
            is_off = said.get("type") in ("checkbox", "radio") and "checked" not in said
            fields[name] = fields.get(name) or ("" if is_off else said.get("value", ""))


neighbours = itertools.count(1)


class Thrower(Visitor):
    """A visitor who keeps what broke, and comes in again when something of theirs ended the visit."""

    def __init__(self, site, messages, come_in=lambda _own: None) -> None:
        super().__init__(site.url, messages)
        self.broken: set[str] = set()
        self._enter = come_in
        self._come_in()

    def _come_in(self) -> None:
        self.headers["X-Forwarded-For"] = f"10.9.{next(neighbours)}.1"  # or all of them share one address's limits
        self._enter(self)

    def request(self, method, path, *args, **kwargs):
        answer = super().request(method, path, *args, **kwargs)
        for each in (*answer.history, answer):
            if each.status_code >= 500:
                self.broken.add(f"{each.status_code} {method} {re.sub(r'[^/]{30,}', '…', urlsplit(each.url).path)}")
        return answer

    def throw(self, action: str, fields: dict[str, object], what: str) -> None:
        before = len(self.broken)
        answer = self.submit(action, **fields)
        if len(self.broken) > before:
            self.broken.add(f"  by {what}")
        ways = {"tq_official": "/officers/sign-in", "tq_guest": "/phone"}
        mine = [way for name, way in ways.items() if name in self.cookies and action != way]
        if answer.url.endswith(tuple(mine)):
            self._come_in()

    def forms(self, *starts: str) -> dict[tuple[str, ...], tuple[str, dict[str, str], list[tuple[str, str]]]]:
        """Every form on the pages that can be reached from here, those that end something last."""
        waiting, seen, found = list(starts), set(), {}
        while waiting:
            path = waiting.pop(0)
            shape = re.sub(r"/([^/]{22,}|[0-9]+)", "/…", path.partition("?")[0].partition("#")[0])
            if shape in seen or path.startswith((LIVE, "/static")):
                continue
            seen.add(shape)
            page = self.get(path)
            if "text/html" in page.headers.get("content-type", ""):
                read = Forms(page.text)
                waiting += read.links
                found |= {(re.sub(r"/[^/]{22,}", "/…", form[0]), *form[1]): form for form in read.forms}
        ordered = sorted(found.items(), key=lambda each: bool(LAST.search(each[1][0])))
        return {key: form for key, form in ordered if not ENDING.search(form[0])}

    def throw_at(self, action: str, fields: dict[str, str], buttons: list[tuple[str, str]]) -> None:
        """Every bad value in every field, under each of the form's buttons."""
        for name, value in buttons or [("do", "")]:
            for sent, what in throws({each: held or GOOD.get(each, "") for each, held in fields.items()}):
                self.throw(action, {**sent, name: value}, f"{what} under {value!r}")


def throws(fields: dict[str, str]):
    """The fields with a bad value in one of them, in all of them, and with one that is missing."""
    for bad in BAD:
        yield dict.fromkeys(fields, bad), f"{bad[:20]!r} in all"
    yield {}, "nothing"
    if len(fields) > LONG_FORM or PASSWORDS & set(fields):
        return
    for name in fields:
        yield {each: value for each, value in fields.items() if each != name}, f"no {name}"
        for bad in BAD:
            yield {**fields, name: bad}, f"{bad[:20]!r} in {name}"


@pytest.fixture(scope="module")
def site(tmp_path_factory, messages, module_database):
    """A hub with a town on it, which lets one address ask as much as it likes."""
    data = tmp_path_factory.mktemp("town")
    hub = serve_pages(data, messages, furnish_town, web="requests_per_minute = 10000000", database=module_database)
    yield hub
    assert hub.stop() == 0


def official(name):
    return lambda own: own.submit("/officers/sign-in", account=name, password=PASSWORD)


def citizen(**shared):
    """Somebody with a proven phone, a declaration of each kind and a sheet that is not finished."""

    def come(own):
        own.prove(phone(), **shared)
        own.declare("entry")
        own.begin("entry")

    return come


def assisted(own):
    """Somebody whom an official helps."""
    official("tram")(own)
    own.submit("/officers/assist", kind="entry")
    own.begin("entry")


EVERYBODY = {account.name: official(account.name) for account in OFFICIALS if account.name != "bao-ve-moi"}
EVERYBODY |= {"nobody": lambda _own: None, "citizen": citizen(), "shared": citizen(shared="yes"), "assisted": assisted}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("who", EVERYBODY)
def test_no_address_breaks_whoever_asks_for_whatever(site, messages, who):
    visitor = Thrower(site, messages, EVERYBODY[who])
    for method, path, parameters in handlers():
        for name in NAMES if "{" in path else [""]:
            at = re.sub(r"\{[^}]+\}", name, path)
            if method == "GET":
                visitor.get(at, allow_redirects=False)
                for each in QUERY if name in ("", NAMES[0]) else ():
                    visitor.get(at + "?" + "&".join(f"{one}={each}" for one in parameters), allow_redirects=False)
            elif not ENDING.search(path):
                for each in ({}, dict.fromkeys(("do", "kind", "code", "document", "number", "days"), "9" * 30)):
                    visitor.throw(at, each, "nines")
    assert visitor.broken == set()


def steps(visitor) -> list[str]:
    """Every step of the sheet that is not finished."""
    found = re.search(r"/sheet/[^/\"]+", visitor.get("/mine").text)
    return [f"{found[0]}/{step}" for step in (*sheets.STEPS, "zzz")] if found else []


STARTS = ("/", "/mine", "/phone", "/code", "/at", "/at/" + place_code.issue("sieu-thi"), "/officers")
STARTS += ("/officers/account/second-factor", "/officers/fleet/s1")
THROWN: set[tuple[str, ...]] = set()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("who", EVERYBODY)
def test_no_form_breaks_whatever_is_put_into_it(site, messages, who):
    visitor = Thrower(site, messages, EVERYBODY[who])
    for key, form in visitor.forms(*STARTS, *steps(visitor)).items():
        if key not in THROWN or who in ("citizen", "assisted"):
            THROWN.add(key)
            visitor.throw_at(*form)
    assert visitor.broken == set()


@pytest.mark.parametrize("document", ODD_DOCUMENTS)
def test_no_page_breaks_over_a_policy_that_somebody_else_packed(site, messages, document):
    visitor = Thrower(site, messages, official("quan-tri"))
    for action in ("edit", "publish"):
        visitor.throw(f"/officers/policy/{action}", {"document": document}, document)
    for name in ("zones", "places"):
        packed = pack(unpack([document], dict).get(name, [{}]))[0]
        for do in ("check", "leave-out", "find-zone"):
            visitor.throw("/officers/policy/new", {name: packed, "scope": "all", "do": do}, packed)
    assert visitor.broken == set()


@pytest.mark.parametrize("odd", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_no_page_breaks_over_the_dates_that_a_station_says(site, messages, odd):
    ends = msgspec.json.decode(f'"{odd}"', type=datetime)
    said = Health(
        station="s1", session=f"odd{odd[:4]}", number=1, at=ends, up=1.0, versions=Versions(certificate_ends=ends)
    )
    assert site.session(site.station["token"]).post("/v1/health", data=wire.encode(said)).status_code < 500
    visitor = Thrower(site, messages, official("ky-thuat"))
    assert visitor.get("/officers/fleet/s1").status_code == 200
    assert visitor.get("/officers/fleet").status_code == 200
