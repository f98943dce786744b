"""A station's line to a real broker: sealed asks, answers that come late, a broker that goes and comes back."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
from mqtt_hub import PUBLIC, SmallHub, now
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from core import answers, wire
from core.model import GateKind, HealthGroup, Scheme, Standing
from station import link
from station.asking import AskProperties
from station.broker import LARGEST, Broker, Connected, Disconnected, Event, Message
from station.errors import HubCannotSay, HubUnreachable
from station.link import MqttHub

AN = wire.Who(Scheme.CITIZEN, "046090000001")
STANDING = Standing("ab" * 16, now(), "N*** A", health=HealthGroup(now()))


def wait(happened: Callable[[], object], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


class Line:
    """A station's line with everything that it heard."""

    def __init__(self, port: int, *, password: str = "token", station: str = "gate-1", keepalive: int = 30) -> None:
        self.heard: list[Event] = []
        state = wire.State(station=station, online=True, session="s", since=now())
        broker = Broker("127.0.0.1", port, station, password, keepalive)
        self.hub = MqttHub(broker, station, GateKind.VENUE, PUBLIC, ["kind/venue", "all"], state, lambda: None)

    def listen(self) -> list[Event]:
        self.heard += self.hub.events()
        return self.heard

    def heard_of(self, kind: type) -> list[Event]:
        return [event for event in self.listen() if isinstance(event, kind)]


@pytest.fixture
def connect() -> Iterator[Callable[..., Line]]:
    with ExitStack() as stack:

        def connected(*args, **options) -> Line:
            line = Line(*args, **options)
            stack.enter_context(line.hub)
            return line

        yield connected


@pytest.fixture
def centre(broker) -> Iterator[SmallHub]:
    centre = SmallHub(broker.port)
    centre.people[AN.value] = STANDING
    yield centre
    centre.close()


@pytest.fixture
def line(broker, connect) -> Line:
    line = connect(broker.port)
    wait(lambda: line.heard_of(Connected))
    return line


def test_an_ask_travels_sealed_and_its_answer_comes_back(line, centre):
    payloads: list[bytes] = []
    centre.before_answer = lambda ask: payloads.append(wire.encode(ask))
    assert line.hub.ask(AN, now(), 30.0).standing == STANDING
    assert AN.value.encode() not in payloads[0]
    assert line.hub.ask(wire.Who(Scheme.CITIZEN, "046090000002"), now(), 30.0).standing is None


def test_an_answer_that_comes_too_late_is_never_taken_for_the_next_persons(line, centre):
    centre.answers = False
    with pytest.raises(HubUnreachable, match="within"):
        line.hub.ask(AN, now(), 0.2)
    late = centre.asked.get(timeout=30)
    centre.before_answer = lambda ask: centre.say("answer", centre.sealed(late, wire.Answer(STANDING, now())), qos=0)
    centre.answers = True
    assert line.hub.ask(wire.Who(Scheme.CITIZEN, "046090000002"), now(), 30.0).standing is None


def test_an_answer_to_this_ask_with_another_asks_box_is_refused(line, centre):
    centre.answers = False
    with pytest.raises(HubUnreachable):
        line.hub.ask(AN, now(), 0.2)
    old = wire.decode(centre.sealed(centre.asked.get(timeout=30), wire.Answer(STANDING, now())), wire.SealedAnswer)
    centre.before_answer = lambda ask: centre.say("answer", wire.encode(wire.SealedAnswer(ask.id, old.box)), qos=0)
    with pytest.raises(HubUnreachable, match="words that are not a hub's"):
        line.hub.ask(AN, now(), 30.0)


@pytest.mark.parametrize(
    ("rubbish", "told"),
    [
        (b"", "words"),
        (b"\xff\xfe", "words"),
        (b'{"x":' + b"[" * 100_000, "words"),
        (b"null", "words"),
        (b"[" * (LARGEST + 1), "no answer"),
    ],
    ids=range(5),
)
def test_rubbish_on_the_answer_topic_is_an_unreachable_hub_and_the_next_ask_works(line, centre, rubbish, told):
    centre.before_answer = lambda ask: centre.say("answer", rubbish, qos=0)
    centre.answers = False
    with pytest.raises(HubUnreachable, match=told) as failure:
        line.hub.ask(AN, now(), 0.5 if told == "no answer" else 30.0)
    assert AN.value not in str(failure.value)
    centre.before_answer, centre.answers = lambda _: None, True
    assert line.hub.ask(AN, now(), 30.0).standing == STANDING


def test_a_hub_that_quotes_the_person_in_its_refusal_is_not_quoted(line, centre):
    centre.answers = False
    centre.before_answer = lambda ask: centre.say(
        "answer", wire.encode(wire.SealedAnswer(ask.id, error=f"who is {AN.value}?")), qos=0
    )
    with pytest.raises(HubUnreachable, match="refuses") as failure:
        line.hub.ask(AN, now(), 30.0)
    assert AN.value not in str(failure.value)


def test_a_hub_that_cannot_ask_for_a_person_is_there_all_the_same(line, centre):
    centre.answers = False
    centre.before_answer = lambda ask: centre.say(
        "answer", wire.encode(wire.SealedAnswer(ask.id, error=answers.UNASKED)), qos=0
    )
    with pytest.raises(HubCannotSay):
        line.hub.ask(AN, now(), 30.0)


def test_answers_that_nobody_asked_for_are_not_collected(line, centre):
    for _ in range(500):
        centre.say("answer", b"x" * 1000, qos=0)
    centre.say("held", b"{}")
    wait(lambda: line.heard_of(Message))
    assert len(line.hub.asks._inboxes["answer"]) <= link._MOST_ANSWERS


def test_a_flood_of_words_never_costs_the_news_of_the_line_and_only_the_newest_are_kept(line, centre, broker):
    for number in range(200):
        centre.say("held", b"%d" % number)
    centre.say("done", b"")
    wait(lambda: line.hub._messages and line.hub._messages[-1].payload == b"199")
    broker.stop(hard=True)
    wait(lambda: line.heard_of(Disconnected))
    messages = line.heard_of(Message)
    assert len(messages) <= link._MOST_EVENTS
    assert messages[-1].payload == b"199"


def test_a_broker_that_goes_and_comes_back_is_told_and_asked_again(line, centre, broker):
    broker.stop(hard=True)
    wait(lambda: line.heard_of(Disconnected))
    with pytest.raises(HubUnreachable, match="no connection"):
        line.hub.ask(AN, now(), 1.0)
    assert not line.hub.bring(wire.Batch("gate-1", "00" * 8, 1, ()))
    broker.start()
    wait(lambda: len(line.heard_of(Connected)) >= 2)
    wait(lambda: answered(line))


def test_a_fleet_whose_broker_comes_back_does_not_return_as_one(broker, connect):
    fleet = [connect(broker.port, station=f"gate-{number}") for number in range(16)]
    wait(lambda: all(line.heard_of(Connected) for line in fleet))
    begun = time.monotonic()
    broker.stop(hard=True)
    wait(lambda: all(line.heard_of(Disconnected) for line in fleet))
    pauses = [line.hub._client._reconnect_min_delay for line in fleet]
    assert max(pauses) - min(pauses) > 1.0
    assert max(sum(0 <= other - one < 0.25 for other in pauses) for one in pauses) <= 8
    broker.start()
    back: dict[int, float] = {}

    def all_back() -> bool:
        for number, line in enumerate(fleet):
            if len(line.heard_of(Connected)) >= 2:
                back.setdefault(number, time.monotonic())
        return len(back) == len(fleet)

    wait(all_back)
    assert all(back[number] - begun >= pause for number, pause in enumerate(pauses))


def test_pauses_before_a_broker_is_tried_again_grow_and_are_never_the_same():
    for losses in range(10):
        longest = min(60.0, 4.0 * 2.0**losses)
        pauses = [link.pause(losses) for _ in range(200)]
        assert all(longest / 8 <= one <= longest for one in pauses)
        assert len(set(pauses)) > 150
        assert max(pauses) - min(pauses) > longest / 2
    assert link.pause(0, 20.0) == 20.0


def answered(line: Line) -> bool:
    try:
        return line.hub.ask(AN, now(), 1.0).standing == STANDING
    except HubUnreachable:
        return False


def test_a_wrong_password_is_told_in_one_way_however_often_it_is_tried(start_broker, tmp_path, connect):
    (tmp_path / "empty").write_text("")
    broker = start_broker("allow_anonymous false", f"password_file {tmp_path / 'empty'}")
    line = connect(broker.port, password="wrong-token")
    wait(lambda: len(line.heard_of(Disconnected)) >= 4)
    told = {event.problem for event in line.heard_of(Disconnected)}
    assert told == {"the broker refuses this station: Not authorized"}
    assert not line.hub.connected


def test_nobody_listening_is_told(port, connect):
    line = connect(port)
    wait(lambda: line.heard_of(Disconnected))
    assert {event.problem for event in line.heard_of(Disconnected)} == {"the broker cannot be reached"}


def test_of_two_with_one_name_one_is_thrown_off_told_so_and_comes_back_no_sooner_than_it_was_bidden(
    line, broker, connect
):
    line.hub.give_way(2)
    begun = time.monotonic()
    connect(broker.port)
    wait(lambda: line.heard_of(Disconnected))
    wait(lambda: len(line.heard_of(Connected)) >= 2)
    assert time.monotonic() - begun > 1.5


def test_the_state_is_retained_and_a_clean_end_says_offline(line, centre):
    state = wire.State(station="gate-1", online=True, session="s", since=now(), policy_version=7)
    assert line.hub.tell_state(state)
    assert centre.states.get(timeout=30) == state
    line.hub.say_goodbye(wire.State(station="gate-1", online=False, session="s", since=now()), 30.0)
    assert not centre.states.get(timeout=30).online


class StalledBroker:
    """Lets everybody in, takes everything and acknowledges nothing; hangs up when told to."""

    def __init__(self, greeting: bytes = b"\x20\x03\x00\x00\x00") -> None:
        self._greeting = greeting
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.lines: list[socket.socket] = []
        self.received = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.lines.append(line)
            threading.Thread(target=self._swallow, args=(line,), daemon=True).start()

    def _swallow(self, line: socket.socket) -> None:
        try:
            line.recv(65536)
            line.sendall(self._greeting)
            while data := line.recv(1 << 20):
                self.received += len(data)
        except OSError:
            pass

    def hang_up(self) -> None:
        lines, self.lines = self.lines, []
        for line in lines:
            with line, suppress(OSError):  # who has hung up already
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(60)  # whoever it has let in meanwhile is among those who are hung up on
        self.hang_up()


@pytest.fixture
def stalled() -> Iterator[StalledBroker]:
    broker = StalledBroker()
    yield broker
    broker.close()


def test_a_broker_that_acknowledges_nothing_gets_each_thing_once_a_line_and_no_queue_grows(stalled, connect):
    line = connect(stalled.port)
    batch = wire.Batch("gate-1", "00" * 8, 1, (wire.encode("x" * 1000),))
    state = wire.State(station="gate-1", online=True, session="s", since=now())
    for lines in range(1, 4):
        wait(lambda lines=lines: len(line.heard_of(Connected)) == lines)
        taken = [line.hub.bring(batch) for _ in range(50)] + [line.hub.tell_state(state) for _ in range(50)]
        assert taken.count(True) == (2 if lines == 1 else 0)
        assert len(line.hub._client._out_messages) == 2
        stalled.hang_up()
        wait(lambda lines=lines: len(line.heard_of(Disconnected)) >= lines)


def test_a_line_that_is_half_open_is_noticed(stalled, connect):
    line = connect(stalled.port, keepalive=5)
    wait(lambda: line.heard_of(Connected))
    wait(lambda: line.heard_of(Disconnected))


def test_what_the_broker_takes_at_most_is_heard(start_broker, connect):
    broker = start_broker("allow_anonymous true", "max_packet_size 20000")
    line = connect(broker.port)
    wait(lambda: line.heard_of(Connected) == [Connected(20_000)])


@pytest.mark.parametrize(
    "words",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x20\x02\x00\x01",  # an answer of MQTT 3.1.1
        b"\x20\x05\x00\x00\x02\xfe\x01",
        b"\x20\x03\x00\x00\x00\x30\x06\x00\x02\xff\xfe\x00\x01",  # a topic that is no text
        b"\x20\x03\x00\x00\x00\x30\x02\x00\x09",
        b"\x30\xff\xff\xff\xff\xff",
    ],
    ids=range(6),
)
def test_a_broker_that_talks_rubbish_does_not_kill_the_line(words, connect):
    broker = StalledBroker(words)
    try:
        line = connect(broker.port)
        wait(lambda: line.listen() or broker.lines)
        broker.hang_up()
        wait(lambda: broker.lines)  # and comes again
    finally:
        broker.close()


@pytest.mark.parametrize("stopped", [False, True])
def test_the_end_takes_no_longer_than_a_service_has(broker, stopped):
    line = Line(broker.port)
    with line.hub:
        wait(lambda: line.heard_of(Connected))
        if stopped:  # the broker's process hangs: nothing is read from the socket any more
            os.kill(broker.process.pid, signal.SIGSTOP)
        line.hub.bring(wire.Batch("gate-1", "00" * 8, 1, (wire.encode("x" * 100_000),)))
        begun = time.monotonic()
        line.hub.say_goodbye(wire.State(station="gate-1", online=False, session="s", since=now()), 1.0)
    took = time.monotonic() - begun
    if stopped:
        os.kill(broker.process.pid, signal.SIGCONT)
    assert took < 20


def test_the_log_level_of_debug_tells_nobodys_number(line, centre, caplog):
    with caplog.at_level(logging.DEBUG):
        line.hub.ask(AN, now(), 30.0)
    assert AN.value not in caplog.text


@pytest.mark.parametrize("station", ["a", "a" * 63])
def test_an_asks_properties_are_what_paho_itself_would_read(station):
    reply = f"tq/v1/s/{station}/answer"
    read = Properties(PacketTypes.PUBLISH)
    read.unpack(AskProperties(reply, "0123456789abcdef", 7).pack())
    assert (read.ResponseTopic, read.CorrelationData, read.MessageExpiryInterval) == (reply, b"0123456789abcdef", 7)
