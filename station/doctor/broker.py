"""The broker, asked by hand for its answer to one CONNECT: which address, whether it speaks MQTT, whom it lets in.

Written on a bare socket: a client library would hide which of these failed.  MQTT 5, sections 3.1 and 3.2.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from station.config import Settings
from station.doctor.findings import Finding, fail, ok, warn

SECONDS = 5.0
CONNACK = 0x20
REFUSALS = {
    0x84: ("it does not speak MQTT 5", "use a broker that does (mosquitto 1.6 or newer)"),
    0x86: ("it refuses the user name or password", "enrol the station again, or correct [hub] token_file"),
    0x87: ("it does not let this station in", "enrol the station at the hub, and let the broker read its list again"),
    0x88: ("it is not available now", "look at the broker's own log"),
    0x8A: ("it has banned this station", "look at the broker's own log"),
}


class Door(NamedTuple):
    """A broker as one section of the configuration names it."""

    section: str
    address: tuple[str, int]
    username: str
    password: str
    tls: bool
    ca_file: Path | None


_NOT_KNOWN = frozenset((0x86, 0x87))


def hubs(settings: Settings) -> Door:
    """The broker between the station and its hub."""
    own = settings.mqtt
    return Door("mqtt", own.address, settings.mqtt_username, settings.mqtt_password, own.tls, own.ca_file)


def of_place(settings: Settings) -> Door:
    """The broker between the gates of the place."""
    own = settings.place
    return Door("place", own.address, own.username or settings.station.name, own.password, own.tls, own.ca_file)


def find(door: Door) -> Iterator[Finding]:
    """Connect to a configured broker as this station would."""
    (host, port), section = door.address, f"[{door.section}]"
    what = f"broker {host}:{port}" if door.section == "mqtt" else f"the place's broker {host}:{port}"
    try:
        answer = _knock(door)
    except ssl.SSLError as error:
        cure = f"check {section} tls, ca_file and the board's clock"
        yield fail(what, f"no TLS: {error.reason or error}", cure)
    except socket.gaierror:
        yield fail(what, "its name is not known", f"correct {section} host, or check the network's name server")
    except TimeoutError:
        yield fail(what, f"no answer within {SECONDS:g} s", f"check {section} host and port, and firewalls between")
    except OSError as error:
        yield fail(what, error.strerror or str(error), f"check {section} host and port, and that the broker runs")
    else:
        yield from read_answer(what, answer, door.section)


def read_answer(what: str, answer: bytes, section: str = "mqtt") -> Iterator[Finding]:
    """What the first bytes of a broker's answer to CONNECT say."""
    if len(answer) < 4 or answer[0] != CONNACK:
        yield fail(what, "what answers there does not speak MQTT", f"correct [{section}] port (1883, with TLS 8883)")
    elif answer[3] == 0:
        yield ok(what, "lets this station in")
    elif answer[1] == 2:  # two bytes and no properties: an answer of MQTT 3.1.1
        yield warn(what, "speaks MQTT 3.1.1 only", "use a broker that speaks MQTT 5 (mosquitto 1.6 or newer)")
    else:
        says, cure = REFUSALS.get(answer[3], (f"it refuses with reason 0x{answer[3]:02x}", "look at the broker's log"))
        if section == "place" and answer[3] in _NOT_KNOWN:
            cure = "give it this station's [place] password (mosquitto_passwd), and have it read its files again"
        yield fail(what, says, cure)


def connect_packet(username: str, password: str) -> bytes:
    """A CONNECT that leaves nothing behind: clean start, no client id of its own, no will."""
    flags = 0x02 | (0x80 if username else 0) | (0x40 if password else 0)
    body = _text("MQTT") + bytes((5, flags)) + struct.pack(">H", 30) + b"\0" + _text("")
    body += (_text(username) if username else b"") + (_text(password) if password else b"")
    return b"\x10" + _length(len(body)) + body


def _knock(door: Door) -> bytes:
    with socket.create_connection(door.address, timeout=SECONDS) as plain, _dressed(plain, door) as line:
        line.sendall(connect_packet(door.username, door.password))
        answer = b""
        while len(answer) < 4 and (more := line.recv(64)):
            answer += more
        if answer[:1] == bytes((CONNACK,)):
            line.sendall(b"\xe0\x00")  # DISCONNECT, so that the broker logs no lost client
    return answer


def _dressed(plain: socket.socket, door: Door) -> socket.socket:
    if not door.tls:
        return plain
    context = ssl.create_default_context(cafile=door.ca_file)
    return context.wrap_socket(plain, server_hostname=door.address[0])


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw


def _length(number: int) -> bytes:
    digits = bytearray()
    while True:
        number, digit = divmod(number, 128)
        digits.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(digits)
