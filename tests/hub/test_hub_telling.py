"""Alarms told to people: by a real loopback web server and a real loopback mail server, each once, until taken."""

from __future__ import annotations

import email
import email.policy
import json
import os
import socketserver
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hub_stand import ROOT, furnish, now

from hub.config import AlarmSettings, load
from hub.errors import ConfigError
from hub.logs import Tally
from hub.stations import alarms
from hub.stations.watch import Matter
from hub.telling.outbox import FIRST_PAUSE, GIVEN_UP_AFTER
from hub.telling.teller import TOGETHER, Teller
from hub.telling.ways import ways

SECOND = timedelta(seconds=1)
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


class Hook:
    """A receiver of webhooks: keeps what it was sent, or answers with the status it was told to."""

    def __init__(self) -> None:
        self.sent: list[dict] = []
        self.secrets: list[str] = []
        self.status = 204
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if kept.status < 300:
                    kept.sent.append(json.loads(body))
                    kept.secrets.append(self.headers.get("x-secret", ""))
                self.send_response(kept.status)
                self.send_header("location", "http://127.0.0.1:1/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Post:
    """A mail server that takes everything (RFC 5321, as much of it as is needed), or is busy when it was told so."""

    def __init__(self) -> None:
        self.mails: list[email.message.EmailMessage] = []
        self.busy = False
        kept = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                self.wfile.write(b"220 loopback\r\n")
                while line := self.rfile.readline():
                    self.wfile.write(self.answer(line.strip().upper()))
                    if line.upper().startswith(b"QUIT"):
                        return

            def answer(self, line: bytes) -> bytes:
                if line.startswith(b"MAIL") and kept.busy:
                    return b"451 later\r\n"
                if line.startswith(b"DATA"):
                    self.wfile.write(b"354 go on\r\n")
                    text = b""
                    while (more := self.rfile.readline()) != b".\r\n":
                        text += more
                    kept.mails.append(email.message_from_bytes(text, policy=email.policy.default))
                return b"250 ok\r\n" if not line.startswith(b"QUIT") else b"221 bye\r\n"

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def hook():
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture
def post():
    post = Post()
    yield post
    post.close()


class Office:
    """A hub's teller on a real database, its clock the test's."""

    def __init__(self, store, settings: AlarmSettings) -> None:
        self.store, self.settings, self.now, self.tally = store, settings, AT, Tally()
        self.start()

    def start(self) -> None:
        """Another process takes over."""
        self.teller = Teller(self.store, self.settings, ways(self.settings), self.tally)
        self.teller.begin(self.now)

    def go_on(self, length: timedelta) -> None:
        end = self.now + length
        while self.now < end:
            self.now += SECOND * 2
            self.teller.step(self.now)

    def begins(self, kind: str, station: str = "s1", subject: str = "", detail: str = "so it is", **more) -> None:
        with self.store.writing() as connection:
            alarms.raise_alarm(connection, kind, station, subject, detail, self.now, **more)

    def ends(self, kind: str, station: str = "s1", subject: str = "") -> None:
        with self.store.writing() as connection:
            alarms.clear_alarm(connection, kind, station, subject, self.now)


@pytest.fixture
def office(peopled, hook, tmp_path):
    (tmp_path / "secret").write_text("Bearer abc\n")
    settings = AlarmSettings(url=hook.url, secret_file=str(tmp_path / "secret"), secret_header="X-Secret")
    return Office(peopled, settings)


def told(hook: Hook) -> list[tuple[str, str, str]]:
    return [(each["what"], each["kind"], each["station"]) for message in hook.sent for each in message["alarms"]]


def test_what_begins_together_is_one_message_and_every_alarm_is_told_once(office, hook):
    office.begins("silent", since=AT)
    office.go_on(SECOND * 4)
    office.begins("chain-broken", subject="aa/7", facts={"row": "7", "before": "6"})
    office.begins("chain-broken", subject="aa/7", facts={"row": "7", "before": "6"})  # again: counted, not told
    office.go_on(TOGETHER + SECOND * 20)
    assert told(hook) == [("began", "silent", "s1"), ("began", "chain-broken", "s1")]
    assert len(hook.sent) == 2 or len(hook.sent) == 1
    assert hook.secrets[0] == "Bearer abc"
    shown = hook.sent[-1]["alarms"][-1]
    assert (shown["place"], shown["place_name"], shown["title"]) == ("cho", "Chợ Đông Ba", "Chuỗi ghi bị đứt")
    assert shown["detail"] == "Lượt 7 không nối với lượt 6: có lượt bị sửa, thêm hoặc bớt"
    office.ends("silent")
    office.go_on(TOGETHER * 2)
    assert told(hook)[-1] == ("over", "silent", "s1")
    assert hook.sent[-1]["title"] == "1 báo động đã qua: Mất tin"


def test_alarms_of_one_moment_go_in_one_message(office, hook):
    for station in ("s1", "s2", "s3"):
        office.begins("heat", station, facts={"value": "84.0"})
    office.go_on(TOGETHER * 2)
    (message,) = hook.sent
    assert message["title"] == "3 báo động: Nóng"
    assert message["text"].count("Nóng 84 °C") == 3


def test_a_receiver_that_is_away_gets_it_later_and_once_also_after_another_start(office, hook):
    hook.status = 503
    office.begins("blind")
    office.go_on(TOGETHER + FIRST_PAUSE * 4)
    office.start()
    hook.status = 200
    office.go_on(FIRST_PAUSE * 10)
    assert told(hook) == [("began", "blind", "s1")]
    office.start()
    office.go_on(FIRST_PAUSE * 4)
    assert len(hook.sent) == 1


def test_a_receiver_that_is_away_is_asked_less_and_less_and_given_up_after_a_day(office, hook):
    hook.status = 302  # a detour, which a secret does not take
    office.begins("blind")
    office.go_on(timedelta(minutes=30))
    with office.store.reading() as connection:
        tries = connection.exec_driver_sql("SELECT tries FROM alarm_tellings").scalar()
    assert 6 <= tries <= 9
    office.now += GIVEN_UP_AFTER
    hook.status = 200
    office.teller.step(office.now)
    assert hook.sent == []
    assert office.tally.counts() == {"alarm: could not be told for a day": 1}


def test_what_had_begun_before_anybody_was_to_be_told_is_not_told(peopled, hook):
    Office(peopled, AlarmSettings()).begins("heat")
    office = Office(peopled, AlarmSettings(url=hook.url))
    office.now += SECOND
    office.go_on(TOGETHER * 3)
    with office.store.reading() as connection:
        assert len(alarms.listed(connection)) == 1
    office.begins("blind")
    office.go_on(TOGETHER * 3)
    assert told(hook)[-1] == ("began", "blind", "s1")


def test_only_the_kinds_that_were_chosen_are_told_and_their_end_only_if_wanted(peopled, hook):
    office = Office(peopled, AlarmSettings(url=hook.url, kinds=("blind",), ended=False))
    office.begins("blind")
    office.begins("heat")
    office.go_on(TOGETHER * 2)
    office.ends("blind")
    office.go_on(TOGETHER * 2)
    assert told(hook) == [("began", "blind", "s1")]


def test_an_e_mail_says_the_same_in_words_and_waits_for_a_server_that_is_busy(peopled, post):
    settings = AlarmSettings(
        smtp_host="127.0.0.1", smtp_port=post.port, sender="hub@example.vn", to=("a@example.vn", "b@example.vn")
    )
    office = Office(peopled, settings)
    post.busy = True
    facts = {"one": "cho", "one_at": AT.isoformat(), "other": "chot", "other_at": AT.isoformat()}
    office.begins("shared-code", subject="1f", facts=facts)
    office.go_on(TOGETHER * 2)
    assert post.mails == []
    post.busy = False
    office.go_on(FIRST_PAUSE * 3)
    (mail,) = post.mails
    assert mail["subject"] == "[Trạm Quét] 1 báo động: Một mã ở hai nơi xa nhau"
    assert mail["to"] == "a@example.vn, b@example.vn"
    assert "Chợ Đông Ba lúc 09:00 và Chốt Lăng Cô lúc 09:00" in mail.get_content()


def test_a_group_and_its_place_are_worded_in_the_language_that_was_chosen(peopled, hook):
    office = Office(peopled, AlarmSettings(url=hook.url, language="en"))
    matter = Matter("silent-group", "", "district/63/481", AT, "14 stations", 14, {"count": "14", "of": "A Lưới"})
    office.begins(matter.kind, "", matter.subject, facts=matter.facts)
    office.go_on(TOGETHER * 2)
    assert hook.sent[0]["alarms"][0]["detail"] == "14 stations of A Lưới silent"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('url = "ops.example.vn"', "alarms.url"),
        ('smtp_host = "localhost"', "alarms.from, alarms.to"),
        ('smtp_host = "localhost"\nfrom = "hub"\nto = ["a@b"]', "'hub' is no e-mail address"),
        ('to = ["a@b"]', "alarms.smtp_host"),
        ('form = "a@b"', "did you mean alarms.from?"),
    ],
)
def test_settings_that_would_tell_nobody_are_refused(tmp_path, line, fault):
    (tmp_path / "hub.toml").write_text(f"[alarms]\n{line}\n")
    with pytest.raises(ConfigError, match=fault.replace(".", r"\.").replace("?", r"\?")):
        load(tmp_path / "hub.toml")


def test_a_trial_says_by_which_way_it_went(tmp_path, hook, post):
    furnish(tmp_path, "s1")
    mail = f'smtp_host = "127.0.0.1"\nsmtp_port = {post.port}\nfrom = "hub@example.vn"\nto = ["a@example.vn"]\n'
    (tmp_path / "hub.toml").write_text(f'[alarms]\nurl = "{hook.url}"\n{mail}')
    words = [sys.executable, "-m", "hub", "alarms", "test", "--config", str(tmp_path / "hub.toml")]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    done = run()
    assert (done.returncode, done.stdout) == (0, "webhook: sent\nmail: sent\n")
    assert hook.sent[0]["trial"] is True
    assert post.mails[0]["subject"] == "[Trạm Quét] Thử báo động"
    hook.status = 500
    done = run()
    assert (done.returncode, done.stderr) == (os.EX_UNAVAILABLE, "webhook: the webhook answered 500\n")
    (tmp_path / "hub.toml").write_text("")
    assert run().returncode == os.EX_CONFIG


def test_what_happened_to_an_alarm_stays_when_it_happens_again(peopled):
    at = now().replace(microsecond=0)
    with peopled.writing() as connection:
        for turn in range(2):
            later = at + timedelta(hours=turn)
            alarms.raise_alarm(connection, "heat", "s1", "", "84 °C", later, facts={"value": "84.0"})
            alarms.acknowledge(connection, "heat", "s1", "", "lan", later + SECOND)
            alarms.clear_alarm(connection, "heat", "s1", "", later + SECOND * 2)
        happened = alarms.history(connection, "s1", 10)
    assert [each.what for each in happened] == ["over", "seen", "began"] * 2
    assert (happened[1].by, happened[2].facts) == ("lan", {"value": "84.0"})
    with peopled.writing() as connection:
        alarms.forget(connection, at + timedelta(minutes=30))
        assert len(alarms.history(connection, "s1", 10)) == 3
