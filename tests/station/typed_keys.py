"""Types text on a keyboard layout: the events a scanner of that country setting would send."""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import normalize

from station.reading.layouts import DEAD, SPACE, Layout, Stroke

SHIFT, ALTGR, CAPS_LOCK, ENTER, TAB, KEYPAD_ENTER = 42, 100, 58, 28, 15, 96


@dataclass(frozen=True)
class Key:
    code: int
    value: int
    at: float = 0.0


def tap(code, at=0.0):
    return [Key(code, 1, at), Key(code, 0, at)]


def strokes_of(layout: Layout) -> dict[str, tuple[Stroke, ...]]:
    """Every character that the layout can type, with the strokes that type it (dead keys included)."""
    plain = {sign: (stroke,) for stroke, sign in layout.characters.items() if stroke not in layout.dead}
    marked = {}
    for stroke in layout.dead:
        mark = layout.characters[stroke]
        for letter, keys in plain.items():
            whole = normalize("NFC", letter + DEAD[mark])
            if letter.isalpha() and len(whole) == 1:
                marked[whole] = (stroke, *keys)
        marked[mark] = (stroke, (SPACE, False, False))
    return marked | plain


def type_text(layout: Layout, text: str, *, caps: bool = False, at: float = 0.0) -> list[Key]:
    strokes = strokes_of(layout)
    keys = []
    for sign in text:
        for code, shift, altgr in strokes[sign]:
            held = [SHIFT] * (shift ^ (caps and not altgr and code in layout.locked)) + [ALTGR] * altgr
            keys += [Key(down, 1, at) for down in held]
            keys += tap(code, at)
            keys += [Key(up, 0, at) for up in reversed(held)]
    return keys
