"""A private mosquitto on a loopback port that lives and ends with the hub.

Its password and access files are generated: a station's user is its name, its password its token, and the patterns
give it its own branch of topics and nothing else.  Nobody is let in without a password.
"""

from __future__ import annotations

import logging
import os
import pwd
import re
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from hub.errors import Unavailable
from hub.journals.messages import RECEIVED_AT_MOST
from hub.stations.fleet import broker_hash

log = logging.getLogger(__name__)

HUB_USER = "hub"
START_SECONDS = 30.0
LOG_AT_MOST = 1 << 20
USERS_AT_MOST = 50_000
_CONNECTED = re.compile(r" as (?P<client>\S+) \(p.*u'(?P<user>[a-z0-9-]+)'")
_OVERSIZED = re.compile(r"Client (?P<client>\S+) disconnected due to oversize packet")
FILES_AT_MOST = 65_536
_ACCESS = f"""user {HUB_USER}
topic readwrite tq/v1/#

pattern write tq/v1/s/%u/state
pattern write tq/v1/s/%u/health
pattern write tq/v1/s/%u/checkins
pattern write tq/v1/s/%u/ask
pattern write tq/v1/s/%u/done
pattern write tq/v1/s/%u/settings
pattern write tq/v1/s/%u/face
pattern write tq/v1/s/%u/snapshot/ask
pattern write tq/v1/s/%u/snapshot/want
pattern read tq/v1/s/%u/held
pattern read tq/v1/s/%u/answer
pattern read tq/v1/s/%u/do
pattern read tq/v1/s/%u/watched
pattern read tq/v1/s/%u/config
pattern read tq/v1/s/%u/snapshot/offer
pattern read tq/v1/s/%u/snapshot/chunk
pattern read tq/v1/policy/#
pattern read tq/v1/keys
pattern read tq/v1/snapshot
"""


class Broker:
    """One mosquitto process; a context manager.  Port 0 takes a free one, which ``port`` says from then on."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.password = secrets.token_urlsafe(24)
        self._folder = folder
        self._own_hash = broker_hash(self.password)
        self._process: subprocess.Popen[bytes] | None = None
        self._admitted: tuple[dict[str, str], dict[str, str]] | None = None
        self._log = folder / "broker.log"
        self._read = 0
        self._users: dict[str, str] = {}

    def __enter__(self) -> Broker:
        """Writes the files and starts the process; ``Unavailable`` when it does not come up."""
        program = _mosquitto()
        with _kept(self.host, self.port) as self.port:
            self._start(program)
            self._wait_until_up()
        return self

    def _start(self, program: str) -> None:
        self._write("mosquitto.conf", self._configuration())
        if self._admitted is None:
            self.admit({}, {})
        _allow_files()
        with self._log.open("ab") as output:
            self._read = output.tell()
            self._process = subprocess.Popen(  # noqa: S603  # the program found on PATH, arguments all ours
                [*_dies_with_parent(), program, "-c", str(self._folder / "mosquitto.conf")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is the hub's to handle: the broker goes last
            )

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def admit(self, hashes: Mapping[str, str], places: Mapping[str, str]) -> None:
        """Lets exactly these stations in, by name and password hash, each to its place; at once while it runs."""
        if (hashes, places) == self._admitted:
            return
        self._admitted = (dict(hashes), dict(places))
        lines = [f"{HUB_USER}:{self._own_hash}", *(f"{name}:{kept}" for name, kept in sorted(hashes.items()))]
        self._write("passwords", "\n".join(lines) + "\n")
        shared = (f"user {name}\ntopic readwrite tq/v1/place/{place}/seen\n" for name, place in sorted(places.items()))
        self._write("access", "\n".join([_ACCESS, *shared]))
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def check(self) -> None:
        """``Unavailable`` when the process has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise Unavailable(
                f"the private broker ended ({self._process.returncode}); see {self._folder / 'broker.log'}"
            )

    def oversized(self) -> list[str]:
        """Users whose line was cut since it was last asked: they sent more than the broker takes in one message.

        Its log is emptied when it has grown to a mebibyte.
        """
        try:
            with self._log.open("r+b") as file:
                file.seek(self._read)
                text = file.read()
                whole = text[: text.rfind(b"\n") + 1]
                self._read += len(whole)
                if self._read > LOG_AT_MOST and len(whole) == len(text):
                    file.truncate(0)
                    self._read = 0
        except OSError:
            return []  # a full disk: nothing to tell
        return list(self._named(whole.decode(errors="replace").splitlines()))

    def _named(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            if known := _CONNECTED.search(line):
                self._users[known["client"]] = known["user"]
            elif (cut := _OVERSIZED.search(line)) and cut["client"] in self._users:
                yield self._users[cut["client"]]
            elif len(self._users) > USERS_AT_MOST:
                self._users.clear()

    def _configuration(self) -> str:
        return "\n".join(
            [
                f"listener {self.port} {self.host}",
                f"user {pwd.getpwuid(os.geteuid()).pw_name}",
                "allow_anonymous false",
                f"password_file {self._folder / 'passwords'}",
                f"acl_file {self._folder / 'access'}",
                "set_tcp_nodelay true",
                "max_inflight_messages 200",
                "max_queued_messages 10000",
                f"max_packet_size {RECEIVED_AT_MOST}",
                "persistence false",
                "log_type error",
                "log_type warning",
                "log_type notice",  # who sent what is larger than it takes stands there and nowhere else
                "log_dest stderr",
                "",
            ]
        )

    def _write(self, name: str, text: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / name
        beside = path.with_name(name + ".new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        beside.replace(path)

    def _wait_until_up(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            self.check()
            try:
                socket.create_connection((self.host, self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise Unavailable(f"the private broker did not come up within {START_SECONDS:g} s; see its broker.log")


def _mosquitto() -> str:
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise Unavailable("mosquitto is not installed; apt install mosquitto, or point --mqtt at a broker")
    return found


def _dies_with_parent() -> list[str]:
    """Where util-linux has it, a hub that is killed takes its broker along."""
    found = shutil.which("setpriv")
    return [found, "--pdeathsig", "TERM"] if found else []


def _allow_files() -> None:
    """Lets the broker, which inherits it, hold a line a station: the usual 1,024 open files are too few for a fleet."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_AT_MOST if hard == resource.RLIM_INFINITY else min(hard, FILES_AT_MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def _kept(host: str, port: int) -> Iterator[int]:
    """The port, a free one for 0, that the system gives to nobody who asks for any while the block lasts.

    Whoever listens on it by number, with ``SO_REUSEADDR`` as servers do, can.
    """
    if port:
        yield port
        return
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind((host, 0))
        yield int(keeper.getsockname()[1])
