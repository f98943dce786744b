"""What a browser sent: trimmed, in NFC, bounded; the shape that handlers read and templates show again."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime

from litestar import Request
from litestar.datastructures import State, UploadFile

from hub import localtime

Visit = Request[object, object, State]

LONGEST_VALUE = 4_000
MOST_DIGITS = 9  # of what a number field may hold: what follows must fit into every database's integers


class Form(Mapping[str, str]):
    """One text a field; ``all`` gives every text of a field that was ticked more than once."""

    def __init__(self, sent: Mapping[str, tuple[str, ...]]) -> None:
        self._sent = dict(sent)

    def __getitem__(self, name: str) -> str:
        return self._sent[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sent)

    def __len__(self) -> int:
        return len(self._sent)

    def __repr__(self) -> str:
        return f"Form({sorted(self._sent)})"  # the fields only: the values are somebody's

    def text(self, name: str) -> str:
        """The field's text, empty when it was not sent."""
        return self.get(name, "")

    def filled(self, values: Mapping[str, str]) -> Form:
        """The same with some fields otherwise."""
        return Form({**self._sent, **{name: (value,) for name, value in values.items()}})

    def moment(self, name: str) -> datetime | None:
        """The field's day or moment on the province's clock; None when it is none, or lies in another age."""
        return localtime.read(self.text(name))

    def number(self, name: str) -> int | None:
        """The field's number, from 0 to nine digits; None when it is none."""
        return number(self.text(name))

    def all(self, name: str) -> tuple[str, ...]:
        """Every text of the field."""
        return self._sent.get(name, ())


def number(typed: str) -> int | None:
    """What a number field says, from 0 to nine digits; None for anything else."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= MOST_DIGITS else None


async def read_form(request: Visit) -> Form:
    """The form in a request's body; what is no text (a file) is left out."""
    sent: dict[str, tuple[str, ...]] = {}
    for name, value in (await request.form()).multi_items():
        if not isinstance(value, UploadFile):
            sent[name] = (*sent.get(name, ()), _clean(str(value)))
    return Form(sent)


def _clean(value: str) -> str:
    kept = "".join(char for char in value[:LONGEST_VALUE] if char.isprintable() or char in "\r\n\t")
    return unicodedata.normalize("NFC", kept).strip()
