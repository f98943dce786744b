"""``station demo --once``: the scripted crowd at the gate, each outcome told as it comes, all judged at the end."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from core.model import Direction
from station.front.demo import reckoning
from station.front.demo.hands import Page
from station.front.demo.processes import DemoError, program, run_once
from station.front.demo.script import SCRIPT, Script, Step, Wanted, read_script
from station.front.demo.stage import NAME, Interrupted, Stage, Telling, Wishes, staged
from station.front.tray import Member
from station.journal.reading import JournalReader

JOURNAL_BYTES: Final = 1 << 18
"""The journal's quota: small enough for a crowd of strangers to fill it in seconds."""

_SETTLED_WITHIN: Final = 120.0
_SOURCES: Final = {"camera": "camera", "serial": "serial", "keys": "hid", "typed": "panel"}
_STRANGER: Final = "DEMO-STRANGER-{:06d}-" + 400 * "X"

Presentation = dict[str, Any]


def play(wishes: Wishes, stop: threading.Event, *, script: Path | None, keep: Path | None) -> int:
    """Play a script; 0 when everything ended as written and every row is at the hub once, else 1."""
    scene = read_script(script or SCRIPT)
    begun = time.monotonic()
    with staged(replace(wishes, gate=scene.gate, direction=Direction.IN, journal_bytes=JOURNAL_BYTES), stop) as stage:
        with Page(stage.page, stage.serial) as page:
            crowd = Crowd(stage, page, stop)
            with Telling().step("waiting until hub and rules are there"):
                page.wait("status", _is_settled, _SETTLED_WITHIN)
            presentations = [_tell(one) for one in crowd.play(scene)]
            page.set_network(True)
        journal, held = _recorded(stage, stop)
    if keep is not None:
        _keep(keep, presentations, journal, held)
    return reckoning.conclude(presentations, journal, held, seconds=round(time.monotonic() - begun, 1))


class Crowd:
    """Plays the steps of a script one after another and waits for what becomes of each."""

    def __init__(self, stage: Stage, page: Page, stop: threading.Event) -> None:
        self._stage, self._page, self._stop = stage, page, stop
        self._members = {member.label: member for member in stage.cast.members}

    def play(self, script: Script) -> Iterator[Presentation]:
        """Every presentation as it ended; ``DemoError`` for a card that the tray does not have."""
        seq = 0
        for step in script.step:
            self._check()
            if step.network is not None:
                self._page.set_network(step.network == "whole")
            for one in self._fill(step) if step.fill else self._show(step):
                yield one
                seq = one["seq"]
            if step.press is not None:
                self._press(step.press, seq)

    def _show(self, step: Step) -> Iterator[Presentation]:
        member = self._members.get(step.show)
        if member is None:
            raise DemoError(f"the tray has no card {step.show}; `hub demo-province` writes which there are")
        self._page.forget()
        if step.by == "camera":
            with self._page.holding_up(member.label):
                told = self._page.verdict()
        else:
            self._send(member, step.by)
            told = self._page.verdict()
        yield _presentation(told, member.label, step, step.wanted)

    def _send(self, member: Member, by: str) -> None:
        if by == "serial":
            self._page.send_serial(member.code)
        elif by == "keys":
            self._page.type_keys(member.text)
        else:
            self._page.type_number(member.text)

    def _fill(self, step: Step) -> Iterator[Presentation]:
        """Strangers over the serial line until one of them ends as the step does."""
        assert step.each is not None
        self._page.forget()
        for number in range(step.at_most):
            self._check()
            self._page.send_serial(_STRANGER.format(number).encode())
            told = self._page.verdict()
            last = told is None or told["outcome"] == step.outcome
            yield _presentation(told, "stranger", step, step.wanted if last else step.each)
            if last:
                return
        yield _presentation(None, "stranger", step, step.wanted)

    def _press(self, choice: str, about: int) -> None:
        """The guard decides, which becomes a row about the last one."""
        self._page.press(choice)
        self._page.wait("rows", lambda rows: any(_decides(row, about, choice) for row in rows))

    def _check(self) -> None:
        self._stage.check()
        if self._stop.is_set():
            raise Interrupted("ended before the crowd was through")


def _is_settled(status: Mapping[str, Any]) -> bool:
    return bool(status["policy_version"] and not status["hub_problem"])


def _decides(row: Mapping[str, Any], about: int, choice: str) -> bool:
    return bool(row["about"] == about and row["decision"] == choice)


def _presentation(told: Mapping[str, Any] | None, who: str, step: Step, wanted: Wanted) -> Presentation:
    """One presentation as it is told; what never came to anything has no outcome."""
    none: dict[str, Any] = dict.fromkeys(("at", "code_kind", "gate", "outcome", "origin", "ms"))
    known = none | {"source": _SOURCES[step.fill or step.by], "reasons": [], "seq": 0} | dict(told or {})
    names = ("at", "source", "code_kind", "gate", "outcome", "reasons", "origin", "ms")
    return {
        **{name: known[name] for name in names},
        "expected": wanted.outcome.value,
        "expected_reasons": [reason.value for reason in wanted.reasons],
        "who": who,
        "seq": known["seq"],
    }


def _tell(presentation: Presentation) -> Presentation:
    sys.stdout.write(f"{json.dumps(presentation, ensure_ascii=False)}\n")
    sys.stdout.flush()
    return presentation


def _recorded(stage: Stage, stop: threading.Event) -> tuple[list[reckoning.Object], list[reckoning.Object]]:
    """The rows of the station's journal, and those the hub exports once it says that it holds them all."""
    reader = JournalReader(stage.journal)
    with Telling().step("waiting until the hub holds every row"):
        until = time.monotonic() + _SETTLED_WITHIN
        while any(one.held < one.last for one in reader.prove()) and time.monotonic() < until:
            stage.check()
            stop.wait(0.1)
    with Telling().step("reading the journal and the hub's export"):
        journal = [json.loads(raw) for raw in reader.export()]
        export = program("hub", "export", "checkins", "--data", str(stage.hub), "--station", NAME, "--json")
        return journal, [json.loads(line) for line in run_once(export, stop).splitlines()]


def _keep(folder: Path, *kept: Sequence[reckoning.Object]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, objects in zip((reckoning.PRESENTATIONS, reckoning.JOURNAL, reckoning.HELD), kept, strict=True):
            lines = (f"{json.dumps(one, ensure_ascii=False)}\n" for one in objects)
            (folder / name).write_text("".join(lines), "utf-8")
    except OSError as error:
        raise DemoError(
            f"{folder}: {error.strerror or error}; name a folder that can be written with --keep"
        ) from error
