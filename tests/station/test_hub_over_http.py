"""A hub that fails in every way over HTTP: told in words, within the deadline, and asked again afterwards."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from loopback_hub import Hub, answer_with

from core import wire
from core.model import GateKind, HealthGroup, Scheme, Standing
from station.errors import HubUnreachable
from station.http import HttpHub

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
WHO = wire.Who(Scheme.CITIZEN, "046000000001")
ANSWER = wire.Answer(Standing("ab", NOW, health=HealthGroup(NOW)), NOW)


def drip(line: socket.socket, _: bytes) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" * 1000:
        line.sendall(bytes([byte]))
        time.sleep(0.05)


def flood(line: socket.socket, _: bytes) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900000000\r\n\r\n")
    for _ in range(4000):
        line.sendall(b" " * 65536)


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub(answer_with(wire.encode(ANSWER)))
    yield hub
    hub.close()


@pytest.fixture
def station(hub: Hub) -> Iterator[HttpHub]:
    with HttpHub(hub.url, "secret-token", GateKind.VENUE) as station:
        yield station


def test_a_look_up_is_a_post_with_the_person_in_the_body_and_the_stations_token(hub, station):
    assert station.ask(WHO, NOW, 30.0) == ANSWER
    head, _, body = hub.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/lookup HTTP/1.1")
    assert b"Authorization: Bearer secret-token" in head
    assert b"046000000001" in body
    assert b"046000000001" not in head


def test_one_connection_is_kept_alive(hub, station):
    for _ in range(5):
        station.ask(WHO, NOW, 30.0)
    assert hub.connections == 1


@pytest.mark.parametrize(
    ("behave", "told"),
    [
        (answer_with(b"{}", "500 Internal Server Error"), "answers 500"),
        (answer_with(b'{"title":"Too many","status":429}', "429 Too Many", "Retry-After: 3600\r\n"), "Too Many"),
        (answer_with(b"{}", "401 Unauthorized"), "token"),
        (answer_with(b"<html>Sign in to the hotel</html>"), "login page"),
        (answer_with(b'{"standing":[],"hub_time":7}'), "login page"),
        (answer_with(b"", "302 Found", "Location: http://127.0.0.1:9/\r\n"), "answers 302"),
        (lambda line, _: line.sendall(b"\x00\xff rubbish\r\n\r\n"), "reached|broke off"),
        (lambda line, _: line.close(), "reached|broke off"),
        (flood, "more than any hub"),
    ],
)
def test_whatever_the_hub_says_is_told_in_words_and_the_next_ask_works(hub, station, behave, told):
    hub.behave = behave
    with pytest.raises(HubUnreachable, match=told) as failure:
        station.ask(WHO, NOW, 30.0)
    assert "046000000001" not in str(failure.value)
    hub.behave = answer_with(wire.encode(ANSWER))
    assert station.ask(WHO, NOW, 30.0) == ANSWER


@pytest.mark.parametrize("behave", [lambda line, _: time.sleep(90), drip])
def test_a_hub_that_does_not_come_to_an_end_is_left_at_the_deadline_and_the_next_ask_works(hub, station, behave):
    hub.behave = behave
    begun = time.monotonic()
    with pytest.raises(HubUnreachable, match=r"within 0\.4 s|in time"):
        station.ask(WHO, NOW, 0.4)
    assert time.monotonic() - begun < 30
    hub.behave = answer_with(wire.encode(ANSWER))
    assert station.ask(WHO, NOW, 30.0) == ANSWER


def test_nobody_listening_is_told(station, hub):
    with HttpHub("http://127.0.0.1:9", "t", GateKind.VENUE) as nobody, pytest.raises(HubUnreachable, match="reached"):
        nobody.ask(WHO, NOW, 30.0)


def test_no_policy_is_no_failure(hub, station):
    hub.behave = answer_with(b'{"title":"none","status":404}', "404 Not Found")
    assert station.policy({}, 30.0) is None


def test_nagles_algorithm_is_off(hub, station):
    station.ask(WHO, NOW, 30.0)
    assert station._call._lines[0].sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_hub_that_repeats_the_person_in_its_refusal_is_not_quoted(hub, station):
    hub.behave = lambda line, request: answer_with(
        b'{"title":"' + request[-60:].replace(b'"', b"'") + b'","status":422}', "422 Unprocessable Entity"
    )(line, request)
    with pytest.raises(HubUnreachable, match="answers 422 Unprocessable") as failure:
        station.ask(WHO, NOW, 30.0)
    assert "046000000001" not in str(failure.value)


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b'{"x":' + b"[" * 100_000, b'{"standing":null,"hub_time":"9999-99-99T00:00:00Z"}']
)
def test_an_answer_of_any_bytes_is_an_unreachable_hub_and_nothing_worse(hub, station, body):
    hub.behave = answer_with(body)
    with pytest.raises(HubUnreachable, match="login page"):
        station.ask(WHO, NOW, 30.0)


def test_an_answer_sent_twice_is_never_taken_for_the_next_persons(hub, station):
    body = wire.encode(ANSWER)
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    hub.behave = lambda line, _: line.sendall(whole + whole)
    assert station.ask(WHO, NOW, 30.0) == ANSWER
    hub.behave = answer_with(wire.encode(wire.Answer(None, NOW)))
    assert station.ask(WHO, NOW, 30.0).standing is None


UNRESOLVED = """
import socket, sys, time
from datetime import UTC, datetime
from core import wire
from core.model import GateKind, Scheme
from station.errors import HubUnreachable
from station.http import HttpHub
socket.getaddrinfo = lambda *_: time.sleep(600)
with HttpHub("http://hub.invalid", "t", GateKind.VENUE) as hub:
    try:
        hub.ask(wire.Who(Scheme.CITIZEN, "046000000001"), datetime.now(UTC), 0.2)
    except HubUnreachable:
        sys.exit(7)
"""


def test_a_name_server_that_never_answers_holds_up_neither_the_gate_nor_the_end_of_the_service():
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", UNRESOLVED], timeout=100)
    assert done.returncode == 7
    assert time.monotonic() - begun < 60


def test_what_is_asked_is_in_no_repr_on_the_way(hub, station, caplog):
    hub.behave = answer_with(b"{}", "500 Internal Server Error")
    with caplog.at_level("DEBUG"), pytest.raises(HubUnreachable) as failure:
        station.ask(WHO, NOW, 30.0)
    frame = failure.tb
    shown = [caplog.text]
    while frame is not None:
        shown += [repr(value) for name, value in frame.tb_frame.f_locals.items() if name in {"request", "call", "self"}]
        frame = frame.tb_next
    assert "046000000001" not in " ".join(shown)


def test_every_request_has_a_name_of_its_own_and_a_failure_tells_it(hub, station):
    hub.behave = answer_with(b"{}", "500 Internal Server Error")
    told = []
    for _ in range(2):
        with pytest.raises(HubUnreachable) as failure:
            station.ask(WHO, NOW, 30.0)
        told.append(failure.value.request)
    sent = [re.search(rb"X-Request-Id: ([0-9a-f]{16})\r\n", request).group(1).decode() for request in hub.requests]
    assert told == sent
    assert len(set(sent)) == 2
