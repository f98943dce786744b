"""A town on the hub that the pages are looked at with: officials of every role, long names, a morning's scans."""

import itertools
import json
from datetime import timedelta

import msgspec
import sqlalchemy as sa
from hub_stand import now

from core import wire
from core.health import BoardFigures, CameraFigures, ClockFigures, Health, Histogram, JournalFigures, Versions
from core.rules import Policy
from core.shown import RunningSettings
from hub.config import Settings
from hub.custody import keeping
from hub.erasure import station_erasing
from hub.erasure.emptying import RowKey
from hub.health import hours
from hub.officials import accounts, audit
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.opening import open_store
from hub.policy import policies
from hub.register import areas, people, registry
from hub.stations import alarms
from hub.stations import fleet as stations
from hub.stations.fleet import add_station
from hub.storage.health_tables import health_points, healths
from hub.storage.tables import people as people_table
from hub.storage.tables import visits

PASSWORD = "ba con vịt trời"
numbers = itertools.count(2)
WARD = {"edition": "63", "province": "46", "district": "474", "commune": "19777"}
CITIZEN = "046190990001"
NAMES = (
    "Công Tằng Tôn Nữ Thị Nguyệt Ánh Dương",
    "Nguyễn Phúc Vĩnh Bảo Trường Giang",
    "Trần Thị Hồng Nhung",
    "Lê Quý Đôn",
    "Huỳnh Ngọc Khánh Quỳnh Hương",
    "Đặng Hữu Ước",
    "Phạm Thị Mỹ Duyên",
    "Hồ Văn Ý",
    "Bùi Xuân Phượng",
    "Đoàn Thị Điểm",
    "Tôn Thất Thuyết",
    "Võ Thị Sáu",
)
SHOP = {
    "code": "sieu-thi",
    "name": "Trung tâm thương mại Trường Tiền, cửa Hùng Vương",
    "kind": "venue",
    "area": {"edition": "63", "province": "46", "district": "474"},
    "address": "11 Hùng Vương",
    "hours": "",
    "capacity": 12,
}
OFFICIALS = (
    Account("bao-ve", "Bảo vệ Trường Tiền", Role.VENUE_GUARD, place="sieu-thi"),
    Account("bao-ve-moi", "Chưa có nơi", Role.VENUE_GUARD),
    Account("chot", "Nguyễn Thị Thanh Hà, Chốt Lăng Cô", Role.CHECKPOINT_OFFICER, place="chot"),
    Account("tram", "Trạm y tế Vỹ Dạ", Role.HEALTH_POST),
    Account("dich-te", "Lê Quang Thông, CDC", Role.EPIDEMIOLOGIST),
    Account("phuong", "Phường Vỹ Dạ", Role.COMMUNE_OFFICER, communes=("63/19777",)),
    Account("thanh-tra", "Thanh tra", Role.AUDITOR),
    Account("ky-thuat", "Kỹ thuật", Role.TECHNICIAN),
    Account("quan-tri", "Quản trị", Role.ADMINISTRATOR),
    Account("man-hinh", "Màn hình phòng trực", Role.SCREEN),
)


def _person(number: int) -> dict[str, object]:
    moment = now()
    entry = {
        "kind": "entry",
        "at": (moment - timedelta(hours=4)).isoformat(),
        "arrival": (moment + timedelta(hours=number)).isoformat(),
        "origin": {"edition": "63", "province": "48", "district": "490", "commune": "20194", "hamlet": "Tổ 12"},
        "destination": {**WARD, "hamlet": ("Tổ 5", "Xóm Vạn Chài, đường Nguyễn Sinh Cung", "")[number % 3]},
        "symptoms": ["fever", "breathless", "nghẹt mũi"] if number == 1 else [],
        "exposures": ["case"] if number == 1 else [],
    }
    known = [{"scheme": "citizen", "value": f"04619099{number + 1:04}"}]
    own = {
        "ref": f"town{number}",
        "name": NAMES[number],
        "born": f"19{60 + 3 * number}",
        "phone": f"03500000{number:02}",
    }
    return {**own, "sex": ("female", "male")[number % 2], "address": WARD, "identities": known, "declarations": [entry]}


def furnish_town(settings: Settings) -> None:
    """Puts the town into a hub's database."""
    store, ring = open_store(settings)
    file = {"places": [SHOP], "people": [_person(number) for number in range(len(NAMES))]}
    registry.import_people(store, ring, people.parse(json.dumps(file).encode(), "town.json"))
    with store.writing() as connection:
        for account in OFFICIALS:
            accounts.add(connection, account, accounts.Password(PASSWORD), now())
        _scan(connection)
        keys = [key.hex() for key in connection.scalars(sa.select(people_table.c.key))]
        told = {"address": "10.0.0.7", "why": "ca bệnh số 12", "detail": {"people": len(keys), "place": "sieu-thi"}}
        audit.append(connection, OFFICIALS[4], "place", now(), shown=keys, **told)
        _logged(connection, keys[0])
        _erased(connection)
        _fleet(connection)
        own = Policy(2, now(), now(), "station/sieu-thi-cua-hung-vuong", note="Đợt kiểm tra cuối tuần")
        policies.publish(connection, ring, own, now(), "dich-te")
    store.close()
    assert areas.find("63", WARD["commune"]) is not None


def _logged(connection: sa.Connection, person: str) -> None:
    """What the auditor's page has of a morning: a check at the gate, and commands given at the hub itself."""
    seen = {"box": "health", "code": "cccd", "found": True, "outcome": "warn", "reasons": ["health-expired", "zone"]}
    at_gate = {"address": "10.0.0.9", "why": "gate: chot", "detail": seen}
    audit.append(connection, OFFICIALS[2], "check", now(), person=person, **at_gate)
    console = f"{audit.HERE} (root)"
    for action, detail in (
        ("station", {"station": "s2", "place": "sieu-thi", "what": "new-token"}),
        ("client", {"client": "hue-s", "what": "added"}),
        ("snapshot", {"station": "s2", "what": "withheld-new-key"}),
        ("account", {"account": "bao-ve-moi", "what": "reset"}),
        ("policy", {"version": 4, "scope": "district/63/474", "withdrawn": "3, 2"}),
        ("restore", {"file": "hub-2026-11-27.tqb", "made": "2026-11-27T18:00+00:00"}),
        ("keys", {"rotated": "sealing", "id": "0f1e2d3c4b5a6978"}),
    ):
        audit.append(connection, "operator", action, now(), address=console, detail=detail)


def _erased(connection: sa.Connection) -> None:
    """What was erased, and what stations still have to erase: one was never heard, one is not registered any more."""
    keeping.record(connection, "retention", "hub", {"rows": 31, "check-ins": 28}, now(), now() - timedelta(days=21))
    keeping.record(connection, "person", "quan-tri", {"rows": 4, "check-ins": 4, "people": 1}, now())
    station_erasing.queue(connection, "00000000000000e1", [RowKey("s1", "00000000000000aa", 7)], now())
    station_erasing.queue(connection, "00000000000000e2", [RowKey("cho-cu", "00000000000000aa", 2)], now())
    station_erasing.queue(connection, "00000000000000e3", [RowKey("s1", "bb", 3)], now() - timedelta(days=61))


def said(number: int) -> Health:
    """What the station in trouble says of itself."""
    return Health(
        station="s1",
        session="town",
        number=number,
        at=now(),
        up=86_400.0,
        journal=JournalFigures(backlog=412, oldest=1_260.0),
        clock=ClockFigures(source="ntp", error=0.02),
        camera=CameraFigures(fps=15.0, sharpness=4.2, brightness=0.4, glare=0.02, dark=0.1, blind="covered"),
        board=BoardFigures(
            temperature=82.0,
            under_voltage=True,
            throttled=False,
            throttled_ever=True,
            memory_total=1 << 30,
            memory_free=600 << 20,
            disk_total=1 << 34,
            disk_free=1 << 29,
            disk_wear=0.3,
        ),
        decode=Histogram((0, 0, 12, 80, 40, 7, 1, *(0,) * 6), 2_000.0),
        lookup=Histogram((0, 1, 30, 60, 9, *(0,) * 8), 1_200.0),
        versions=Versions(software="0.1.0", policy=1),
    )


def speak(site) -> None:
    """Has that station be heard just now: one that has been silent for a while is that, before anything else."""
    line = site.session(site.station["token"])
    assert line.post("/v1/health", data=wire.encode(said(next(numbers)))).status_code == 200


def _fleet(connection: sa.Connection) -> None:
    """A station in trouble with a day behind it, one that was never heard, and alarms of both kinds."""
    add_station(connection, "sieu-thi-cua-hung-vuong", "sieu-thi", None, now())
    health = said(1)
    row = {"station": "s1", "heard": now(), "ahead": 61.5, "via": "mqtt", "message": wire.encode(health)}
    earlier = msgspec.structs.replace(health, decode=Histogram(), lookup=Histogram())
    row["hour"] = hours.marked(b"", None, earlier, now() - timedelta(minutes=61))
    connection.execute(sa.insert(healths).values(row))
    for minute in range(0, 24 * 60, 20):
        figures = {"messages": 2, "backlog": minute // 4, "passes": minute % 7, "warns": 0, "others": 0}
        at = now() - timedelta(minutes=24 * 60 - minute)
        row = {"station": "s1", "span": 60, "at": at, "ahead": minute / 30, "temperature": 50 + minute / 45, **figures}
        connection.execute(sa.insert(health_points).values(row))
        if minute % 60 == 0:
            quarter = row | {"span": 900, "passes": 40 + minute // 20 % 31, "warns": minute // 60 % 5}
            connection.execute(sa.insert(health_points).values(quarter))
    sections = {
        "station": {"name": "s1", "place": "cho", "kind": "venue", "district": ""},
        "hub": {"url": "https://hub.example.vn", "token": "•••", "deadline_ms": 800},
        "camera": {"driver": "v4l2", "device": "/dev/v4l/by-id/usb-Mot_Camera_Rat_Dai_Ten_0001-video-index0"},
    }
    running = RunningSettings(station="s1", session="town", at=now(), version="0.1.0", sections=sections)
    stations.keep_settings(connection, running, now())
    for kind, subject in (("chain-broken", "aa"), ("device", "lamp"), ("silent-group", "place/sieu-thi")):
        station = "" if kind == "silent-group" else "s1"
        facts = {"row": "7", "before": "6"} if kind == "chain-broken" else {"count": "2", "of": "Trường Tiền"}
        alarms.raise_alarm(connection, kind, station, subject, "as the log has it", now(), facts=facts)
    facts = {"one": "sieu-thi", "one_at": now().isoformat(), "other": "cho", "other_at": now().isoformat()}
    alarms.raise_alarm(connection, "shared-code", "s1", "9f", "at two places", now(), facts=facts)


def _scan(connection: sa.Connection) -> None:
    ids = connection.execute(sa.select(people_table.c.id).where(people_table.c.ref.like("town%"))).scalars().all()
    begun = now() - timedelta(hours=3)
    for number, person in enumerate(ids):
        outcome, went_in = [("pass", 1), ("pass", 1), ("warn", 1), ("pass", 1), ("warn", -1), ("warn", 0)][number % 6]
        place = "chot" if number == 3 else "sieu-thi"
        row = {"station": "s1", "epoch": "town", "seq": number + 1, "place": place, "direction": "in", "person": person}
        row |= {"at": begun + timedelta(minutes=15 * number), "outcome": outcome, "went_in": went_in}
        connection.execute(sa.insert(visits).values(identity=None, **row))
    more = {"station": "s1", "epoch": "town", "place": "sieu-thi", "direction": "in", "person": None, "went_in": 1}
    for number in range(6):
        row = {**more, "seq": 100 + number, "at": begun + timedelta(minutes=20 * number), "outcome": "pass"}
        connection.execute(sa.insert(visits).values(identity=bytes([number + 1]) * 16, **row))
