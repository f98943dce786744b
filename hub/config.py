"""``hub.toml``: every key has a default, an unknown key is an error, and all faults are named at once."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

import msgspec

from hub.errors import ConfigError, MissingFile
from hub.storage.store import sqlite_url

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]


class HttpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the hub listens; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: Port = 8470


class MqttSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The broker the hub is pointed at; no host: no MQTT, unless the hub starts a broker itself."""

    host: str = ""
    port: Port = 1883
    user: str = "hub"
    password_file: str = ""
    client_id: str = ""  # empty: one of its own for each data folder on each machine
    shared: bool = False  # several hubs take turns at what one of them must do


class BrokerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A private mosquitto that lives and ends with the hub; port 0 takes a free one."""

    start: bool = False
    host: str = "127.0.0.1"
    port: Port = 0


class WebSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pages: their public address (posters, links in messages) and each visitor's share of requests."""

    address: str = ""
    requests_per_minute: Annotated[int, msgspec.Meta(ge=1)] = 600
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses and networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed."""

    map_edition: Literal["", "34", "63"] = ""  # whose provinces the forms offer; empty: those of most registered places

    @property
    def is_https(self) -> bool:
        """Whether people reach the pages by HTTPS."""
        return self.address.startswith("https://")


class SmsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one-time codes are sent: by a provider (``http``), printed for trying (``console``), or not at all."""

    gateway: Literal["none", "console", "http"] = "none"
    url: str = ""
    token_file: str = ""
    json: bool = True
    phone_field: str = "to"
    text_field: str = "text"
    sender_field: str = "from"
    sender: str = ""


class KeepingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many days records stay until a version of the keeping rules says otherwise, and where erasures are listed."""

    checkin_days: Annotated[int, msgspec.Meta(ge=14, le=60)] = 21
    declaration_days: Annotated[int, msgspec.Meta(ge=30, le=730)] = 90
    erasures: str = ""  # the file that a restore repeats them from; empty: beside the database


class ProvinceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A province system behind the hub: whose word counts, where it is, how long it is waited for and believed."""

    registry: Literal["own", "province", "both"] = "own"
    url: str = ""
    mapping: str = ""
    token_file: str = ""
    token_header: str = "Authorization"
    token_scheme: str = "Bearer"
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    connect_ms: Annotated[int, msgspec.Meta(ge=10, le=5_000)] = 300
    whole_ms: Annotated[int, msgspec.Meta(ge=50, le=9_000)] = 600
    at_once: Annotated[int, msgspec.Meta(ge=1, le=256)] = 16
    known_seconds: Annotated[int, msgspec.Meta(ge=0, le=3_600)] = 60
    unknown_seconds: Annotated[int, msgspec.Meta(ge=0, le=3_600)] = 10
    held_seconds: Annotated[int, msgspec.Meta(ge=0, le=259_200)] = 86_400
    kept_at_most: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 20_000
    failures: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 5
    open_seconds: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 10

    @property
    def is_asked(self) -> bool:
        """Whether there is such a system at all."""
        return self.registry != "own"


class AlarmSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom alarms are told: a webhook, people by e-mail, both, or nobody (the default); which kinds, and how worded."""

    url: str = ""
    secret_file: str = ""  # what stands in it is sent in the header below, so that the receiver knows us
    secret_header: str = "Authorization"
    smtp_host: str = ""
    smtp_port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 25
    smtp_tls: Literal["none", "starttls", "tls"] = "none"
    smtp_user: str = ""
    smtp_password_file: str = ""
    sender: str = msgspec.field(name="from", default="")
    to: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()  # empty: all
    ended: bool = True  # whether it is told, too, that one is over
    language: Literal["vi", "en"] = "vi"

    @property
    def ways(self) -> tuple[str, ...]:
        """By which ways alarms are told."""
        return tuple(way for way, on in (("webhook", self.url), ("mail", self.smtp_host)) if on)


class MetricsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The page that Prometheus fetches: whether, where, by which bearer token, and whether it names single stations."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: Port = 9470
    token_file: str = ""  # needed for any other host than this machine itself
    stations: bool = True

    @property
    def is_near(self) -> bool:
        """Whether only this machine can read it."""
        return self.host in ("127.0.0.1", "::1", "localhost")


class HomeAssistantSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The broker on which a Home Assistant listens, and how it is told of the stations there; no host: it is not."""

    host: str = ""
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 1883
    user: str = ""
    password_file: str = ""
    prefix: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")] = "homeassistant"
    topic: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,64}$")] = "tram-quet"  # of two hubs each its own
    language: Literal["vi", "en"] = "vi"


class SnapshotSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stations may hold for days without a network: whether, how often, how often as a whole, where it lies."""

    enabled: bool = False
    every_hours: Annotated[float, msgspec.Meta(ge=0.05, le=168)] = 24
    whole_days: Annotated[float, msgspec.Meta(ge=0, le=60)] = 7
    folder: str = ""  # empty: beside the database; hubs that share a database share it


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything ``hub.toml`` may say."""

    data: str = ""
    database: str = ""
    http: HttpSettings = HttpSettings()
    mqtt: MqttSettings = MqttSettings()
    broker: BrokerSettings = BrokerSettings()
    keeping: KeepingSettings = KeepingSettings()
    web: WebSettings = WebSettings()
    sms: SmsSettings = SmsSettings()
    province: ProvinceSettings = ProvinceSettings()
    snapshots: SnapshotSettings = SnapshotSettings()
    alarms: AlarmSettings = AlarmSettings()
    metrics: MetricsSettings = MetricsSettings()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()

    @property
    def folder(self) -> Path:
        """Where the hub keeps its database, keys and broker files."""
        return Path(self.data) if self.data else default_folder()

    @property
    def erasures(self) -> Path:
        """The list of erasures; best on another disk than the database."""
        return Path(self.keeping.erasures) if self.keeping.erasures else self.folder / "erasures.jsonl"

    @property
    def shelf(self) -> Path:
        """Where the snapshots lie that stations fetch."""
        return Path(self.snapshots.folder) if self.snapshots.folder else self.folder / "snapshots"

    @property
    def database_url(self) -> str:
        """The database; without a setting, a file in the data folder."""
        url = self.database.replace("postgresql://", "postgresql+psycopg://", 1)
        return url or sqlite_url(self.folder / "hub.sqlite")


def default_folder() -> Path:
    """systemd's state folder when it gives one, else the user's own data folder."""
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.partition(":")[0])
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "tram-quet-hub"


def load(path: Path) -> Settings:
    """The settings of a file; ``ConfigError`` names every fault, ``MissingFile`` when it cannot be read."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise MissingFile(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    faults: list[str] = []
    top = {key: value for key, value in given.items() if not isinstance(value, dict)}
    settings = _convert(top, Settings, "", faults)
    sections = {
        "http": _convert(given.get("http", {}), HttpSettings, "http.", faults),
        "mqtt": _convert(given.get("mqtt", {}), MqttSettings, "mqtt.", faults),
        "broker": _convert(given.get("broker", {}), BrokerSettings, "broker.", faults),
        "keeping": _convert(given.get("keeping", {}), KeepingSettings, "keeping.", faults),
        "web": _convert(given.get("web", {}), WebSettings, "web.", faults),
        "sms": _convert(given.get("sms", {}), SmsSettings, "sms.", faults),
        "province": _convert(given.get("province", {}), ProvinceSettings, "province.", faults),
        "snapshots": _convert(given.get("snapshots", {}), SnapshotSettings, "snapshots.", faults),
        "metrics": _convert(given.get("metrics", {}), MetricsSettings, "metrics.", faults),
        "alarms": _convert(given.get("alarms", {}), AlarmSettings, "alarms.", faults),
        "home_assistant": _convert(given.get("home_assistant", {}), HomeAssistantSettings, "home_assistant.", faults),
    }
    unknown = [key for key, value in given.items() if isinstance(value, dict) and key not in sections]
    faults += [misspelt(key, list(sections), "") for key in unknown]
    metrics = cast("MetricsSettings", sections["metrics"])
    if metrics.enabled and not metrics.is_near and not metrics.token_file:
        faults.append(f"metrics.token_file: anybody in the network could read {metrics.host}; give it a token")
    faults += _nobody_told(cast("AlarmSettings", sections["alarms"]))
    faults += _no_networks(cast("WebSettings", sections["web"]))
    faults += _without_system(cast("ProvinceSettings", sections["province"]))
    if faults:
        raise ConfigError("\n".join(f"{path}: {fault}" for fault in faults))
    return msgspec.structs.replace(settings, **sections)


def _nobody_told(alarms: AlarmSettings) -> Iterator[str]:
    """What the alarms section lacks or contradicts."""
    if alarms.url and not re.fullmatch(r"https?://[^\s/]+(/[!-~]*)?", alarms.url):
        yield "alarms.url: where alarms are posted to, such as https://ops.example.vn/tram-quet"
    if not re.fullmatch("[A-Za-z0-9-]+", alarms.secret_header):
        yield "alarms.secret_header: the name of a header, such as Authorization"
    if alarms.smtp_host and not (alarms.sender and alarms.to):
        yield "alarms.from, alarms.to: whose name the e-mails carry and who gets them"
    for address in (alarms.sender, *alarms.to):
        if address and not re.fullmatch(r"[^\s@<>,]+@[^\s@<>,]+", address):
            yield f"alarms.from, alarms.to: {address!r} is no e-mail address"
    if alarms.to and not alarms.smtp_host:
        yield "alarms.smtp_host: the mail server by which e-mails go, such as localhost"


def _no_networks(web: WebSettings) -> Iterator[str]:
    for each in web.trusted_proxies:
        try:
            ipaddress.ip_network(each)
        except ValueError:
            yield f"web.trusted_proxies: {each!r} is no address or network, such as 10.0.0.5 or 10.0.0.0/24"


def _without_system(province: ProvinceSettings) -> Iterator[str]:
    """What the province section lacks or contradicts once its system is to be asked."""
    if not province.is_asked:
        return
    if not re.fullmatch(r"https?://([A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?(/[!-~]*)?", province.url):
        yield "province.url: the system's address, such as https://dancu.example.vn (http:// in a closed network only)"
    if "?" in province.url or "#" in province.url:
        yield "province.url: ends before ? and #; what follows belongs into request.path of the mapping"
    if not province.mapping:
        yield "province.mapping: the file that says how it is asked; hub/province/mapping.example.toml is one"
    if province.connect_ms > province.whole_ms:
        yield "province.connect_ms: longer than whole_ms, which holds connecting too"
    if province.key_file and not province.certificate_file:
        yield "province.key_file: belongs to a certificate_file"
    if not re.fullmatch("[A-Za-z0-9-]+", province.token_header):
        yield "province.token_header: the name of a header, such as Authorization"


Section = TypeVar("Section", bound=msgspec.Struct)


def _convert(given: dict[str, Any], kind: type[Section], prefix: str, faults: list[str]) -> Section:
    if not isinstance(given, dict):
        faults.append(f"{prefix.rstrip('.')}: must be a section")
        return kind()
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    good = {}
    for key, value in given.items():
        if key not in fields:
            faults.append(misspelt(key, list(fields), prefix))
            continue
        try:
            good[fields[key].name] = msgspec.convert(value, fields[key].type)
        except msgspec.ValidationError as error:
            faults.append(f"{prefix}{key}: {error}")
    return kind(**good)


def misspelt(key: str, known: list[str], prefix: str) -> str:
    """That a key is unknown, with the one that was probably meant."""
    near = difflib.get_close_matches(key, known, 1)
    return f"{prefix}{key}: unknown key" + (f"; did you mean {prefix}{near[0]}?" if near else "")
