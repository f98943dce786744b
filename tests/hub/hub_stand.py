"""What the hub's tests stand on: a real hub process, a real broker, a journal that writes real rows."""

import base64
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import requests
from lines_end import end
from paho.mqtt.enums import CallbackAPIVersion
from ports import free_port, listens

from core import keys, rows, wire
from core.model import Direction, GateKind, Outcome, Scheme
from hub import config
from hub.config import Settings
from hub.officials import accounts
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.opening import open_store
from hub.policy import policies
from hub.register import people, registry
from hub.stations.fleet import add_station
from hub.storage import store as stores
from hub.storage.keyring import Keyring

stores.BUSY_SECONDS = 120  # a test's threads wait for each other however slow the disk is: that is no fault of theirs

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
EPOCH = "00000000000000aa"
OTHER_EPOCH = "00000000000000bb"
CITIZEN = "046193990001"
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")


def _place(code: str, name: str, kind: str, district: str) -> dict[str, object]:
    return {"code": code, "name": name, "kind": kind, "area": {"edition": "63", "province": "46", "district": district}}


PEOPLE = {
    "places": [_place("cho", "Chợ Đông Ba", "venue", "475"), _place("chot", "Chốt Lăng Cô", "checkpoint", "482")],
    "people": [
        {
            "ref": "p1",
            "name": "Nguyễn Thị Ánh",
            "identities": [{"scheme": "citizen", "value": CITIZEN}, {"scheme": "token", "value": "MYQR-ANH-0001"}],
            "declarations": [{"kind": "health", "at": YESTERDAY, "symptoms": ["fever"]}],
        }
    ],
    "policies": [
        {"version": 1, "issued": "2026-01-01T00:00:00Z", "effective": "2026-01-01T00:00:00Z"},
    ],
}


def now() -> datetime:
    return datetime.now(UTC)


def until(holds: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    """Waits until something holds, at most so long."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.01)


@dataclass
class Journal:
    """A station's journal as its rows leave it: numbered, chained, sealed."""

    sealing_key: bytes
    station: str = "s1"
    epoch: str = EPOCH
    seq: int = 0
    head: str = ""
    sealed_to: str = ""
    raws: list[bytes] = field(default_factory=list)

    def write(self, who: str = CITIZEN, *, at: datetime | None = None, **said: object) -> bytes:
        """One more row, of somebody with this citizen number."""
        return self.write_who(wire.Who(Scheme.CITIZEN, who), at=at, **said)

    def write_who(self, who: wire.Who, *, at: datetime | None = None, **said: object) -> bytes:
        """One more row."""
        self.seq += 1
        head = self.head or rows.genesis(self.station, self.epoch)
        fields = {
            "type": "checkin",
            "outcome": Outcome.PASS,
            "place": "cho",
            "direction": Direction.IN,
            "sealed": self.seal(wire.encode(who), self.seq),
            "clock": wire.RowClock("ntp", "boot", float(self.seq)),
            "sealed_to": self.sealed_to,
            **said,
        }
        row = wire.Row(
            station=self.station,
            epoch=self.epoch,
            seq=self.seq,
            at=at or now() - timedelta(seconds=1),
            previous=head,
            gate=GateKind.VENUE,
            **fields,
        )
        return self.keep(wire.encode(row))

    def seal(self, plain: bytes, seq: int = 1) -> str:
        """What a row under this number seals to the hub."""
        return base64.b64encode(
            keys.seal(self.sealing_key, plain, rows.context(self.station, self.epoch, seq))
        ).decode()

    def keep(self, raw: bytes) -> bytes:
        """Appends bytes as they are."""
        self.seq = max(self.seq, len(self.raws) + 1)
        self.head = rows.digest(raw)
        self.raws.append(raw)
        return raw

    def batch(self, first: int = 1, last: int | None = None) -> wire.Batch:
        """Rows ``first`` to ``last`` as one message."""
        chosen = self.raws[first - 1 : last]
        return wire.Batch(self.station, self.epoch, first, tuple(msgspec.Raw(raw) for raw in chosen))


class HubProcess:
    """A real ``hub serve`` in its own process; ends with the test."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.data = data
        self._arguments = arguments
        self.ready: dict[str, object] = {}
        self.log = data / "test.log"

    def start(self) -> "HubProcess":
        path = self.data / "ready.json"
        path.unlink(missing_ok=True)
        lines = len(self.lines("broker connected")) if self.log.exists() else 0
        words = [sys.executable, "-m", "hub", "serve", "--data", self.data, "--port", "0", "--ready", path]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*words, *self._arguments], cwd=ROOT, stderr=log)
        try:
            until(lambda: path.exists() or self.process.poll() is not None, "hub ready", 2 * SECONDS)
            assert path.exists(), self.log.read_text()
            self.ready = json.loads(path.read_bytes())
            if self.ready["mqtt"]:  # a hub is ready also while its broker is slow to let it in
                until(lambda: len(self.lines("broker connected")) > lines, "hub at its broker")
        except AssertionError:
            self.kill()  # or a later test is blamed for it
            raise
        return self

    @property
    def settings(self) -> Settings:
        """What it goes by: its settings file's, with its data folder on top."""
        named = "--config" in self._arguments
        told = config.load(Path(self._arguments[self._arguments.index("--config") + 1])) if named else Settings()
        return msgspec.structs.replace(told, data=str(self.data))

    def command(self, *words: object, code: int = 0) -> str:
        """Runs one hub command on the same database; its standard output."""
        at = self._arguments.index("--config") if "--config" in self._arguments else len(self._arguments)
        return command(self.data, *words, *self._arguments[at : at + 2], code=code)

    def stop(self) -> int:
        """Asks it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)

    def kill(self) -> None:
        """The plug is pulled."""
        self.process.kill()
        self.process.wait(SECONDS)

    def lines(self, event: str) -> list[dict[str, object]]:
        """What it logged under this name."""
        whole = self.log.read_text().rpartition("\n")[0]
        logged = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
        return [line for line in logged if line["event"] == event]

    def session(self, token: str) -> "Http":
        return Http(f"http://{self.ready['http']}", token)

    @property
    def mqtt(self) -> tuple[str, int]:
        host, port = str(self.ready["mqtt"]).split(":")
        return host, int(port)


class Http(requests.Session):
    """A station's HTTP line."""

    def __init__(self, base: str, token: str) -> None:
        super().__init__()
        self.trust_env = False
        self.base = base
        self.headers["Authorization"] = f"Bearer {token}"

    def request(self, method, url, *args, **kwargs):
        return super().request(method, self.base + url, *args, timeout=SECONDS, **kwargs)

    def bring(self, batch: wire.Batch) -> wire.HeldMark:
        answer = self.post("/v1/checkins", data=wire.encode(batch))
        assert answer.status_code == 200, answer.text
        return msgspec.json.decode(answer.content, type=wire.HeldMark)


def appoint(data: Path, name: str, settings: Settings | None = None) -> str:
    """Opens an account that can answer for commands; its name."""
    store, _ = open_store(settings or Settings(data=str(data)))
    with store.writing() as connection:
        accounts.add(connection, Account(name, name, Role.ADMINISTRATOR), accounts.Password("ba con vịt trời"), now())
    store.close()
    return name


def command(data: Path, *arguments: object, code: int = 0) -> str:
    """Runs one hub command; its standard output."""
    words = [sys.executable, "-m", "hub", *map(str, arguments), "--data", str(data)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


def on(data: Path, database: str) -> tuple[str, ...]:
    """What a hub with this data folder is started with to use this database; without one it has its own file."""
    if not database:
        return ()
    data.mkdir(exist_ok=True)
    settings = data / "hub.toml"
    settings.write_text(f"database = {json.dumps(database)}\n")
    return "--config", str(settings)


def furnish(data: Path, *stations: str, database: str = "") -> dict[str, dict[str, str]]:
    """A hub's data folder with people and stations; each station's token and the hub's public keys."""
    store, ring = open_store(Settings(data=str(data), database=database))
    file = people.parse(json.dumps(PEOPLE).encode(), "people.json")
    registry.import_people(store, ring, file)
    pinned = {"policy_key": keys.encode_key(ring.policy_public), "sealing_key": keys.encode_key(ring.sealing_public)}
    with store.writing() as connection:
        for policy in file.policies:
            policies.publish(connection, ring, policy, now())
        tokens = {name: add_station(connection, name, "cho", None, now()) for name in stations}
    store.close()
    return {name: {"token": token, **pinned} for name, token in tokens.items()}


class Line:
    """A station's MQTT line, as plain as can be."""

    def __init__(self, address: tuple[str, int], name: str, password: str, client_id: str = "") -> None:
        self.name = name
        self.messages: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
        self.refused = ""
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id or f"test-{name}", protocol=mqtt.MQTTv5
        )
        self.client.username_pw_set(name, password)
        self.client.on_message = lambda _c, _d, message: self.messages.put(message)
        self.client.on_socket_open = lambda _c, _d, sock: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client.on_connect = self._connected
        self.client.on_subscribe = lambda *_: setattr(self, "subscribed", True)
        self.subscribed = False
        private, public = keys.new_sealing_key()
        self.private, self.public = private, keys.encode_key(public)
        self.client.connect(*address)
        self.client.loop_start()

    def _connected(self, _client, _data, _flags, reason, _properties) -> None:
        self.refused = str(reason) if reason.is_failure else ""

    def __enter__(self) -> "Line":
        until(lambda: self.client.is_connected() or self.refused, "broker connected")
        return self

    def __exit__(self, *_: object) -> None:
        end(self.client)

    def subscribe(self, topic: str) -> None:
        self.subscribed = False
        self.client.subscribe(topic, 1)
        until(lambda: self.subscribed, "subscribed")

    def publish(self, leaf: str, payload: bytes, qos: int = 1) -> None:
        self.client.publish(f"tq/v1/s/{self.name}/{leaf}", payload, qos).wait_for_publish(SECONDS)

    def next(self, leaf: str, seconds: float = SECONDS) -> bytes:
        """The next payload on a topic that ends so; others are thrown away."""
        end = time.monotonic() + seconds
        while True:
            message = self.messages.get(timeout=max(0.01, end - time.monotonic()))
            if message.topic.endswith(leaf):
                return bytes(message.payload)

    def own(self, leaf: str) -> "Line":
        """Listens to a topic of the station's own."""
        self.subscribe(f"tq/v1/s/{self.name}/{leaf}")
        return self

    def held(self, through: int) -> wire.HeldMark:
        """The first mark that goes so far."""
        while True:
            mark = msgspec.json.decode(self.next("/held"), type=wire.HeldMark)
            if mark.through >= through:
                return mark

    def ask(self, sealing_key: str, ask_id: str, who: str = CITIZEN, **changed: object) -> None:
        """Publishes a sealed look-up."""
        channel = keys.AskingChannel.station(self.private, keys.decode_key(sealing_key))
        plain = wire.encode(wire.Ask(wire.Who(Scheme.CITIZEN, who), GateKind.VENUE, now()))
        sealed = wire.SealedAsk(
            id=ask_id,
            key=self.public,
            box=base64.b64encode(channel.seal_ask(plain, ask_id)).decode(),
            reply=f"tq/v1/s/{self.name}/answer",
            not_after=now() + timedelta(seconds=SECONDS),
        )
        self.publish("ask", wire.encode(msgspec.structs.replace(sealed, **changed)), qos=0)

    def ask_many(self, sealing_key: str, ask_id: str, who: list[str], **changed: object) -> None:
        """Publishes sealed look-ups of many citizen numbers at once."""
        channel = keys.AskingChannel.station(self.private, keys.decode_key(sealing_key))
        asks = wire.Asks(tuple(wire.Who(Scheme.CITIZEN, each) for each in who), GateKind.VENUE, now())
        box = base64.b64encode(channel.seal_ask(wire.encode(asks), ask_id)).decode()
        self.ask(sealing_key, ask_id, **{"box": box, "many": True, **changed})

    def sealed_answer(self, ask_id: str) -> wire.SealedAnswer:
        """The answer to an ask, as it came."""
        while (sealed := msgspec.json.decode(self.next("/answer"), type=wire.SealedAnswer)).id != ask_id:
            pass
        return sealed

    def answer(self, sealing_key: str, ask_id: str) -> wire.Answer:
        """Opens the answer to an ask."""
        return self._opened(sealing_key, ask_id, wire.Answer)

    def answers(self, sealing_key: str, ask_id: str) -> wire.Answers:
        """Opens the answer to many at once."""
        return self._opened(sealing_key, ask_id, wire.Answers)

    def _opened(self, sealing_key: str, ask_id: str, kind):
        channel = keys.AskingChannel.station(self.private, keys.decode_key(sealing_key))
        sealed = self.sealed_answer(ask_id)
        assert not sealed.error
        return msgspec.json.decode(channel.open_answer(base64.b64decode(sealed.box), ask_id), type=kind)


class OpenBroker:
    """A mosquitto of the test's own that lets everybody in, and outlives any hub."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._conf = folder / "open.conf"
        self._conf.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n")

    def start(self) -> "OpenBroker":
        program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
        assert program
        self.process = subprocess.Popen([program, "-c", self._conf], stderr=subprocess.DEVNULL)
        until(lambda: listens(self.port), "broker up")
        return self

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def journal_of(ring: Keyring, **named: str) -> Journal:
    """A journal sealed to this hub."""
    return Journal(ring.sealing_public, **named)
