"""Real communes of Thừa Thiên Huế and a few beyond (edition of 63 provinces), and places that stand in them.

Codes and names are the official ones as the ``vietnamadminunits`` data set (MIT) lists them.
"""

from __future__ import annotations

from core.model import Area, GateKind
from hub.register.people import PlaceRecord

EDITION = "63"
HUE = "46"

COMMUNES: tuple[tuple[str, str, str], ...] = (
    ("474", "19777", "Phường Vỹ Dạ"),
    ("474", "19783", "Phường Vĩnh Ninh"),
    ("474", "19786", "Phường Phú Hội"),
    ("474", "19795", "Phường Trường An"),
    ("474", "19801", "Phường An Cựu"),
    ("474", "19813", "Phường Thủy Xuân"),
    ("474", "19900", "Phường Thuận An"),
    ("475", "19750", "Phường Tây Lộc"),
    ("475", "19756", "Phường Gia Hội"),
    ("475", "19768", "Phường Đông Ba"),
    ("475", "19774", "Phường Kim Long"),
    ("475", "20014", "Phường Hương Vinh"),
    ("476", "19819", "Phường Phong Thu"),
    ("476", "19864", "Xã Phong Sơn"),
    ("477", "19867", "Thị trấn Sịa"),
    ("477", "19885", "Xã Quảng Vinh"),
    ("478", "19942", "Thị trấn Phú Đa"),
    ("478", "19945", "Xã Vinh Thanh"),
    ("479", "19960", "Phường Phú Bài"),
    ("479", "19966", "Xã Thủy Thanh"),
    ("480", "19996", "Phường Tứ Hạ"),
    ("480", "20005", "Xã Hương Toàn"),
    ("481", "20044", "Thị trấn A Lưới"),
    ("481", "20053", "Xã Hồng Kim"),
    ("482", "20107", "Thị trấn Phú Lộc"),
    ("482", "20110", "Thị trấn Lăng Cô"),
    ("482", "20161", "Thị trấn Khe Tre"),
)
"""District, commune and name, all in Huế."""

CAU_GIAY = Area(EDITION, "01", "005", "00175")
"""Phường Trung Hòa, Hà Nội: no zone in the invented policy."""

HOA_CUONG_BAC = Area(EDITION, "48", "492", "20257")
"""Phường Hòa Cường Bắc, Đà Nẵng: a zone as a whole."""

TRIEU_THUONG = Area(EDITION, "45", "469", "19672")
"""Xã Triệu Thượng, Quảng Trị: one hamlet of it is a zone, this origin does not say which."""

ZONE_HAMLET = "Thôn Thượng Phước"

MARKET = "cho-dong-ba"
CHECKPOINT = "chot-lang-co"
HEALTH_POST = "tram-y-te-vinh-ninh"
FLAGGED = "quan-com-bo-song"
LIBRARY = "thu-vien-tong-hop"


def home(district: str, commune: str) -> Area:
    """A commune of Huế."""
    return Area(EDITION, HUE, district, commune)


def _place(
    code: str, name: str, kind: GateKind, district: str, commune: str, address: str = "", hours: str = ""
) -> PlaceRecord:
    return PlaceRecord(code=code, name=name, kind=kind, area=home(district, commune), address=address, hours=hours)


PLACES: tuple[PlaceRecord, ...] = (
    _place(MARKET, "Chợ Đông Ba", GateKind.VENUE, "475", "19768", address="Trần Hưng Đạo", hours="05:00-20:00"),
    _place(LIBRARY, "Thư viện Tổng hợp tỉnh", GateKind.VENUE, "474", "19783", address="Lê Lợi", hours="07:30-17:00"),
    _place(FLAGGED, "Quán cơm Bờ Sông", GateKind.VENUE, "474", "19786", hours="06:00-21:00"),
    _place(CHECKPOINT, "Chốt Lăng Cô", GateKind.CHECKPOINT, "482", "20110", address="Quốc lộ 1"),
    _place("chot-phong-thu", "Chốt Phong Thu", GateKind.CHECKPOINT, "476", "19819", address="Quốc lộ 1"),
    _place("san-bay-phu-bai", "Cảng hàng không Phú Bài", GateKind.CHECKPOINT, "479", "19960"),
    _place(HEALTH_POST, "Trạm Y tế phường Vĩnh Ninh", GateKind.HEALTH_POST, "474", "19783", hours="07:00-17:00"),
)
