"""What a person at the gate sees and hears for each outcome: one table, plain values, no devices.

No two signs share a shape, a tune, a rhythm or a blink, so that colour is never the only difference (WCAG 1.4.1)
and a gate with one lamp and a one-tone buzzer still tells them apart.  The words are in ``core.words``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Literal

import msgspec

from core.model import Direction, Outcome, Reason

Colour = Literal["green", "red", "amber", "blue", "white"]
Tone = tuple[float, float]
"""Hertz (0: a rest), seconds."""

Tune = tuple[Tone, ...]
Blink = tuple[float, float, int]
"""Seconds on, seconds off (0: steady), how often (0: until something newer is shown)."""


class Sign(Enum):
    """What is shown: an outcome, told apart by direction and by whether it rests on a held answer.

    Not a ``StrEnum``: catalogues of words are keyed by signs beside outcomes, and "repeat" is the name of both.
    """

    PASS_IN = "pass-in"
    PASS_IN_HELD = "pass-in-held"
    PASS_OUT = "pass-out"
    PASS_OUT_HELD = "pass-out-held"
    WARN = "warn"
    WARN_HELD = "warn-held"
    UNVERIFIED = "unverified"
    REPEAT = "repeat"
    WRONG_CODE = "wrong-code"
    FAULT = "fault"
    ADMITTED = "admitted"  # what the guard decided after a warn
    TURNED_AWAY = "turned-away"


class Signal(msgspec.Struct, frozen=True):
    """One row of the table; ``seconds`` is how long it stands unless a newer presentation cuts in."""

    sign: Sign
    colour: Colour
    shape: str
    tune: Tune
    blink: Blink
    seconds: float
    opens: bool = False  # the relay, when there is one


# Piezo buzzers are loudest between 1 and 3 kHz.
LOW, C6, E6, G6, C7, E7 = 523.0, 1047.0, 1319.0, 1568.0, 2093.0, 2637.0
STEADY: Blink = (1.0, 0.0, 0)


def _rest(seconds: float) -> Tone:
    return (0.0, seconds)


SIGNALS: Mapping[Sign, Signal] = {
    signal.sign: signal
    for signal in (
        # rising: come in
        Signal(Sign.PASS_IN, "green", "check", ((C6, 0.08), (G6, 0.16)), STEADY, 4.0, opens=True),
        Signal(
            Sign.PASS_IN_HELD,
            "green",
            "check-held",
            ((C6, 0.08), (G6, 0.16), _rest(0.1), (C6, 0.08)),
            (1.2, 0.2, 0),
            4.0,
            opens=True,
        ),
        # falling, in two: go out
        Signal(
            Sign.PASS_OUT,
            "green",
            "exit",
            ((G6, 0.12), _rest(0.08), (C6, 0.12)),
            (0.7, 0.3, 2),
            4.0,
            opens=True,
        ),
        Signal(
            Sign.PASS_OUT_HELD,
            "green",
            "exit-held",
            ((G6, 0.12), _rest(0.08), (C6, 0.12), _rest(0.1), (C6, 0.06)),
            (0.7, 0.3, 3),
            4.0,
            opens=True,
        ),
        # three of a kind: look here
        Signal(
            Sign.WARN,
            "amber",
            "bang",
            ((E6, 0.25), _rest(0.12), (E6, 0.25), _rest(0.12), (E6, 0.25)),
            (0.5, 0.5, 0),
            15.0,
        ),
        Signal(
            Sign.WARN_HELD,
            "amber",
            "bang-held",
            ((E6, 0.25), _rest(0.12), (E6, 0.25), _rest(0.12), (E6, 0.25), _rest(0.12), (C6, 0.08)),
            (0.5, 0.2, 0),
            15.0,
        ),
        # short, long: written down, but nobody could be asked
        Signal(Sign.UNVERIFIED, "white", "question", ((G6, 0.1), _rest(0.1), (E6, 0.4)), (0.2, 1.0, 0), 6.0),
        # one tick: we have met
        Signal(Sign.REPEAT, "blue", "repeat", ((C7, 0.05),), (0.15, 0.15, 2), 4.0),
        # one long low buzz
        Signal(Sign.WRONG_CODE, "red", "cross", ((LOW, 0.6),), (0.3, 0.3, 3), 5.0),
        # a siren, and a lamp that is seen from across the yard
        Signal(
            Sign.FAULT,
            "red",
            "wrench",
            ((C7, 0.1), _rest(0.05), (E7, 0.1), _rest(0.05)) * 4,
            (0.1, 0.1, 0),
            8.0,
        ),
        Signal(
            Sign.ADMITTED,
            "green",
            "admitted",
            ((G6, 0.05), _rest(0.05), (C7, 0.2)),
            (1.5, 0.5, 1),
            2.5,
            opens=True,
        ),
        Signal(
            Sign.TURNED_AWAY,
            "red",
            "turned-away",
            ((E6, 0.05), _rest(0.05), (LOW, 0.3)),
            (0.9, 0.1, 2),
            2.5,
        ),
    )
}

_SIGN_OF: Mapping[Outcome, Sign] = {
    Outcome.WARN: Sign.WARN,
    Outcome.UNVERIFIED: Sign.UNVERIFIED,
    Outcome.REPEAT: Sign.REPEAT,
    Outcome.WRONG_CODE: Sign.WRONG_CODE,
    Outcome.FAULT: Sign.FAULT,
}

_HELD_SIGN: Mapping[Sign, Sign] = {
    Sign.PASS_IN: Sign.PASS_IN_HELD,
    Sign.PASS_OUT: Sign.PASS_OUT_HELD,
    Sign.WARN: Sign.WARN_HELD,
}


def signal(outcome: Outcome, reasons: Collection[Reason], direction: Direction, held: bool) -> Signal:
    """The row for an outcome.

    ``direction`` is the way this person went (a toggle gate has settled it; an unsettled one counts as in);
    ``held`` says that the answer was remembered and not asked for, which the reason ``held-answer`` says too.
    """
    leaving = direction is Direction.OUT
    sign = (Sign.PASS_OUT if leaving else Sign.PASS_IN) if outcome is Outcome.PASS else _SIGN_OF[outcome]
    if held or Reason.HELD_ANSWER in reasons:
        sign = _HELD_SIGN.get(sign, sign)
    return SIGNALS[sign]


_JUDGED = frozenset({Outcome.WARN, Outcome.UNVERIFIED})
_TRUST = frozenset({Outcome.PASS, Outcome.WARN, Outcome.UNVERIFIED})
_WARN = frozenset({Outcome.WARN})
_REPEAT = frozenset({Outcome.REPEAT})
_WRONG = frozenset({Outcome.WRONG_CODE})
_FAULT = frozenset({Outcome.FAULT})

EXPLAINS: Mapping[Reason, frozenset[Outcome]] = {
    Reason.NOT_FOUND: _JUDGED,
    Reason.NO_HEALTH: _JUDGED,
    Reason.HEALTH_EXPIRED: _JUDGED,
    Reason.NO_ENTRY: _JUDGED,
    Reason.ENTRY_EXPIRED: _JUDGED,
    Reason.ENTRY_LATE: _WARN,
    Reason.NO_DESTINATION: _JUDGED,
    Reason.DESTINATION_EXPIRED: _JUDGED,
    Reason.SYMPTOMS: _WARN,
    Reason.EXPOSURES: _WARN,
    Reason.ZONE: _WARN,
    Reason.ORIGIN_UNCLEAR: _WARN,
    Reason.PLACE: _WARN,
    Reason.ALREADY_INSIDE: _WARN,
    Reason.NOT_INSIDE: _WARN,
    Reason.REENTRY_TOO_SOON: _WARN,
    Reason.ALREADY_SCANNED: _REPEAT,
    Reason.SIGNATURE_REFUSED: _WARN,
    Reason.SIGNER_UNKNOWN: _TRUST,
    Reason.CODE_EXPIRED: _TRUST,
    Reason.CODE_NOT_YET_VALID: _TRUST,
    Reason.PLACEHOLDER_NUMBER: _JUDGED,
    Reason.MASKED_NUMBER: _JUDGED,
    Reason.HUB_UNREACHABLE: _TRUST,
    Reason.HELD_ANSWER: _TRUST,
    Reason.NO_POLICY: _TRUST,
    Reason.DATE_IN_FUTURE: _TRUST,
    Reason.CLOCK_UNSURE: _TRUST,
    Reason.IS_PAYMENT: _WRONG,
    Reason.IS_LINK: _WRONG,
    Reason.IS_WIFI: _WRONG,
    Reason.IS_CONTACT: _WRONG,
    Reason.IS_PLACE: _WRONG,
    Reason.IS_UNREADABLE: _WRONG,
    Reason.JOURNAL_FULL: _FAULT,
    Reason.JOURNAL_READ_ONLY: _FAULT,
    Reason.JOURNAL_BROKEN: _FAULT,
    Reason.CANNOT_READ: _FAULT,
}
"""Which outcomes each reason may stand beside."""
