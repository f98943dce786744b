"""What a trial showed: one line a thing, with the cure when it is not good."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from drivers.errors import DeviceError
from station.errors import StationError

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's: ``what`` was tried, how it is, what is wrong or was seen, and the cure."""

    what: str
    state: State
    says: str
    cure: str = ""


def ok(what: str, says: str) -> Finding:
    """A thing that is as it should be."""
    return Finding(what, "ok", says)


def warn(what: str, says: str, cure: str) -> Finding:
    """A thing that works and could be better."""
    return Finding(what, "warn", says, cure)


def fail(what: str, says: str, cure: str) -> Finding:
    """A thing that does not work."""
    return Finding(what, "fail", says, cure)


def tried(what: str, trial: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a trial finds; one that ends in an error of the world is a finding too, so that the next is still tried."""
    try:
        yield from trial()
    except DeviceError as error:
        yield fail(what, error.problem, error.cure)
    except StationError as error:
        yield fail(what, str(error), "see above")
    except (OSError, ImportError, ValueError, RuntimeError) as error:
        yield fail(what, f"{type(error).__name__}: {error}", "check the wiring, and that its library is installed")
