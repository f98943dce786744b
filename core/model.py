"""The words of a gate as frozen values: what was read, whom it names, what is known, what was decided.

Everything here is plain data.  Times are aware UTC ``datetime`` objects; the caller passes ``now``.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from core.discreet import Discreet

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A point in time that knows its zone; messages with a naive time are refused when they are decoded."""


class Source(StrEnum):
    """Where a capture came from (``contract.md``: a row's ``source``)."""

    CAMERA = "camera"
    HID = "hid"
    SERIAL = "serial"
    STDIN = "stdin"
    PANEL = "panel"


class Symbology(StrEnum):
    """The kind of picture a text was read from; ``KEYS`` for a scanner that already decoded it."""

    QR = "qr"
    MICRO_QR = "micro-qr"
    DATA_MATRIX = "data-matrix"
    AZTEC = "aztec"
    PDF417 = "pdf417"
    CODE_128 = "code-128"
    CODE_39 = "code-39"
    EAN_13 = "ean-13"
    KEYS = "keys"


class CodeKind(StrEnum):
    """The families of codes a gate meets, in the order they are tried."""

    DECLARATION = "declaration"  # TQ1: signed declaration
    EU_DCC = "eu-dcc"  # HC1:
    PAYMENT = "payment"
    URL = "url"
    WIFI = "wifi"
    VCARD = "vcard"
    PLACE = "place"  # a venue's own posted code
    NATIONAL = "national"  # personal QR of decision 1405/QD-BTTTT
    CCCD = "cccd"
    BHYT = "bhyt"
    CITIZEN_NUMBER = "citizen-number"
    CMND = "cmnd"
    PASSPORT = "passport"
    OPAQUE = "opaque"  # My QR
    UNREADABLE = "unreadable"  # empty, too long, or nothing but control bytes


class Scheme(StrEnum):
    """The name space of an identity that a look-up carries."""

    CITIZEN = "citizen"  # 12 digits
    CMND = "cmnd"  # 9 digits
    PASSPORT = "passport"
    INSURANCE = "insurance"  # BHYT code
    NATIONAL = "national"  # national personal QR's QID
    CERTIFICATE = "certificate"  # EU DCC, by its unique certificate identifier
    TOKEN = "token"  # My QR
    PERSON = "person"  # person key of a signed declaration, lower-case hex


class GateKind(StrEnum):
    """What kind of place the gate stands at."""

    VENUE = "venue"
    CHECKPOINT = "checkpoint"
    HEALTH_POST = "health-post"


class Direction(StrEnum):
    """Which way a gate lets people through; ``TOGGLE`` alternates per person."""

    IN = "in"
    OUT = "out"
    TOGGLE = "toggle"


class Origin(StrEnum):
    """Where one group of an answer came from."""

    HUB = "hub"
    SNAPSHOT = "snapshot"
    MEMORY = "memory"
    CODE = "code"
    NONE = "none"


class Outcome(StrEnum):
    """The one word a presentation ends in."""

    PASS = "pass"
    WARN = "warn"
    UNVERIFIED = "unverified"
    REPEAT = "repeat"
    WRONG_CODE = "wrong-code"
    FAULT = "fault"


class Reason(StrEnum):
    """Why: a closed list; each has words in every catalogue and a row in the table of signals' tests."""

    # nothing known, or not what is asked
    NOT_FOUND = "not-found"
    NO_HEALTH = "no-health"
    HEALTH_EXPIRED = "health-expired"
    NO_ENTRY = "no-entry"
    ENTRY_EXPIRED = "entry-expired"
    ENTRY_LATE = "entry-late"
    NO_DESTINATION = "no-destination"
    DESTINATION_EXPIRED = "destination-expired"
    # what the declaration says
    SYMPTOMS = "symptoms"
    EXPOSURES = "exposures"
    ZONE = "zone"
    ORIGIN_UNCLEAR = "origin-unclear"
    PLACE = "place"
    # movement
    ALREADY_INSIDE = "already-inside"
    NOT_INSIDE = "not-inside"
    REENTRY_TOO_SOON = "reentry-too-soon"
    ALREADY_SCANNED = "already-scanned"
    # the code itself
    SIGNATURE_REFUSED = "signature-refused"
    SIGNER_UNKNOWN = "signer-unknown"
    CODE_EXPIRED = "code-expired"
    CODE_NOT_YET_VALID = "code-not-yet-valid"
    PLACEHOLDER_NUMBER = "placeholder-number"
    MASKED_NUMBER = "masked-number"
    # how far the answer may be trusted
    HUB_UNREACHABLE = "hub-unreachable"
    HELD_ANSWER = "held-answer"
    NO_POLICY = "no-policy"
    DATE_IN_FUTURE = "date-in-future"
    CLOCK_UNSURE = "clock-unsure"
    # wrong code: what it is
    IS_PAYMENT = "is-payment"
    IS_LINK = "is-link"
    IS_WIFI = "is-wifi"
    IS_CONTACT = "is-contact"
    IS_PLACE = "is-place"
    IS_UNREADABLE = "is-unreadable"
    # station fault
    JOURNAL_FULL = "journal-full"
    JOURNAL_READ_ONLY = "journal-read-only"
    JOURNAL_BROKEN = "journal-broken"
    CANNOT_READ = "cannot-read"


class Hint(StrEnum):
    """A remark about a code that helps a guard and never refuses anybody."""

    BIRTH_DIFFERS = "birth-differs"
    SEX_DIFFERS = "sex-differs"
    DECLARED_FOR_ANOTHER = "declared-for-another"
    DAMAGED_TEXT = "damaged-text"
    EXTRA_FIELDS = "extra-fields"


class DeclarationKind(StrEnum):
    """The two kinds of health declaration."""

    HEALTH = "health"
    ENTRY = "entry"


class SignatureState(StrEnum):
    """What verifying a signed code found.  ``VERIFIED`` speaks of the signature alone, never of dates."""

    VERIFIED = "verified"
    REFUSED = "refused"
    SIGNER_UNKNOWN = "signer-unknown"


class Capture(Discreet, frozen=True):
    """One reading of one code: its exact bytes, never logged and never stored."""

    secret: ClassVar = frozenset({"data"})

    data: bytes
    symbology: Symbology
    source: Source
    at: Moment


class Subject(Discreet, frozen=True):
    """The least identity a look-up needs.  Kept out of ``repr`` so that no log can hold it."""

    secret: ClassVar = frozenset({"value"})

    scheme: Scheme
    value: str


class Area(msgspec.Struct, frozen=True):
    """A place of the administrative map: codes belong to an edition and are reused with another meaning.

    ``edition`` is ``"63"`` or ``"34"`` (provinces); codes are the official digits as text, empty when unknown;
    ``hamlet`` (thôn, tổ) and ``point`` (điểm) are free text inside the commune.
    """

    edition: str
    province: str
    district: str = ""
    commune: str = ""
    hamlet: str = ""
    point: str = ""


class Signed(msgspec.Struct, frozen=True):
    """What a signed code says for itself, and whether its signature may be believed."""

    state: SignatureState
    signer: str  # key id, lower-case hex
    issued: Moment | None
    expires: Moment | None
    declares: DeclarationKind | None  # None for an EU DCC
    symptoms: bool = False
    origin: Area | None = None


class Credential(Discreet, frozen=True):
    """A parsed code: whom it names, reduced at once; ``subject`` is None for a wrong code or a placeholder."""

    secret: ClassVar = frozenset({"name_masked"})

    kind: CodeKind
    subject: Subject | None = None
    name_masked: str = ""
    hints: frozenset[Hint] = frozenset()
    wrong: Reason | None = None  # set exactly when the gate shows `wrong-code`
    remark: Reason | None = None  # PLACEHOLDER_NUMBER or MASKED_NUMBER when that is why subject is None
    signed: Signed | None = None


class DestinationGroup(msgspec.Struct, frozen=True):
    """Group 1: the last destination scan before this one."""

    at: Moment
    place: str
    place_name: str = ""
    direction: Direction = Direction.IN


class HealthGroup(msgspec.Struct, frozen=True):
    """Group 2: the last in-province declaration."""

    at: Moment
    symptoms: tuple[str, ...] = ()
    exposures: tuple[str, ...] = ()
    paper: bool = False


class EntryGroup(msgspec.Struct, frozen=True):
    """Group 3: the last declaration of entry; ``before_return`` is None when the arrival is not known."""

    at: Moment
    arrival: Moment | None = None
    origin: Area | None = None
    destination: Area | None = None
    before_return: bool | None = None
    symptoms: tuple[str, ...] = ()
    exposures: tuple[str, ...] = ()


class Standing(Discreet, frozen=True):
    """What is known of a person at ``as_of``: three dated groups, each absent when there is none."""

    secret: ClassVar = frozenset({"name_masked"})

    person: str  # the hub's opaque key, lower-case hex; "" when the source does not know it
    as_of: Moment
    name_masked: str = ""
    destination: DestinationGroup | None = None
    health: HealthGroup | None = None
    entry: EntryGroup | None = None


class Held(msgspec.Struct, frozen=True):
    """Where one group of a look-up came from and how old that knowledge is."""

    origin: Origin
    as_of: Moment | None = None


NOT_HELD = Held(Origin.NONE)


class Lookup(msgspec.Struct, frozen=True):
    """A standing put together from what could be asked, each group with its own origin and age.

    ``found`` is False when the hub (or what is held) answered that it knows nobody by this code, None when nobody
    could be asked.  ``trouble`` names why the hub itself did not answer.
    """

    standing: Standing | None
    destination: Held = NOT_HELD
    health: Held = NOT_HELD
    entry: Held = NOT_HELD
    found: bool | None = None
    trouble: Reason | None = None


class Verdict(msgspec.Struct, frozen=True):
    """What the gate shows and records."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
