"""The broker, asked by hand for its answer to one CONNECT: which address, whether it speaks MQTT, whom it lets in.

Written on a bare socket: a client library would hide which of these failed.  MQTT 5, sections 3.1 and 3.2.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator

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


def find(settings: Settings) -> Iterator[Finding]:
    """Connect to the configured broker as this station would."""
    host, port = settings.mqtt.address
    what = f"broker {host}:{port}"
    try:
        answer = _knock(settings)
    except ssl.SSLError as error:
        cure = "check [mqtt] tls, ca_file and the board's clock"
        yield fail(what, f"no TLS: {error.reason or error}", cure)
    except socket.gaierror:
        yield fail(what, "its name is not known", "correct [mqtt] host, or check the network's name server")
    except TimeoutError:
        yield fail(what, f"no answer within {SECONDS:g} s", "check [mqtt] host and port, and firewalls between")
    except OSError as error:
        yield fail(what, error.strerror or str(error), "check [mqtt] host and port, and that the broker runs")
    else:
        yield from read_answer(what, answer)


def read_answer(what: str, answer: bytes) -> Iterator[Finding]:
    """What the first bytes of a broker's answer to CONNECT say."""
    if len(answer) < 4 or answer[0] != CONNACK:
        yield fail(what, "what answers there does not speak MQTT", "correct [mqtt] port (1883, with TLS 8883)")
    elif answer[3] == 0:
        yield ok(what, "lets this station in")
    elif answer[1] == 2:  # two bytes and no properties: an answer of MQTT 3.1.1
        yield warn(what, "speaks MQTT 3.1.1 only", "use a broker that speaks MQTT 5 (mosquitto 1.6 or newer)")
    else:
        says, cure = REFUSALS.get(answer[3], (f"it refuses with reason 0x{answer[3]:02x}", "look at the broker's log"))
        yield fail(what, says, cure)


def connect_packet(username: str, password: str) -> bytes:
    """A CONNECT that leaves nothing behind: clean start, no client id of its own, no will."""
    flags = 0x02 | (0x80 if username else 0) | (0x40 if password else 0)
    body = _text("MQTT") + bytes((5, flags)) + struct.pack(">H", 30) + b"\0" + _text("")
    body += (_text(username) if username else b"") + (_text(password) if password else b"")
    return b"\x10" + _length(len(body)) + body


def _knock(settings: Settings) -> bytes:
    with socket.create_connection(settings.mqtt.address, timeout=SECONDS) as plain, _dressed(plain, settings) as line:
        line.sendall(connect_packet(settings.mqtt_username, settings.mqtt_password))
        answer = b""
        while len(answer) < 4 and (more := line.recv(64)):
            answer += more
        if answer[:1] == bytes((CONNACK,)):
            line.sendall(b"\xe0\x00")  # DISCONNECT, so that the broker logs no lost client
    return answer


def _dressed(plain: socket.socket, settings: Settings) -> socket.socket:
    if not settings.mqtt.tls:
        return plain
    context = ssl.create_default_context(cafile=settings.mqtt.ca_file)
    return context.wrap_socket(plain, server_hostname=settings.mqtt.host)


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
