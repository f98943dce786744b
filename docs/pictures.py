"""Draw ``docs/display.png``: every page of the display, as it is on the panel, twice as large, with what it means.

Run from the checkout: ``python docs/pictures.py``.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from core.codes import names  # noqa: E402  # the checkout need not be installed
from core.model import (  # noqa: E402
    DestinationGroup,
    Direction,
    HealthGroup,
    Held,
    Lookup,
    Origin,
    Outcome,
    Reason,
    Standing,
    Verdict,
)
from core.signals import Sign, signal  # noqa: E402
from core.words.keys import Label  # noqa: E402
from drivers.drawing import draw, font  # noqa: E402
from drivers.page import HEIGHT, WIDTH, Page  # noqa: E402
from station.pages import IdleFacts, Reel, Shown, Speaker  # noqa: E402

SCALE, COLUMNS, GAP, CAPTION = 2, 4, 14, 24
PAPER, INK, GLASS, LIT = (246, 244, 238), (60, 58, 54), (12, 16, 24), (196, 232, 255)

AT = datetime(2021, 11, 23, 7, 5, tzinfo=UTC)
NAME = names.mask("Nguyễn Văn Ánh")
STANDING = Standing("", AT, NAME, DestinationGroup(AT - timedelta(hours=30), ""), HealthGroup(AT - timedelta(days=8)))
LOOKUP = Lookup(STANDING, Held(Origin.HUB, AT), Held(Origin.MEMORY, AT), Held(Origin.HUB, AT), found=True)
SPEAKER = Speaker(("vi", "en"), ZoneInfo("Asia/Ho_Chi_Minh"))


def pages() -> list[tuple[Page, str]]:
    """Every page with its caption."""
    warn = _reel(Outcome.WARN, Reason.HEALTH_EXPIRED, Reason.DATE_IN_FUTURE, Reason.CLOCK_UNSURE)
    fault = _reel(Outcome.FAULT, Reason.JOURNAL_FULL)
    here = IdleFacts("Chợ Đông Ba", AT, linked=True)
    half = IdleFacts("Chợ Đông Ba", AT, linked=True, backlog=12, lost=(Label.CAMERA_LOST,))
    away = IdleFacts("Trạm Y tế Phú Hội", AT, linked=False, backlog=128, twin="phu-hoi-1")
    return [
        (_reel(Outcome.PASS).first, "pass, in"),
        (_reel(Outcome.PASS, leaving=True).first, "pass, out"),
        (_reel(Outcome.PASS, Reason.HELD_ANSWER).first, "pass, held answer"),
        (_reel(Outcome.PASS, Reason.HELD_ANSWER, leaving=True).first, "pass, out, held answer"),
        (warn.first, "warn: first of three reasons"),
        (_reel(Outcome.WARN, Reason.NO_HEALTH, Reason.HELD_ANSWER).first, "warn, held answer"),
        (_reel(Outcome.UNVERIFIED, Reason.HUB_UNREACHABLE).first, "recorded, not verified"),
        (_reel(Outcome.REPEAT, Reason.ALREADY_SCANNED).first, "repeat: the first time"),
        (_reel(Outcome.WRONG_CODE, Reason.IS_PAYMENT).first, "wrong code: which kind"),
        (fault.first, "station fault"),
        (fault.rest[0], "fault: why"),
        (fault.rest[1], "fault: what to do"),
        (warn.rest[0], "from 2 s: the three groups"),
        (_held().rest[0], "the groups of a held answer"),
        (warn.rest[1], "then each reason"),
        (SPEAKER.decision(Sign.ADMITTED).first, "guard: admitted"),
        (SPEAKER.decision(Sign.TURNED_AWAY).first, "guard: turned away"),
        (SPEAKER.idle(here, 0), "idle"),
        (SPEAKER.idle(away, 0), "idle, no link, 128 waiting"),
        (SPEAKER.idle(here, 8), "idle: invitation"),
        (SPEAKER.idle(half, 0), "idle, one way to read is gone"),
        (SPEAKER.idle(half, 8), "which one"),
        (SPEAKER.idle(away, 8), "two stations, one name"),
    ]


def _reel(outcome: Outcome, *reasons: Reason, leaving: bool = False) -> Reel:
    direction = Direction.OUT if leaving else Direction.IN
    first_at = AT - timedelta(minutes=4) if outcome is Outcome.REPEAT else None
    facts = Shown(Verdict(outcome, reasons), direction, AT, LOOKUP, NAME, first_at)
    return SPEAKER.reel(facts, signal(outcome, reasons, direction, held=False))


def _held() -> Reel:
    old = Held(Origin.SNAPSHOT, AT - timedelta(days=3))
    verdict = Verdict(Outcome.PASS, (Reason.HELD_ANSWER,))
    facts = Shown(verdict, Direction.IN, AT, Lookup(STANDING, old, old, old, found=True), NAME)
    return SPEAKER.reel(facts, signal(verdict.outcome, verdict.reasons, Direction.IN, held=False))


def sheet() -> Image.Image:
    """All pages on one picture."""
    shown = pages()
    wide, high = WIDTH * SCALE + GAP, HEIGHT * SCALE + CAPTION + GAP
    rows = -(-len(shown) // COLUMNS)
    paper = Image.new("RGB", (COLUMNS * wide + GAP, rows * high + GAP), PAPER)
    pen = ImageDraw.Draw(paper)
    pen.fontmode = "1"
    for number, (page, caption) in enumerate(shown):
        left, top = GAP + number % COLUMNS * wide, GAP + number // COLUMNS * high
        size = (WIDTH * SCALE, HEIGHT * SCALE)
        pen.rounded_rectangle((left - 4, top - 4, left + size[0] + 3, top + size[1] + 3), 5, fill=GLASS)
        paper.paste(LIT, (left, top), draw(page).resize(size, Image.Resampling.NEAREST))
        pen.text((left, top + size[1] + 5), caption, font=font("9x15"), fill=INK)
    return paper.quantize(8, dither=Image.Dither.NONE)


if __name__ == "__main__":
    sheet().save(HERE / "display.png", optimize=True)
