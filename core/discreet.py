"""Values that hold something of a person: their ``repr`` leaves it out, so that no log and no traceback can show it."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class Discreet(msgspec.Struct, frozen=True):
    """A frozen value; ``secret`` names the fields that are never shown."""

    secret: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name not in self.secret)
        return f"{type(self).__name__}({', '.join(shown)})"
