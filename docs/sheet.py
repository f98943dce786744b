"""Makes ``to-huong-dan.html``, the guards' sheet: ``python docs/sheet.py > docs/to-huong-dan.html``.

Lamps, tunes and displays are taken from the station's own tables, so the sheet shows what the box shows; a test holds
the file against this program.
"""

from __future__ import annotations

import base64
import io
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from zoneinfo import ZoneInfo

from core.codes.names import mask
from core.model import Direction, Outcome, Reason, Verdict
from core.signals import SIGNALS, Blink, Colour, Sign, Signal, Tune
from drivers.drawing import draw
from drivers.page import HEIGHT, WIDTH, AlarmPage, Page
from drivers.shapes import shape
from station.pages import IdleFacts, Shown, Speaker

HERE = Path(__file__).parent
AT = datetime(2026, 3, 2, 1, 5, tzinfo=UTC)
FIRST_AT = datetime(2026, 3, 2, 1, 2, tzinfo=UTC)
NAME = mask("Nguyễn Văn An")
INKS: dict[Colour, str] = {
    "green": "#1a8f3c",
    "amber": "#f0a000",
    "red": "#cf2222",
    "blue": "#2464d8",
    "white": "#ffffff",
}
LAMP_SECONDS = 3.0
STRIP = 'viewBox="0 0 112 16" preserveAspectRatio="xMinYMid" aria-hidden="true"'


@dataclass(frozen=True)
class Line:
    """One sign in a guard's words: how its lamp and buzzer go, what it means, what to do."""

    outcome: Outcome
    lamp: str
    sound: str
    meaning: str
    action: str
    reasons: tuple[Reason, ...] = ()
    direction: Direction = Direction.IN


LINES: dict[Sign, Line] = {
    Sign.PASS_IN: Line(
        Outcome.PASS,
        "Xanh lá, sáng đều",
        "hai tiếng, lên cao",
        "Hợp lệ, đã ghi giờ vào.",
        "Mời vào. Tên trên màn hình phải hợp với người trước mặt.",
    ),
    Sign.PASS_OUT: Line(
        Outcome.PASS,
        "Xanh lá, chớp 2 lần",
        "hai tiếng, xuống thấp",
        "Đã ghi giờ ra.",
        "Mời ra.",
        direction=Direction.OUT,
    ),
    Sign.WARN: Line(
        Outcome.WARN,
        "Vàng, chớp đều",
        "ba tiếng như nhau",
        "Có điều phải xem lại.",
        "Mời dừng lại. Đọc lý do: các trang trên màn hình tự lật. Chưa khai báo thì mời khai trên Hue-S "
        "(hoặc tờ giấy) rồi quét lại. Quyết xong, bấm nút <b>Cho qua</b> hoặc <b>Từ chối</b>, nếu hộp có nút.",
        (Reason.NO_HEALTH,),
    ),
    Sign.UNVERIFIED: Line(
        Outcome.UNVERIFIED,
        "Trắng, chớp thưa",
        "một ngắn, một dài",
        "Đã ghi, nhưng chưa hỏi được máy chủ.",
        "Xem tờ khai trên điện thoại của khách, rồi cho qua hay không theo quy định của nơi này.",
        (Reason.HUB_UNREACHABLE,),
    ),
    Sign.REPEAT: Line(
        Outcome.REPEAT,
        "Xanh dương, nháy 2 lần",
        "một tiếng tích",
        "Mã này vừa qua cửa lúc ghi trên màn hình.",
        "Cùng một người: mời đi. Người khác: không nhận mã mượn, mời người ấy đưa mã của chính mình.",
        (Reason.ALREADY_SCANNED,),
    ),
    Sign.WRONG_CODE: Line(
        Outcome.WRONG_CODE,
        "Đỏ, chớp 3 lần",
        "một tiếng trầm, dài",
        "Không phải mã của người.",
        "Màn hình nói đó là mã gì. Mời mở Hue-S, mục <b>Mã QR của tôi</b>, hoặc đưa thẻ CCCD, thẻ BHYT.",
        (Reason.IS_PAYMENT,),
    ),
    Sign.FAULT: Line(
        Outcome.FAULT,
        "Đỏ, nháy liên hồi",
        "còi hú",
        "Hộp <b>không ghi được</b>. Khách không có lỗi.",
        "Ghi mọi người vào sổ giấy và gọi kỹ thuật ngay.",
        (Reason.JOURNAL_FULL,),
    ),
}


def sheet() -> str:
    """The whole page."""
    speaker = Speaker(("vi", "en"), ZoneInfo("Asia/Ho_Chi_Minh"))
    idle = speaker.idle(IdleFacts("Chợ Đông Ba", AT, linked=False, backlog=12), 0.0)
    return Template((HERE / "to-huong-dan.template.html").read_text("utf-8")).substitute(
        lines="\n".join(_line(SIGNALS[sign], line, speaker) for sign, line in LINES.items()),
        idle=_display(idle, "Màn hình chờ khi mất mạng"),
        held=_shape(SIGNALS[Sign.PASS_IN_HELD].shape) + _shape(SIGNALS[Sign.WARN_HELD].shape),
    )


def _line(signal: Signal, line: Line, speaker: Speaker) -> str:
    first_at = FIRST_AT if line.outcome is Outcome.REPEAT else None
    shown = Shown(Verdict(line.outcome, line.reasons), line.direction, AT, name_masked=NAME, first_at=first_at)
    page = speaker.reel(shown, signal).first
    return f"""<tr>
<td>{_display(page, _words(page))}</td>
<td class="signs">{_lamp(signal.colour, signal.blink)}<p>{escape(line.lamp)}</p>
{_tune(signal.tune)}<p>{escape(line.sound)}</p></td>
<td><h3>{line.meaning}</h3><p>{line.action}</p></td>
</tr>"""


def _words(page: Page) -> str:
    return str(page.word if isinstance(page, AlarmPage) else getattr(page, "headline", ""))


def _display(page: Page, words: str) -> str:
    file = io.BytesIO()
    draw(page).resize((4 * WIDTH, 4 * HEIGHT)).save(file, "png", optimize=True)  # so that no browser drops a dot
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img class="display" alt="{escape(words)}" src="data:image/png;base64,{data}">'


def _shape(name: str) -> str:
    """A shape of the display as dots, black on paper."""
    picture = shape(name, 36)
    dots = "".join(
        f"M{x} {y}h1v1h-1z" for y in range(picture.height) for x in range(picture.width) if picture.getpixel((x, y))
    )
    return f'<svg class="shape" viewBox="0 0 36 36" aria-hidden="true"><path d="{dots}"/></svg>'


def _lamp(colour: Colour, blink: Blink) -> str:
    """The first three seconds of a lamp, from left to right."""
    on, off, times = blink
    spans = [(0.0, LAMP_SECONDS)] if not off else [(n * (on + off), on) for n in range(times or 99)]
    spans = [(start, min(length, LAMP_SECONDS - start)) for start, length in spans if start < LAMP_SECONDS]
    boxes = "".join(
        f'<rect x="{20 + start * 30:.1f}" y="4" width="{length * 30:.1f}" height="8" rx="1"/>'
        for start, length in spans
    )
    return (
        f'<svg class="lamp" {STRIP} style="--ink:{INKS[colour]}">'
        f'<circle cx="8" cy="8" r="7"/><path d="M20 14.5H110"/>{boxes}</svg>'
    )


def _tune(tune: Tune) -> str:
    """A tune as bars: time from left to right, higher is higher."""
    bars, at = [], 0.0
    for hertz, seconds in tune:
        if hertz:
            height = 13 - 9 * min(max((hertz - 500) / 1700, 0), 1)
            bars.append(f'<path d="M{20 + at * 75:.1f} {height:.1f}h{max(seconds * 75 - 1.5, 3):.1f}"/>')
        at += seconds
    note = '<circle cx="6" cy="12.5" r="2.6"/><path class="stem" d="M8 12.5V3l4 2"/>'
    return f'<svg class="tune" {STRIP}>{note}{"".join(bars)}</svg>'


if __name__ == "__main__":
    sys.stdout.write(sheet())
