"""What a catalogue of words is keyed by, beside the outcomes, reasons and hints of ``core.model``."""

from __future__ import annotations

from enum import Enum

import msgspec

from core.model import Hint, Outcome, Reason
from core.signals import Sign


class Note(msgspec.Struct, frozen=True):
    """The small line under a sign's headline."""

    sign: Sign


class Label(Enum):
    """The other words on the display.  ``FIRST`` has a place for the time: ``{time}``, ``TRIAL`` for two numbers,
    ``AGE_HOURS`` and ``AGE_DAYS`` for one of two digits: 7 characters in all.
    """

    INVITATION = "invitation"
    STARTING = "starting"
    STARTING_NOTE = "starting-note"
    TWIN = "twin"  # another station answers to this one's name
    TWIN_NOTE = "twin-note"
    TRIAL = "trial"  # under each signal of a test; has places for {number} and {count}
    INSIDE = "inside"  # nobody there, where a capacity is known; has places for {inside} and {capacity}
    CAMERA_LOST = "camera-lost"  # nobody there, and one of several ways to read is gone
    SCANNER_LOST = "scanner-lost"
    AIMING = "aiming"  # the camera is being aimed, and may be looked through from afar
    AIMING_NOTE = "aiming-note"
    ALARM = "alarm"  # the fault's word, as large as the display
    FAULT_CURE = "fault-cure"
    FIRST = "first"
    NOTHING = "nothing"  # a group that the hub says is empty
    UNKNOWN = "unknown"  # a group nobody could be asked about
    AGE_FRESH = "age-fresh"  # how old a held answer is: less than an hour
    AGE_HOURS = "age-hours"
    AGE_DAYS = "age-days"
    DESTINATION = "destination"  # the three groups' letters
    HEALTH = "health"
    ENTRY = "entry"
    WEEKDAYS = "weekdays"  # seven, Monday first


Key = Sign | Note | Label | Outcome | Reason | Hint
