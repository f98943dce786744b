"""The demo's script and reckoning: complete, written by hand, and sharp enough to see one lost or doubled row."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from core.model import CodeKind, Outcome
from drivers.keys import Key
from station.front.demo import reckoning
from station.front.demo.hands import keystrokes
from station.front.demo.script import SCRIPT, ScriptError, read_script
from station.reading.keys import KeyDecoder
from station.reading.layouts import US

OUTCOMES = {
    "pass-cccd": CodeKind.CCCD,
    "pass-bhyt": CodeKind.BHYT,
    "pass-national": CodeKind.NATIONAL,
    "pass-number": CodeKind.CITIZEN_NUMBER,
    "pass-cmnd": CodeKind.CMND,
    "pass-passport": CodeKind.PASSPORT,
    "pass-my-qr": CodeKind.OPAQUE,
    "pass-dcc": CodeKind.EU_DCC,
    "pass-tq1-entry": CodeKind.DECLARATION,
    "wrong-payment": CodeKind.PAYMENT,
    "wrong-link": CodeKind.URL,
    "wrong-wifi": CodeKind.WIFI,
    "wrong-contact": CodeKind.VCARD,
    "wrong-place": CodeKind.PLACE,
    "wrong-unreadable": CodeKind.UNREADABLE,
}


def row(seq: int, **fields: Any) -> dict[str, Any]:
    return {
        "station": "demo-1",
        "epoch": "00ff",
        "seq": seq,
        "type": "checkin",
        "at": f"2026-01-31T08:00:{seq:02d}Z",
        "source": "camera",
        "code_kind": "cccd",
        "outcome": "pass",
        **fields,
    }


def presentation(seq: int, **fields: Any) -> dict[str, Any]:
    told = {"at": "2026-01-31T08:00:00Z", "source": "camera", "code_kind": "cccd", "gate": "venue", "outcome": "pass"}
    told |= {"reasons": [], "origin": "hub", "ms": 3.0, "expected": "pass", "expected_reasons": []}
    return {**told, "who": "pass-cccd", "seq": seq, **fields}


ROWS = [
    row(1),
    row(2, outcome="warn", reasons=["symptoms"]),
    row(3, type="decision", outcome=None, decision="admitted"),
]
SAID = [
    presentation(1),
    presentation(2, outcome="warn", reasons=["symptoms"], expected="warn", expected_reasons=["symptoms"]),
    presentation(0, outcome="repeat", reasons=["already-scanned"], expected="repeat")
    | {"expected_reasons": ["already-scanned"]},
]


def test_the_script_shows_every_outcome_every_family_of_codes_and_three_sources():
    steps = read_script(SCRIPT).step
    assert {step.outcome for step in steps} | {step.each.outcome for step in steps if step.each} == set(Outcome)
    assert {OUTCOMES[step.show] for step in steps if step.show in OUTCOMES} == set(CodeKind)
    assert {"camera", "serial", "keys"} <= {step.by for step in steps}


def test_all_is_well_when_all_is_well(capsys):
    assert reckoning.judge(SAID, ROWS, ROWS) == []
    assert reckoning.conclude(SAID, ROWS, ROWS) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["problems"] == 0


TAMPERED: dict[str, Callable[[list, list, list], None]] = {
    "another outcome": lambda said, ours, theirs: said[0].update(outcome="warn"),
    "another reason": lambda said, ours, theirs: said[1].update(reasons=["zone"]),
    "a planted expectation": lambda said, ours, theirs: said[2].update(expected="pass", expected_reasons=[]),
    "no verdict at all": lambda said, ours, theirs: said[0].update(outcome=None),
    "the last row lost": lambda said, ours, theirs: theirs.pop(),
    "a row in the middle lost": lambda said, ours, theirs: theirs.pop(1),
    "a row doubled": lambda said, ours, theirs: theirs.append(theirs[0]),
    "a row doubled in the journal": lambda said, ours, theirs: ours.append(ours[0]),
    "a row of nobody's": lambda said, ours, theirs: theirs.append(row(4)),
    "a row changed": lambda said, ours, theirs: theirs[1].update(outcome="pass"),
    "a row of another time": lambda said, ours, theirs: theirs[0].update(at="2026-01-31T09:00:00Z"),
    "a gap on both sides": lambda said, ours, theirs: (ours.pop(0), theirs.pop(0)),
    "a row that nobody presented": lambda said, ours, theirs: said.pop(0),
    "a presentation that says it was recorded": lambda said, ours, theirs: said[2].update(seq=9),
    "no rows at all": lambda said, ours, theirs: (ours.clear(), theirs.clear()),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED.keys())
def test_what_was_tampered_with_is_named_and_fails(tamper, capsys):
    said, ours, theirs = copy.deepcopy(SAID), copy.deepcopy(ROWS), copy.deepcopy(ROWS)
    tamper(said, ours, theirs)
    assert reckoning.conclude(said, ours, theirs) == 1
    told = capsys.readouterr()
    assert told.err.startswith("demo: ")
    assert json.loads(told.out)["summary"]["problems"] > 0


def test_keystrokes_decode_to_what_was_typed():
    text = "TQ1:6BF+70790T9WJWG.FKY*4GO0 $%/|<x1y0@z"
    keys = [Key(code, value, 0.0) for code, value in [*keystrokes(text), (28, 1), (28, 0)]]
    assert [line.data for line in KeyDecoder(US).feed(keys)] == [text.encode()]
    with pytest.raises(ValueError, match=r"U\+1EA2"):
        list(keystrokes("Ả"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("gate = 'venue'", "step"),
        ("gate = 'venue'\n[[step]]\noutcome = 'passes'\nshow = 'x'", "passes"),
        ("gate = 'venue'\n[[step]]\noutcome = 'pass'", "step 1"),
        ("gate = 'venue'\n[[step]]\noutcome = 'fault'\nfill = 'serial'", "step 1"),
        ("gate = 'venue'\n[[step]]\noutcome = 'pass'\nshow = 'x'\nreason = []", "reason"),
        ("gate = ", "Invalid value"),
    ],
)
def test_a_script_that_cannot_be_played_names_the_fault(tmp_path, text: str, problem: str):
    path = tmp_path / "script.toml"
    path.write_text(text)
    with pytest.raises(ScriptError, match=problem) as raised:
        read_script(path)
    assert str(path) in str(raised.value)
