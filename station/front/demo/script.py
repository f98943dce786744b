"""The script of the crowd: steps with what each must end in, as somebody wrote them down."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from core.model import GateKind, Outcome, Reason
from station.errors import StationError

SCRIPT: Final = Path(__file__).with_name("script.toml")
"""The script that the demo plays unless it is given another."""

Way = Literal["camera", "serial", "keys", "typed"]


class ScriptError(StationError):
    """A script cannot be read; the words name the file and the fault."""

    exit_code = 66


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one presentation must end in."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the script: somebody shows a card (``show``), or strangers fill the journal (``fill``)."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    show: str = ""
    by: Way = "camera"
    network: Literal["cut", "whole"] | None = None
    press: Literal["admitted", "turned-away"] | None = None
    fill: Literal["serial"] | None = None
    each: Wanted | None = None
    at_most: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1000

    @property
    def wanted(self) -> Wanted:
        """What the step, or the last of its presentations, must end in."""
        return Wanted(self.outcome, self.reasons)


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole script, and the kind of gate that it was written for."""

    gate: GateKind
    step: tuple[Step, ...]


def read_script(path: Path) -> Script:
    """The script in a file; ``ScriptError`` names what is wrong with it."""
    try:
        script = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Script)
    except OSError as error:
        raise ScriptError(f"{path}: {error.strerror or error}; name a script that is there") from error
    except (ValueError, msgspec.ValidationError) as error:
        raise ScriptError(f"{path}: {error}; see {SCRIPT} for one that works") from error
    for number, step in enumerate(script.step, 1):
        if bool(step.show) == bool(step.fill) or (step.fill and step.each is None):
            raise ScriptError(f"{path}: step {number}: give either show, or fill with each")
    return script
