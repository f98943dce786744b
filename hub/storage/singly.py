"""What a database will not keep: things are written together, and where one of them spoils that, each by itself.

What comes from outside is checked where it is decoded.  This is the second line: a field that nobody thought of costs
the thing that says it, and no loop its life.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import sqlalchemy as sa

UNKEPT = (sa.exc.DataError, sa.exc.IntegrityError, OverflowError, UnicodeEncodeError)
"""How databases say that a value is none they can hold; a lock, a full disk or a lost connection is not among them."""

Thing = TypeVar("Thing")


def keep(
    connection: sa.Connection, things: Sequence[Thing], write: Callable[[Sequence[Thing]], None]
) -> Iterator[tuple[Thing, str]]:
    """Writes things within the caller's transaction; gives those that cannot be kept, with the cause in one word.

    ``write`` is called with all of them, and again with each when that failed: it must not remember what came of it.
    The order of the things is kept.  Nothing is written before the iterator is used up.
    """
    if not things or _is_kept(connection, things, write) is None:
        return
    for thing in things:
        if (cause := _is_kept(connection, [thing], write)) is not None:
            yield thing, cause


def _is_kept(
    connection: sa.Connection, things: Sequence[Thing], write: Callable[[Sequence[Thing]], None]
) -> str | None:
    try:
        with connection.begin_nested():
            write(things)
    except UNKEPT as error:
        return cause(error)
    return None


def cause(error: BaseException) -> str:
    """The kind of an error, without the value that it is about."""
    return type(getattr(error, "orig", None) or error).__name__
