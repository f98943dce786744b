"""The sections of ``config.toml`` without a driver: a frozen struct each, its fields the section's keys.

A description in a type is what a person is told when a value does not fit.
"""

from __future__ import annotations

from datetime import time
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from core.model import Direction, GateKind, Outcome, Symbology

Transport = Literal["http", "mqtt"]
Key = Annotated[bytes, Meta(min_length=32, max_length=32, description="32 bytes as base64 (44 characters)")]
SecretKey = Annotated[Key, Meta(extra={"secret": True})]
Name = Annotated[
    str,
    Meta(
        pattern="^[a-z0-9][a-z0-9-]{0,62}$",
        description="1 to 63 small letters, digits and hyphens that begin with a letter or digit",
    ),
]
Url = Annotated[
    str,
    Meta(
        pattern=r"^(https?://(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(:[0-9]{1,5})?(/[^\s?#]*)?)?$",
        description="an address like https://hub.example.vn, without a name, password or question in it",
    ),
]
Listen = Annotated[
    str,
    Meta(
        pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^\s/:\[\]]+):[0-9]{1,5}$",
        description="an address and a port like 127.0.0.1:8080",
    ),
]
HostName = Annotated[
    str,
    Meta(pattern=r"^[^\s/:@]*$|^[0-9A-Fa-f:.]+$", description="a bare host name or address, the port goes into port"),
]
District = Annotated[
    str,
    Meta(
        pattern=r"^((63|34)/[0-9]{1,5})?$",
        description='edition/code of the administrative map, like "63/474"',
    ),
]
HourMinute = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description='a time of day like "22:00"')]
Secret = Annotated[str, Meta(description="text", extra={"secret": True})]
"""What no fault, log or ``repr`` ever shows."""

Port = Annotated[int, Meta(ge=1, le=65535)]

DATA = Path("/var/lib/tram-quet")
"""Where a packaged station keeps its journal."""


class Station(Struct, frozen=True, kw_only=True):
    """``[station]``: which gate this is and where it keeps its data."""

    name: Name = "station"
    place: str = ""
    place_name: str = ""
    kind: GateKind = GateKind.VENUE
    direction: Direction = Direction.IN
    district: District = ""
    timezone: str = "Asia/Ho_Chi_Minh"
    data: Path = DATA
    languages: Annotated[tuple[Literal["vi", "en"], ...], Meta(min_length=1)] = ("vi", "en")

    def __post_init__(self) -> None:
        """Refuse a time zone that the board's tables do not hold, and a language twice."""
        if len(set(self.languages)) < len(self.languages):
            raise ValueError("languages: one is there twice; name each once")
        try:
            self.zone  # noqa: B018  # looking it up is the check
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f'timezone: "{self.timezone}" is not in the board\'s tables; write one like "Asia/Ho_Chi_Minh"'
            ) from error

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that the display's clock and the quiet hours go by."""
        return ZoneInfo(self.timezone)


class Hub(Struct, frozen=True, kw_only=True):
    """``[hub]``: whom to ask, whom to bring the rows, and the public keys pinned for it."""

    url: Url = ""
    lookups: Transport = "http"
    checkins: Transport = "http"
    token: Secret = ""
    token_file: Path | None = None
    sealing_key: Key = b""
    policy_key: Key = b""
    command_key: Key = b""
    ca_file: Path | None = None
    deadline_ms: Annotated[int, Meta(ge=50, le=10_000)] = 800
    skip_seconds: Annotated[float, Meta(ge=0, le=3600)] = 15.0

    def __post_init__(self) -> None:
        """Refuse a port that no machine has, a token given twice, and keys that nobody filled in."""
        try:
            urlsplit(self.url).port  # noqa: B018  # looking at it is the check
        except ValueError as error:
            raise ValueError(f'url: the port of "{self.url}" is past 65535; correct it') from error
        if self.token and self.token_file is not None:
            raise ValueError("token, token_file: give one of the two, token_file is the safer")
        for key in ("sealing_key", "policy_key", "command_key"):
            if getattr(self, key) == bytes(32):
                raise ValueError(f"{key}: these are the blanks of the example; `hub keys show` at the hub prints it")

    def __repr__(self) -> str:
        """Without the token."""
        return f"Hub(url={self.url!r}, lookups={self.lookups!r}, checkins={self.checkins!r})"

    @property
    def deadline(self) -> float:
        """How long a presentation waits for the hub, in seconds."""
        return self.deadline_ms / 1000


class Mqtt(Struct, frozen=True, kw_only=True):
    """``[mqtt]``: the broker; empty ``username`` is the station's name, no password is the hub's token."""

    host: HostName = ""
    port: Port | None = None
    username: str = ""
    password: Secret = ""
    password_file: Path | None = None
    tls: bool = False
    ca_file: Path | None = None
    keepalive: Annotated[int, Meta(ge=5, le=3600)] = 30

    def __post_init__(self) -> None:
        """Refuse a password given twice, and a CA for a line that is not TLS."""
        if self.password and self.password_file is not None:
            raise ValueError("password, password_file: give one of the two, password_file is the safer")
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file: it is only for TLS; write tls = true as well, or leave ca_file out")

    def __repr__(self) -> str:
        """Without the password."""
        return f"Mqtt(host={self.host!r}, port={self.port!r}, tls={self.tls!r})"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; the usual port of MQTT with or without TLS when none is given."""
        return self.host, self.port or (8883 if self.tls else 1883)


class Place(Struct, frozen=True, kw_only=True):
    """``[place]``: the place's own broker, over which its gates agree without the hub; off without a ``host``.

    ``username`` empty is the station's name; ``capacity`` 0: none.
    """

    host: HostName = ""
    port: Port | None = None
    username: str = ""
    password: Secret = ""
    password_file: Path | None = None
    place_key: SecretKey = b""
    tls: bool = False
    ca_file: Path | None = None
    keepalive: Annotated[int, Meta(ge=5, le=3600)] = 10
    capacity: Annotated[int, Meta(ge=0, le=10_000_000)] = 0

    def __post_init__(self) -> None:
        """Refuse a password given twice, a CA for a line that is not TLS, and a key that nobody filled in."""
        if self.password and self.password_file is not None:
            raise ValueError("password, password_file: give one of the two, password_file is the safer")
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file: it is only for TLS; write tls = true as well, or leave ca_file out")
        if self.place_key == bytes(32):
            raise ValueError("place_key: these are the blanks of the example; `hub station add` at the hub prints it")

    def __repr__(self) -> str:
        """Without password and key."""
        return f"Place(host={self.host!r}, port={self.port!r}, tls={self.tls!r})"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; the usual port of MQTT with or without TLS when none is given."""
        return self.host, self.port or (8883 if self.tls else 1883)


class Reading(Struct, frozen=True, kw_only=True):
    """``[reading]``: which engines look for which codes in the camera's frames."""

    engines: Annotated[tuple[Literal["zxing", "zbar"], ...], Meta(min_length=1)] = ("zxing", "zbar")
    formats: Annotated[tuple[Symbology, ...], Meta(min_length=1)] = (Symbology.QR,)

    def __post_init__(self) -> None:
        """Refuse ``keys``, which no picture holds."""
        if Symbology.KEYS in self.formats:
            raise ValueError('formats: "keys" is what scanners send, no picture holds it; leave it out')


class Framing(Struct, frozen=True, kw_only=True):
    """Keys of every ``[[scanner]]``: how what it sends becomes texts; ``gap_seconds`` None is the usual one."""

    layout: Literal["us", "uk", "fr", "de", "vn"] = "us"
    suffix: bool = True
    gap_seconds: Annotated[float, Meta(ge=0.01, le=10)] | None = None


class Release(Struct, frozen=True, kw_only=True):
    """Keys of ``[relay]``: for how long the door opens, and whether a guard's *admitted* opens it too."""

    seconds: Annotated[float, Meta(gt=0, le=60)] = 3.0
    on_admitted: bool = True


class Quiet(Struct, frozen=True, kw_only=True):
    """``[quiet]``: hours of the station's time zone in which only the ``loud`` outcomes sound."""

    start: HourMinute | None = None
    end: HourMinute | None = None
    loud: tuple[Outcome, ...] = (Outcome.FAULT,)

    def __post_init__(self) -> None:
        """Refuse half an interval and an empty one."""
        if (self.start is None) != (self.end is None):
            raise ValueError("start, end: give both or neither")
        if self.start is not None and self.start == self.end:
            raise ValueError("start, end: they are the same time; give two, or neither for no quiet hours")

    def at(self, local: time) -> bool:
        """Whether a local time of day lies in the quiet hours, which may run over midnight."""
        if self.start is None or self.end is None:
            return False
        start, end = time.fromisoformat(self.start), time.fromisoformat(self.end)
        return start <= local < end if start < end else local >= start or local < end


class Journal(Struct, frozen=True, kw_only=True):
    """``[journal]``: how much of the card the rows may take, in bytes, and how long those the hub holds are kept."""

    max_bytes: Annotated[int, Meta(ge=1 << 18)] = 1 << 30
    min_free: Annotated[int, Meta(ge=0)] = 64 << 20
    keep_days: Annotated[float, Meta(ge=0, le=60)] = 3.0


class Orders(Struct, frozen=True, kw_only=True):
    """``[orders]``: whether the hub may order this station about, and how the board is started again (empty: not)."""

    enabled: bool = True
    reboot_command: tuple[str, ...] = ("systemctl", "--no-ask-password", "reboot")


class Snapshot(Struct, frozen=True, kw_only=True):
    """``[snapshot]``: whether the province's standings are held for days without a network, and where their key is.

    ``key``: ``card`` keeps it beside them, so that they open after a power cut, too; ``boot`` has the hub hand it over
    at every start, so that a stolen card opens nothing.
    """

    enabled: bool = True
    key: Literal["card", "boot"] = "card"
    every_minutes: Annotated[float, Meta(ge=0.05, le=10_080)] = 60.0


class Front(Struct, frozen=True, kw_only=True):
    """``[front]``: the front-panel page; ``demo`` is the folder of a demo's tray of people and network switch."""

    enabled: bool = False
    listen: Listen = "127.0.0.1:8080"
    demo: Path | None = None

    def __post_init__(self) -> None:
        """Refuse a port that no machine has."""
        if self.address[1] > 65535:
            raise ValueError(f'listen: the port of "{self.listen}" is past 65535; correct it')

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


class Metrics(Struct, frozen=True, kw_only=True):
    """``[metrics]``: the page that Prometheus fetches; ``anywhere`` says that others than this board may read it."""

    enabled: bool = False
    listen: Listen = "127.0.0.1:9101"
    anywhere: bool = False

    def __post_init__(self) -> None:
        """Refuse a port that no machine has, and a network that nobody said may read it."""
        if self.address[1] > 65535:
            raise ValueError(f'listen: the port of "{self.listen}" is past 65535; correct it')
        if not self.anywhere and not is_near(self.address[0]):
            raise ValueError(
                f'listen: "{self.listen}" can be read from the network; '
                "listen on 127.0.0.1, or write anywhere = true as well"
            )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


class Log(Struct, frozen=True, kw_only=True):
    """``[log]``: how much goes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Trust(Struct, frozen=True, kw_only=True):
    """``[trust]``: the folder of certificates and keys that signed codes are checked against."""

    folder: Path | None = None


def is_near(host: str) -> bool:
    """Whether a host is this very board, so that nothing said to it crosses a wire."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def host_of(url: str) -> str:
    """The host of an address."""
    return urlsplit(url).hostname or ""
