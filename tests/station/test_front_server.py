"""The front-panel page's server: what it shows and takes, whom it serves, and that it leaves nothing behind."""

import base64
import io
import socket
import sys
import threading
import time
from contextlib import ExitStack

import pytest
from drawn_codes import qr, scene
from front_rig import Panel, next_of, panel_of, parts_of, told_of

from core.model import Outcome, Reason, Source
from drivers.drawing import draw
from station import app
from station.errors import ConfigError
from station.front.broadcast import MOST_LISTENERS
from station.front.demo.hands import keystrokes
from station.front.server import start
from station.sections import Front

QUIET = """
[camera]
driver = "null"
[[scanner]]
driver = "sim-serial"
"""


@pytest.fixture
def panel(tmp_path):
    with panel_of(tmp_path) as panel:
        yield panel


@pytest.fixture(scope="module")
def shared_panel(tmp_path_factory):
    """One for all that is refused and changes nothing."""
    with panel_of(tmp_path_factory.mktemp("front")) as panel:
        yield panel


def picture(text: str) -> bytes:
    file = io.BytesIO()
    scene((qr(text), (120, 90))).save(file, "PNG")
    return file.getvalue()


def test_a_page_that_opens_is_told_everything_at_once(panel: Panel):
    told = {}
    with panel.browser.events() as events:
        while told.keys() != {"face", "status", "rows", "network", "card"}:  # a face may change while they are told
            told |= [next(events)]
    assert told["status"]["station"] == "gate-1"


def test_the_pixels_are_those_of_the_display(panel: Panel):
    station, shown = panel.rig.station, {}
    station.listeners.insert(0, lambda _: shown.update({station.panel.face.seq: station.panel.face}))
    face = {"seq": -1}
    with panel.browser.events() as events:
        while face["seq"] not in shown:  # once, unless the page is told of the next one already
            panel.rig.scan("HUE-S-0001")
            face = next_of(events, "face", lambda face: face["seq"] >= max(shown))
    drawn = draw(shown[face["seq"]].page)
    assert base64.b64decode(face["pixels"]) == drawn.tobytes()
    assert face["text"].startswith("KIỂM TRA")
    assert (face["colour"], face["blink"][1] > 0, face["shape"]) == ("amber", True, "bang")


def test_a_presentation_is_told_with_its_row_as_it_happens(panel: Panel):
    with panel.browser.events() as events:
        next_of(events, "network")
        panel.rig.scan("HUE-S-0001")
        told = told_of(events, "verdict", "rows")
    verdict, rows = told["verdict"], told["rows"]
    assert (verdict["outcome"], verdict["reasons"], verdict["source"]) == ("warn", ["not-found"], "serial")
    assert (rows[0]["seq"], rows[0]["groups"]) == (verdict["seq"], ["hub"] * 3)
    assert "HUE-S-0001" not in str(rows) + str(verdict)
    assert not {"sealed", "tag", "previous"} & rows[0].keys()


def test_a_picture_held_up_goes_through_the_camera_and_its_decoders(panel: Panel):
    assert panel.browser.ask("POST", "/present/picture?seconds=60", picture("HUE-S-0002"))[0] == 200
    done = panel.rig.next()
    assert (done.source, done.outcome) == (Source.CAMERA, Outcome.WARN)


def test_a_card_of_the_tray_is_shown_as_a_picture_and_read(panel: Panel):
    assert panel.browser.ask("GET", "/tray/stranger.png")[1][:4] == b"\x89PNG"
    assert panel.browser.ask("POST", "/present/tray/stranger?seconds=60")[0] == 200
    assert panel.rig.next().source is Source.CAMERA
    assert panel.browser.ask("POST", "/present/tray/nobody")[0] == 404


def test_keys_are_decoded_by_the_real_scanner_path(panel: Panel):
    enter = [(28, 1), (28, 0)]
    assert panel.browser.ask("POST", "/present/keys", [*keystrokes("X9900001"), *enter])[0] == 200
    done = panel.rig.next()
    assert (done.source, done.code_kind) == (Source.HID, "passport")


def test_a_typed_number_is_presented_from_the_panel(panel: Panel):
    assert panel.browser.ask("POST", "/present/text", {"text": " 046090000001 "})[0] == 200
    done = panel.rig.next()
    assert (done.source, done.code_kind) == (Source.PANEL, "citizen-number")


def test_a_press_becomes_a_decision_about_the_warning(panel: Panel):
    warned = panel.rig.scan("HUE-S-0003")
    assert panel.browser.ask("POST", "/press/admitted")[0] == 200
    with panel.browser.events() as events:
        rows = next_of(events, "rows", lambda rows: any(row["decision"] for row in rows))
    assert next((row["decision"], row["about"]) for row in rows if row["decision"]) == ("admitted", warned.seq)


def test_the_other_switch_leaves_no_room_on_the_card_and_gives_it_back(panel: Panel):
    with panel.browser.events() as events:
        assert next_of(events, "card") == {"full": False}
        assert panel.browser.ask("PUT", "/card", {"full": True})[0] == 200
        assert next_of(events, "card") == {"full": True}
        fault = panel.rig.scan("HUE-S-0001")
        assert (fault.outcome, fault.reasons, panel.rig.rows) == (Outcome.FAULT, (Reason.JOURNAL_FULL,), [])
        assert panel.browser.ask("PUT", "/card", {"full": False})[0] == 200
        assert panel.rig.scan("HUE-S-0001").outcome is Outcome.WARN
        assert len(panel.rig.rows) == 1


def test_the_switch_cuts_the_network_and_every_page_is_told(panel: Panel):
    with panel.browser.events() as events:
        assert next_of(events, "network") == {"whole": True}
        assert panel.browser.ask("PUT", "/network", {"whole": False})[0] == 200
        assert next_of(events, "network", lambda said: not said["whole"]) == {"whole": False}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/present/picture", b"no picture", 422),
        ("/present/picture", b"", 422),
        ("/present/keys", [[0, 1]], 422),
        ("/present/keys", [[30, 7]], 422),
        ("/present/keys", [[30, 1]] * 3000, 422),
        ("/present/keys", b"{", 422),
        ("/present/text", {"text": "   "}, 422),
        ("/present/text", {"text": "1" * 9000}, 422),
        ("/present/text", {"words": "1"}, 422),
        ("/press/opened", None, 404),
        ("/present/film", None, 404),
        ("/page/..%2f..%2fconfig.py", None, 404),
    ],
)
def test_what_cannot_be_taken_is_refused_in_both_languages(shared_panel: Panel, path: str, body, status: int):
    code, said = shared_panel.browser.ask("POST" if "page" not in path else "GET", path, body)
    assert (code, said.keys()) == (status, {"vi", "en"})
    assert shared_panel.rig.nothing_more(0.1)


def test_a_picture_that_is_too_large_is_refused_before_it_is_read(shared_panel: Panel):
    with socket.create_connection((shared_panel.browser.host, shared_panel.browser.port), timeout=30) as line:
        head = f"POST /present/picture HTTP/1.1\r\nHost: {shared_panel.browser.host}\r\nX-Front-Panel: 1\r\n"
        line.sendall(f"{head}Content-Length: {1 << 30}\r\n\r\n".encode())
        assert b" 413 " in line.recv(200)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/facts", {"Host": "evil.example"}),
        ("GET", "/events", {"Sec-Fetch-Site": "cross-site"}),
        ("GET", "/tray/stranger.png", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}),
        ("POST", "/press/admitted", {}),
        ("POST", "/press/admitted", {"X-Front-Panel": "1", "Origin": "http://evil.example"}),
        ("POST", "/press/admitted", {"X-Front-Panel": "1", "Origin": "null"}),
        ("POST", "/press/admitted", {"X-Front-Panel": "1", "Sec-Fetch-Site": "cross-site"}),
        ("PUT", "/network", {"Content-Type": "text/plain"}),
    ],
)
def test_another_web_page_in_the_same_browser_gets_nothing(shared_panel: Panel, method: str, path: str, headers):
    code, said = shared_panel.browser.ask(method, path, b"" if method != "GET" else None, headers)
    assert (code, said.keys()) == (403, {"vi", "en"})


def test_every_answer_forbids_frames_and_anything_from_elsewhere(shared_panel: Panel):
    with shared_panel.browser.events() as events:
        next(events)
    with socket.create_connection((shared_panel.browser.host, shared_panel.browser.port), timeout=30) as line:
        line.sendall(
            f"GET / HTTP/1.1\r\nHost: localhost:{shared_panel.browser.port}\r\nConnection: close\r\n\r\n".encode()
        )
        said = b"".join(iter(lambda: line.recv(65536), b"")).decode()
    assert "frame-ancestors 'none'" in said
    assert "default-src 'none'" in said
    assert "Access-Control-Allow" not in said
    assert 'lang="vi"' in said


def test_a_station_without_simulated_devices_shows_and_takes_nothing(tmp_path):
    with panel_of(tmp_path, demo=False, devices=QUIET) as panel:
        assert panel.browser.ask("GET", "/facts")[1]["ways"] == dict.fromkeys(
            ("camera", "keys", "text", "buttons"), False
        )
        for method, path in [
            ("POST", "/present/picture"),
            ("POST", "/present/keys"),
            ("POST", "/present/text"),
            ("POST", "/present/tray/stranger"),
            ("POST", "/press/admitted"),
            ("PUT", "/network"),
            ("PUT", "/card"),
        ]:
            assert panel.browser.ask(method, path, b"{}")[0] == 404, path
        with panel.browser.events() as events:
            panel.rig.scan("HUE-S-0001")
            assert next_of(events, "verdict")["outcome"] == "warn"


def test_too_many_pages_are_told_so_and_the_others_go_on(panel: Panel):
    with ExitStack() as stack:
        open_pages = [stack.enter_context(panel.browser.events()) for _ in range(MOST_LISTENERS)]
        for events in open_pages:
            next(events)
        with panel.browser.events() as events:
            assert next(events)[0] == "crowded"
        panel.rig.scan("HUE-S-0001")
        assert next_of(open_pages[0], "verdict")["outcome"] == "warn"
        assert panel.browser.ask("GET", "/facts")[0] == 200


def test_a_page_that_went_away_makes_room_for_another(panel: Panel):
    for _ in range(MOST_LISTENERS + 2):
        with panel.browser.events() as events:
            next(events)
        panel.rig.wait(lambda: panel.opened.front.broadcast.count < MOST_LISTENERS)


def test_it_ends_at_once_with_pages_open_and_leaves_no_thread(tmp_path):
    before = set(threading.enumerate())

    def left() -> set[str]:
        return {one.name for one in set(threading.enumerate()) - before}

    with ExitStack() as stack:
        panel = stack.enter_context(panel_of(tmp_path))
        events = stack.enter_context(panel.browser.events())
        next(events)
        begun = time.monotonic()
    assert time.monotonic() - begun < 30
    while left():  # the hub's own may still be on their way out
        assert time.monotonic() - begun < 60, left()
        time.sleep(0.01)


def test_a_taken_port_keeps_the_page_shut_and_not_the_gate(panel: Panel, caplog):
    taken = f"127.0.0.1:{panel.opened.port}"
    with start(Front(enabled=True, listen=taken), parts_of(panel.rig)) as second:
        assert second is None
        assert panel.rig.scan("HUE-S-0001").outcome is Outcome.WARN
    assert "no front panel" in caplog.text


def test_without_the_extras_libraries_the_configuration_is_told_to_be_wrong(panel: Panel, monkeypatch):
    monkeypatch.setitem(sys.modules, "flask", None)
    for name in ("station.front.site", "station.front.server"):
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ConfigError, match=r"flask is not installed; install the extra `front`"):
        app._front(panel.rig.station)
