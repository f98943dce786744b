"""What the page calls things that the display has no words for: Vietnamese first, English second."""

from __future__ import annotations

from collections.abc import Mapping

from core.model import CodeKind, Direction, GateKind, Origin, Outcome, Reason, Source
from core.signals import Sign
from core.wire import RowType
from core.words import word
from core.words.keys import Key, Label, Note

Pair = tuple[str, str]

KINDS: Mapping[CodeKind, Pair] = {
    CodeKind.DECLARATION: ("Tờ khai có chữ ký", "Signed declaration"),
    CodeKind.EU_DCC: ("Hộ chiếu vắc xin", "Vaccine passport"),
    CodeKind.PAYMENT: ("Mã thanh toán", "Payment code"),
    CodeKind.URL: ("Địa chỉ trang web", "Web link"),
    CodeKind.WIFI: ("Mã Wi-Fi", "Wi-Fi code"),
    CodeKind.VCARD: ("Thẻ danh bạ", "Contact card"),
    CodeKind.PLACE: ("Mã địa điểm", "Place code"),
    CodeKind.NATIONAL: ("QR cá nhân quốc gia", "National personal QR"),
    CodeKind.CCCD: ("Căn cước gắn chip", "Chip ID card"),
    CodeKind.BHYT: ("Thẻ bảo hiểm y tế", "Insurance card"),
    CodeKind.CITIZEN_NUMBER: ("Số căn cước", "Citizen number"),
    CodeKind.CMND: ("Số CMND", "Old ID number"),
    CodeKind.PASSPORT: ("Số hộ chiếu", "Passport number"),
    CodeKind.OPAQUE: ("Mã QR của tôi", "My QR"),
    CodeKind.UNREADABLE: ("Không đọc được", "Unreadable"),
}

SOURCES: Mapping[Source, Pair] = {
    Source.CAMERA: ("Máy ảnh", "Camera"),
    Source.HID: ("Máy quét USB", "USB scanner"),
    Source.SERIAL: ("Máy quét nối tiếp", "Serial scanner"),
    Source.STDIN: ("Đầu vào chuẩn", "Standard input"),
    Source.PANEL: ("Gõ số", "Typed number"),
}

ORIGINS: Mapping[Origin, Pair] = {
    Origin.HUB: ("hỏi máy chủ", "asked the hub"),
    Origin.SNAPSHOT: ("bản lưu của tỉnh", "province's snapshot"),
    Origin.MEMORY: ("máy còn nhớ", "remembered"),
    Origin.CODE: ("ghi trong mã", "said by the code"),
    Origin.NONE: ("không hỏi được ai", "nobody to ask"),
}

ROWS: Mapping[RowType, Pair] = {
    "checkin": ("Quét mã", "Check-in"),
    "decision": ("Quyết định", "Decision"),
    "amendment": ("Bổ sung", "Amendment"),
    "opening": ("Mở cửa", "Door opened"),
}

DECISIONS: Mapping[str, Pair] = {
    "admitted": ("Đã cho vào", "Admitted"),
    "turned-away": ("Đã từ chối", "Turned away"),
}

CAUSES: Mapping[str, Pair] = {
    "pass": ("vì hợp lệ", "after a pass"),
    "admitted": ("bảo vệ cho vào", "after admitting"),
    "emergency": ("báo động", "emergency"),
    "command": ("lệnh từ máy chủ", "by command"),
    "clock": ("đã biết đúng giờ", "the time is known now"),
}

GATES: Mapping[GateKind, Pair] = {
    GateKind.VENUE: ("Địa điểm", "Venue"),
    GateKind.CHECKPOINT: ("Chốt kiểm soát", "Checkpoint"),
    GateKind.HEALTH_POST: ("Chốt y tế", "Health post"),
}

DIRECTIONS: Mapping[Direction, Pair] = {
    Direction.IN: ("vào", "in"),
    Direction.OUT: ("ra", "out"),
    Direction.TOGGLE: ("vào và ra", "in and out"),
}

GROUPS: Mapping[Label, Pair] = {
    Label.DESTINATION: ("Quét điểm đến", "Destination scan"),
    Label.HEALTH: ("Khai báo y tế", "Health declaration"),
    Label.ENTRY: ("Khai báo về Huế", "Entry declaration"),
}


def pair(key: Key) -> Pair:
    """A word of the gate's own catalogues in both languages."""
    return word(key, "vi"), word(key, "en")


def catalogue() -> dict[str, dict[str, Pair] | list[Pair]]:
    """Every word the page needs for what the station tells it, by the names that rows and events use."""
    return {
        "outcomes": {one.value: pair(one) for one in Outcome},
        "reasons": {one.value: pair(one) for one in Reason},
        "signs": {one.value: pair(one) for one in Sign},
        "notes": {one.value: pair(Note(one)) for one in Sign},
        "kinds": {key.value: both for key, both in KINDS.items()},
        "sources": {key.value: both for key, both in SOURCES.items()},
        "origins": {key.value: both for key, both in ORIGINS.items()},
        "rows": {str(key): both for key, both in ROWS.items()},
        "decisions": dict(DECISIONS),
        "causes": dict(CAUSES),
        "gates": {key.value: both for key, both in GATES.items()},
        "directions": {key.value: both for key, both in DIRECTIONS.items()},
        "groups": list(GROUPS.values()),
        "letters": [pair(label) for label in GROUPS],
    }
