"""What the pages' tests stand on: a hub with a text-message gateway, and a visitor without JavaScript."""

import hashlib
import itertools
import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests
from gates import DEVICES
from hub_stand import HubProcess, furnish

from hub.config import Settings
from hub.register import areas

AXE = Path(__file__).with_name("axe-4.11.0.min.js")
AXE_SHA256 = "e9e5863c33a874f09bc01acd9234b7e3c871479f5eef8802fa582544465e6d01"
SECONDS = 60
numbers = itertools.count(1)


def phone() -> str:
    """A number that no other test has."""
    return f"09{next(numbers):08}"


class Messages:
    """A provider's HTTP gateway on a loopback port: keeps what it was sent, refuses when told to."""

    def __init__(self) -> None:
        self.sent: list[dict[str, str]] = []
        self.authorization: list[str] = []
        self.status = 200
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if kept.status == 200:
                    kept.sent.append(json.loads(body))
                    kept.authorization.append(self.headers.get("authorization", ""))
                self.send_response(kept.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/send"

    def __enter__(self) -> "Messages":
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def code(self, number: str) -> str:
        """The last code that was sent to a number."""
        text = next(each["text"] for each in reversed(self.sent) if each["to"] == number)
        return re.search(r"\d{6}", text).group()


class SiteProcess(HubProcess):
    """A hub with pages."""

    @property
    def url(self) -> str:
        return f"http://{self.ready['http']}"


def serve_pages(
    data: Path, messages: Messages, more: Callable[[Settings], None] | None = None, *, web: str = "", database: str = ""
) -> SiteProcess:
    """Starts a hub whose messages go to this gateway; ``station`` holds what a station of it is configured with.

    ``web`` is more for that section of its settings; ``database`` is empty for the hub's own file.
    """
    pinned = furnish(data, "s1", database=database)
    if more is not None:
        more(Settings(data=str(data), database=database))
    (data / "sms.token").write_text("gateway-token\n")
    settings = data / "hub.toml"
    gateway = f'[sms]\ngateway = "http"\nurl = "{messages.url}"\ntoken_file = "{data / "sms.token"}"\n'
    settings.write_text(f'database = "{database}"\n[web]\nmap_edition = "34"\n{web}\n{gateway}')
    hub = SiteProcess(data, "--config", str(settings))
    hub.station = pinned["s1"]
    hub.start()
    return hub


def station_config(site: SiteProcess, folder: Path) -> Path:
    """The configuration of a real station at this hub, with the hub's declaration keys in its trust folder."""
    site.command("keys", "show", "--trust", folder / "trust")
    sections = {
        "station": {"name": "s1", "place": "cho", "place_name": "Chợ Đông Ba", "kind": "venue", "data": folder / "s1"},
        "hub": {"url": site.url, "lookups": "http", "checkins": "http", "deadline_ms": 5000, **site.station},
        "trust": {"folder": folder / "trust"},
    }
    lines = [DEVICES]
    for name, keys in sections.items():
        lines += [
            f"[{name}]",
            *(f"{key} = {json.dumps(value if isinstance(value, int) else str(value))}" for key, value in keys.items()),
        ]
    path = folder / "config.toml"
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    return path


class Visitor(requests.Session):
    """A browser without JavaScript: keeps cookies, follows redirects, sends forms with their token."""

    def __init__(self, url: str, messages: Messages) -> None:
        super().__init__()
        self.trust_env = False
        self.url = url
        self.messages = messages
        self.headers["Accept"] = "text/html"

    def request(self, method, path, *args, **kwargs):
        address = path if path.startswith("http") else self.url + path
        return super().request(method, address, *args, timeout=SECONDS, **kwargs)

    def submit(self, path: str, **fields: object) -> requests.Response:
        """Sends a form as a browser does."""
        if "tq_csrf" not in self.cookies:
            self.get("/")
        return self.post(path, data={"_csrf_token": self.cookies["tq_csrf"], **fields})

    def prove(self, number: str, **fields: object) -> requests.Response:
        """Goes through phone and code."""
        assert self.submit("/phone", phone=number, **fields).url.endswith("/code")
        return self.submit("/code", code=self.messages.code(number))

    def begin(self, kind: str = "health") -> str:
        """A new sheet; its address without the step."""
        return self.submit(f"/declare/{kind}").url.removeprefix(self.url).removesuffix("/who")

    def declare(self, kind: str = "health", **changed: object) -> requests.Response:
        """Fills a whole sheet in and sends it; the page with the QR."""
        sheet = self.begin(kind)
        for step, fields in whole(kind).items():
            given = {**fields, **{name: value for name, value in changed.items() if name in fields}}
            answer = self.submit(f"{sheet}/{step}", do="next", **given)
            assert answer.status_code == 200, answer.text
        return answer


def whole(kind: str) -> dict[str, dict[str, object]]:
    """A sheet without fault, step by step; the person is invented."""
    hue = areas.under("34", areas.HUE)[0].code
    where = {"address_province": areas.HUE, "address_commune": hue, "address_hamlet": "", "street": "12 Lê Lợi"}
    if kind == "entry":
        there = areas.under("34", "48")[0].code
        where |= {"origin_province": "48", "origin_commune": there, "origin_hamlet": "Tổ 3"}
        where |= {"destination_province": areas.HUE, "destination_commune": hue, "destination_hamlet": "Tổ 5"}
        where |= {"arrival": now_there(), "transport": "Tàu hỏa", "vehicle": "SE1", "seat": "12"}
    who = {"for_another": "no", "insurance": "", "name": "Trần Thị Thử", "born": "02/09/1990", "sex": "female"}
    who |= {"nationality": "VN", "document": f"0461900{next(numbers):05}", "child_without_document": "", "phone": ""}
    return {
        "who": who,
        "where": where,
        "health": {"symptoms": [], "exposures": [], "places_been": "Chợ Đông Ba"},
        "send": {"promise": "yes"},
    }


def now_there() -> str:
    """An hour from now on a Vietnamese clock, as the field holds it."""
    from datetime import UTC, datetime, timedelta

    return f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m-%dT%H:%M}"


def axe() -> str:
    """The source of axe-core (MPL 2.0), the very one that was put beside these tests."""
    source = AXE.read_bytes()
    assert hashlib.sha256(source).hexdigest() == AXE_SHA256
    return source.decode()
