"""Records the day that ``test_hub_recorded_day`` plays: six hours of an invented fleet, seeded, as the hub heard it.

``python tests/hub/recording.py`` writes ``tests/data/fleet-day.jsonl.gz`` anew, byte for byte the same.
"""

from __future__ import annotations

import gzip
import io
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec.structs import replace

from core.health import BoardFigures, Health, Histogram, JournalFigures, LinkFigures
from core.model import Outcome
from hub.simulation.figures import Board
from hub.simulation.pattern import Pattern
from hub.simulation.plan import draw

DAY = Path(__file__).parents[1] / "data" / "fleet-day.jsonl.gz"
DAWN = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)  # five o'clock in Huế
STATIONS, HOURS, SEED = 14, 6, 20260302
SILENT = (3_600, 4_800)
TOGETHER = (9_000, 10_500)
HOT = (12_600, 18_000)
BEHIND = (14_400, 16_200)
DEAF = (19_800, 20_100)


class Heard(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: a second of the day, and what was heard or that the line to the broker fell or stood again."""

    second: int
    said: Health | None = None
    listening: bool | None = None


class Where(msgspec.Struct, frozen=True):
    """The first line: every station with its place and district."""

    stations: dict[str, tuple[str, str]]
    silent: str
    together: tuple[str, ...]
    hot: str
    behind: str


def record() -> Iterator[bytes]:
    """The lines."""
    plan = draw(Pattern(), STATIONS, SEED, strict=False)
    names = [post.name for post in plan.posts]
    districts = {place.code: place.area.district for place in plan.places}
    where = {post.name: (post.place, districts[post.place]) for post in plan.posts}
    places: dict[str, list[str]] = {}
    for name, (place, _) in where.items():
        places.setdefault(place, []).append(name)
    together = tuple(max(places.values(), key=len))
    alone = [name for name in names if name not in together]
    yield msgspec.json.encode(Where(where, alone[0], together, alone[1], alone[2])) + b"\n"
    heard = [*_fleet(plan.posts, together, alone), Heard(DEAF[0], listening=False), Heard(DEAF[1], listening=True)]
    for each in sorted(heard, key=lambda one: one.second):
        yield msgspec.json.encode(each) + b"\n"


def _fleet(posts, together, alone) -> Iterator[Heard]:
    for place, post in enumerate(posts):
        dice = random.Random(f"{SEED}/{post.name}")
        board = Board(post, "0.1.0", 30.0, dice)
        board.restart(0.0, f"{place:016x}")
        for second in range(place * 2 + 1, HOURS * 3_600, 30):
            for _ in range(dice.choice((0, 0, 1, 1, 2, 3))):
                board.count(Outcome.WARN if dice.random() < 0.06 else Outcome.PASS, online=True)
            off = dice.gauss(0.04, 0.02)
            waits = 3 * (second - BEHIND[0]) // 30 if post.name == alone[2] and _within(second, BEHIND) else 0
            journal = JournalFigures(backlog=waits, oldest=float(second - BEHIND[0]) if waits else None)
            at = DAWN + timedelta(seconds=second + off)
            said = board.health(float(second), at, journal, 3, off, ())
            if post.name == alone[1] and _within(second, HOT):
                said = replace(said, board=replace(said.board, temperature=round(dice.uniform(77.5, 82.5), 1)))
            quiet = (post.name == alone[0] and _within(second, SILENT)) or (
                post.name in together and _within(second, TOGETHER)
            )
            if not quiet and not _within(second, DEAF) and dice.random() > 0.002:  # now and then one is lost
                yield Heard(second, _rounded(said))


def _rounded(said: Health) -> Health:
    """Without what the watch does not judge: the file stays small."""
    board = BoardFigures(temperature=said.board.temperature, disk_total=1 << 34, disk_free=1 << 33)
    none = Histogram()
    plain = {"camera": None, "devices": (), "link": LinkFigures(), "boot": "", "decode": none, "signal": none}
    return replace(said, board=board, lookup=none, **plain)


def _within(second: int, span: tuple[int, int]) -> bool:
    return span[0] <= second < span[1]


def write() -> bytes:
    """The whole file."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as file:
        file.writelines(record())
    return out.getvalue()


if __name__ == "__main__":
    DAY.write_bytes(write())
