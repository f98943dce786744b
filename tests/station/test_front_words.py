"""The page's words: everything a station can say has a name in both languages, and so has the page itself."""

import re
from html.parser import HTMLParser
from typing import get_args

import pytest

from core.model import CodeKind, Direction, GateKind, Origin, Outcome, Reason, Source
from core.signals import SIGNALS, Sign
from core.wire import RowType
from station.front.site import FILES
from station.front.words import catalogue

WORDS = catalogue()
NAMED = {
    "outcomes": Outcome,
    "reasons": Reason,
    "signs": Sign,
    "notes": Sign,
    "kinds": CodeKind,
    "sources": Source,
    "origins": Origin,
    "gates": GateKind,
    "directions": Direction,
}


@pytest.mark.parametrize(("part", "members"), NAMED.items(), ids=NAMED.keys())
def test_every_member_has_words_in_both_languages(part: str, members):
    assert WORDS[part].keys() == {one.value for one in members}
    assert all(len(pair) == 2 and all(pair) for pair in WORDS[part].values())


def test_every_type_of_row_and_decision_has_words():
    assert WORDS["rows"].keys() == set(get_args(RowType))
    assert {"admitted", "turned-away"} == WORDS["decisions"].keys()


def test_no_two_things_of_one_sort_share_a_name():
    for part in ("outcomes", "kinds", "sources", "origins", "rows"):
        for language in (0, 1):
            names = [pair[language] for pair in WORDS[part].values()]
            assert len(set(names)) == len(names), part


def test_every_shape_of_a_lamp_has_its_picture_on_the_page():
    page = (FILES / "index.html").read_text("utf-8")
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', page))
    assert {signal.shape.removesuffix("-held") for signal in SIGNALS.values()} <= drawn


class Visible(HTMLParser):
    """Collects buttons, tabs and headings with the languages inside them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, dict]] = []
        self.lacking: list[str] = []
        self.english: list[bool] = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if given.get("lang") == "en":
            self.english = [True] * len(self.english)
        if tag in ("button", "h2", "label", "dt", "th"):
            self.open.append((tag, given))
            self.english.append(False)

    def handle_endtag(self, tag):
        if self.open and self.open[-1][0] == tag:
            name, given = self.open.pop()
            if not self.english.pop():
                self.lacking.append(f"{name} {given}")


def test_every_control_and_heading_says_itself_in_english_too():
    parser = Visible()
    parser.feed((FILES / "index.html").read_text("utf-8"))
    assert parser.lacking == []


def test_the_page_needs_nothing_from_elsewhere():
    for file in FILES.iterdir():
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//cdn|@import|url\(", text), file.name
        assert len(text) < 40_000, file.name


def test_no_text_is_smaller_than_fourteen_pixels():
    style = (FILES / "panel.css").read_text("utf-8")
    sizes = [float(size) for size in re.findall(r"(?:font-size:|font:[^;]*?)\s*(\d+(?:\.\d+)?)px", style)]
    assert min(sizes) >= 14


def test_no_two_things_on_the_page_share_an_id():
    ids = re.findall(r'\bid="([\w-]+)"', (FILES / "index.html").read_text("utf-8"))
    assert sorted(ids) == sorted(set(ids))


def palettes() -> list[dict[str, str]]:
    """The colours of the light page, and of the dark one on top of them."""
    style = (FILES / "panel.css").read_text("utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.S)[:2]
    )
    return [light, light | dark]


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


TONES = ("green", "amber", "red", "blue", "white")
PAIRS = [
    *((ink, ground) for ink in ("ink", "quiet") for ground in ("ground", "paper", "soft")),
    *((tone, ground) for tone in TONES for ground in ("paper", f"{tone}-tint")),
    *(("quiet", f"{tone}-tint") for tone in TONES),
    *(("on-accent", "accent"), ("accent", "paper"), ("paper", "red"), ("on-case", "key"), ("red", "ground")),
]


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_every_text_stands_out_from_its_ground_by_four_and_a_half_to_one(palette):
    for ink, ground in PAIRS:
        high, low = sorted((luminance(palette[ink]), luminance(palette[ground])), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground)
