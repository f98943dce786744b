"""A province system of the tests' own: a real HTTP server on loopback that knows people, and can be unwell."""

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MAPPING = """
[request]
path = "/tra-cuu/v1"
schemes = ["citizen", "cmnd", "insurance"]
[request.headers]
X-Don-Vi = "46"
[request.body]
giayTo = { so = "{value}", loai = "{scheme}" }
[request.words]
citizen = "CCCD"

[success]
at = "/maLoi"
is = ["00"]

[unknown]
flags = [{ at = "/maLoi", is = ["KHONG_TIM_THAY"] }]

[person]
key = "/ketQua/maCongDan"
name = "/ketQua/hoTen"
echo = "/ketQua/soGiayTo"

[dates]
format = "dd/mm/yyyy HH:MM"

[destination]
record = "/ketQua/diemDen"
at = { at = "/luc", format = "epoch-ms" }
place = "/ma"
place_name = "/ten"
direction = "/huong"
directions = { VAO = "in", RA = "out" }

[health]
record = "/ketQua/khaiBao"
at = "/ngay"
leave_out = { at = "/trangThai", is = ["HUY"] }
paper = { at = "/hinhThuc", is = ["GIAY"] }
[health.symptoms]
at = "/trieuChung"
words = { SOT = "fever", HO = "cough", KHONG = "" }

[entry]
record = "/ketQua/nhapTinh"
at = "/ngay"
arrival = { at = "/ngayDen", format = "dd/mm/yyyy" }
[entry.origin]
edition = "63"
province = "/noiDi/tinh"
district = "/noiDi/huyen"
hamlet = "/noiDi/thon"
[entry.exposures]
flags = { "/tiepXuc" = "case" }
"""

TOKEN = "bi-mat-cua-he-thong"


@dataclass
class Foreign(ThreadingHTTPServer):
    """``people`` by the number they are asked for; ``mood`` is how the system feels.

    Every answer waits until ``go`` is set.
    """

    people: dict[str, dict[str, object]] = field(default_factory=dict)
    mood: str = "well"
    seconds: float = 0.0
    asked: list[dict[str, object]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    daemon_threads = True
    block_on_close = False

    def __post_init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Desk)
        self.over, self.go = threading.Event(), threading.Event()
        self.go.set()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> "Foreign":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.go.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A hub that hangs up in the middle is no fault of the test's."""


class _Desk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Foreign

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(asked)
        self.server.headers = dict(self.headers)
        if self.server.seconds:
            self.server.over.wait(self.server.seconds)
        self.server.go.wait()
        getattr(self, self.server.mood)(asked)

    def well(self, asked: dict[str, dict[str, str]]) -> None:
        number = asked["giayTo"]["so"]
        found = self.server.people.get(number)
        if found is None:
            self._send(200, {"maLoi": "KHONG_TIM_THAY"})
        else:
            self._send(200, {"maLoi": "00", "ketQua": {"soGiayTo": number, **found}})

    def broken(self, _asked: object) -> None:
        self._send(500, {"loi": "he thong ban"})

    def refusing(self, _asked: object) -> None:
        self._send(401, {})

    def complaining(self, _asked: object) -> None:
        self._send(400, {"loi": "so giay to khong hop le"})

    def failing(self, _asked: object) -> None:
        self._send(200, {"maLoi": "99"})

    def garbage(self, _asked: object) -> None:
        self._send_bytes(200, b"<html><form action=/login>\xff\xfe")

    def shapeless(self, _asked: object) -> None:
        self._send(200, {"maLoi": "00", "ketQua": [1, {"maCongDan": {}}]})

    def deep(self, _asked: object) -> None:
        self._send_bytes(200, b"[" * 100_000)

    def gigantic(self, _asked: object) -> None:
        self._send_bytes(200, b'"' + b"x" * (3 << 20) + b'"')

    def elsewhere(self, _asked: object) -> None:
        self.send_response(302)
        self.send_header("Location", self.server.url + "/tra-cuu/v2")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def half(self, _asked: object) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"maLoi":')
        self.wfile.flush()
        self.server.over.wait(60)

    def dripping(self, _asked: object) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        while not self.server.over.wait(0.02):
            self.wfile.write(b" ")
            self.wfile.flush()

    def hanging_up(self, _asked: object) -> None:
        self.close_connection = True

    def _send(self, status: int, said: object) -> None:
        self._send_bytes(status, json.dumps(said).encode())

    def _send_bytes(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body)


def known(number: str, **groups: object) -> dict[str, object]:
    """Somebody of that system's."""
    return {"maCongDan": number, "hoTen": "Trần Văn Bình", **groups}


def declared(day: str = "", *signs: str, **more: object) -> dict[str, object]:
    """A declaration as that system writes it; of a minute ago without a day."""
    return {
        "ngay": day or time.strftime("%d/%m/%Y %H:%M", time.gmtime(time.time() + 7 * 3600 - 60)),
        "trieuChung": [*signs],
        **more,
    }


def settings_file(folder: Path, url: str, *lines: str, registry: str = "province", mapping: str = MAPPING) -> Path:
    """A ``hub.toml`` that points to it, with mapping and token beside."""
    (folder / "mapping.toml").write_text(mapping)
    token = folder / "province.token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    said = {"registry": registry, "url": url, "mapping": str(folder / "mapping.toml"), "token_file": str(token)}
    path = folder / "hub.toml"
    path.write_text("\n".join(["[province]", *(f'{key} = "{value}"' for key, value in said.items()), *lines, ""]))
    return path
