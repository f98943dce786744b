"""Messages and rows as they travel and rest: one set of structs for station and hub, JSON by msgspec.

Times are RFC 3339 in UTC.  Every struct forbids unknown fields where we are the only writer (rows) and ignores
them where the other side may be newer (messages).  Decoding raises ``msgspec.ValidationError`` or
``msgspec.DecodeError``, ``decode`` nothing but ``ValueError``.  Topics are in ``docs/protocol.md``.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec

from core.model import (
    CodeKind,
    Direction,
    GateKind,
    Moment,
    Origin,
    Outcome,
    Reason,
    Scheme,
    Source,
    Standing,
)

Sha256Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
StationName = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
Seq = Annotated[int, msgspec.Meta(ge=1)]
NO_NUL = r"^[^\x00]*$"
"""What every text fits that a database can keep: no database's text holds a NUL."""

Message = TypeVar("Message")
RowType = Literal["checkin", "decision", "amendment", "opening"]


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line of a station's journal.  Its JSON bytes are hashed; they are never re-encoded on the way."""

    station: StationName
    epoch: str  # 16 hex digits, drawn when a journal is born
    seq: Seq
    type: RowType
    at: Moment
    clock: RowClock
    previous: Sha256Hex
    gate: GateKind
    place: str = ""
    direction: Direction = Direction.IN
    source: Source | None = None
    code_kind: CodeKind | None = None
    outcome: Outcome | None = None
    reasons: tuple[Reason, ...] = ()
    groups: tuple[RowGroup, ...] = ()  # destination, health, entry
    policy_version: int = 0
    tag: str = ""  # day-keyed, 32 hex digits
    sealed: str = ""  # base64, see core.keys
    about: int = 0  # decision and amendment: the seq of the row they speak of; 0: every earlier row of this boot
    decision: Literal["admitted", "turned-away"] | None = None
    cause: str = ""  # opening: pass, admitted, emergency, command; amendment of a boot: clock
    off: float | None = None  # amendment of a boot: by how many seconds the last row before it was behind
    sealed_to: str = ""  # id of the hub's sealing key; without one it is the key the hub began with
    was: tuple[Was, ...] = ()  # where a card that was set back had recorded it before; the seal is tied to the first

    @property
    def speaks_of(self) -> tuple[str, int]:
        """The journal and number of the row that a decision or amendment is about; number 0 when it is about none."""
        if not self.about and self.was:
            return self.was[-1].epoch, self.was[-1].about
        return self.epoch, self.about


class Was(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A journal and number under which a row was recorded before, and the hash of its bytes there.

    ``about`` is what it spoke of there, when that row was not recorded anew with it.
    """

    epoch: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    seq: Annotated[int, msgspec.Meta(ge=1, lt=1 << 53)]
    hash: Sha256Hex
    about: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)] = 0


class RowClock(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the wall clock was worth when the row was written; seconds.

    ``offset`` is the hub's clock minus this one at the hub's last word, None when none was heard since it was set.
    """

    source: Literal["ntp", "rtc", "hub", "guess"]
    boot: str
    monotonic: float
    error: float | None = None
    offset: float | None = None


class RowGroup(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One of the three groups as the verdict used it."""

    origin: Origin = Origin.NONE
    at: Moment | None = None
    as_of: Moment | None = None


class Who(msgspec.Struct, frozen=True):
    """Whom a look-up asks for, or whom a row's seal holds.  ``person`` is set when the hub said it."""

    scheme: Scheme
    value: str
    person: str = ""

    def __repr__(self) -> str:
        return f"Who({self.scheme.value})"


class Ask(msgspec.Struct, frozen=True):
    """A look-up: HTTP body of ``POST /v1/lookup``; over MQTT sealed inside ``SealedAsk``."""

    who: Who
    gate: GateKind
    at: Moment


class Answer(msgspec.Struct, frozen=True):
    """The hub's answer; ``standing`` is None when it knows nobody by this code.

    ``held``: the system behind the hub could not be asked.  What the standing has of declarations is as old as its
    ``as_of``, and there may be others; that there is none is not known.
    """

    standing: Standing | None
    hub_time: Moment
    held: bool = False


WHO_AT_MOST = 200


class Asks(msgspec.Struct, frozen=True):
    """Many look-ups in one: HTTP body of ``POST /v1/lookups``; over MQTT sealed inside ``SealedAsk``."""

    who: Annotated[tuple[Who, ...], msgspec.Meta(min_length=1, max_length=WHO_AT_MOST)]
    gate: GateKind
    at: Moment


class Answers(msgspec.Struct, frozen=True):
    """The answers in the order of the asks; None where nobody is known by that code.

    ``held`` numbers (from 0) those that are as ``Answer`` says of its own ``held``.
    """

    standings: tuple[Standing | None, ...]
    hub_time: Moment
    held: tuple[int, ...] = ()


class SealedAsk(msgspec.Struct, frozen=True, omit_defaults=True):
    """``ask`` topic: ``key`` is the station's asking key (X25519, base64), ``box`` the sealed ``Ask``.

    ``many``: the box holds ``Asks``, and the answer's box ``Answers``.  ``to`` is the id of the hub's sealing key it is
    sealed to; without one it is the key the hub began with.

    Reply topic, correlation and not-after are in the payload as well as in MQTT 5 properties, because some brokers
    speak 3.1.1 only.
    """

    id: str
    key: str
    box: str
    reply: str
    not_after: Moment
    many: bool = False
    to: str = ""


class SealedAnswer(msgspec.Struct, frozen=True):
    """``answer`` topic: the sealed ``Answer`` (or ``Answers``) for the ask with this id, or an error in words."""

    id: str
    box: str = ""
    error: str = ""


class Batch(msgspec.Struct, frozen=True):
    """``checkins`` topic and ``POST /v1/checkins``: rows as the journal holds them, byte for byte.

    ``gone``: the card has no row up to this number any more, and never will again; ``gone_hash`` is that of row
    ``gone``.
    """

    station: StationName
    epoch: str
    first: Seq
    rows: tuple[msgspec.Raw, ...]
    gone: Annotated[int, msgspec.Meta(ge=0)] = 0
    gone_hash: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""
    refused_before: Annotated[int, msgspec.Meta(ge=0)] = 0  # of an empty batch: tell refused rows below this number


class Refused(msgspec.Struct, frozen=True):
    """A row the hub put on its dead-letter list; it counts as held."""

    seq: int
    cause: str


CONFLICT = "another row is already held under this number; are there two stations with this name?"
"""The cause of a refusal that is told once, with the batch that brought the row, and in no mark after that."""


class HeldMark(msgspec.Struct, frozen=True):
    """``held`` topic and the answer to ``POST /v1/checkins``: «I hold epoch E through N»."""

    station: StationName
    epoch: str
    through: int  # 0: nothing yet
    at: Moment
    refused: tuple[Refused, ...] = ()
    alarm: str = ""  # what the hub must tell this station: "two-stations", "conflict", "chain-broken"
    hash: str = ""  # of the row ``through`` as the hub holds it; empty where it cannot tell
    refused_older: int = 0  # how many more refused rows there are below the first that is named
    refused_before: int = 0  # as the batch asked


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """``state`` topic, retained and the last will."""

    station: StationName
    online: bool
    session: str
    since: Moment
    version: str = ""
    policy_version: int = 0


class Signed(msgspec.Struct, frozen=True):
    """A signed document: ``payload`` is base64 of the exact JSON bytes that ``signature`` (Ed25519) covers."""

    payload: str
    key: str  # key id: first 8 bytes of the SHA-256 of the raw public key, hex
    signature: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error over HTTP (RFC 9457, ``application/problem+json``)."""

    title: str
    status: int
    detail: str = ""
    type: str = "about:blank"


def encode(message: object) -> bytes:
    """JSON bytes of a struct, keys in field order, so that equal structs give equal bytes."""
    return msgspec.json.encode(message)


def decode(raw: bytes, kind: type[Message]) -> Message:
    """A message from any sender's bytes; ``ValueError`` when it is none, however deep it is nested.

    msgspec's own errors are ``ValueError``s, as is that for text which is no UTF-8; too deep a nesting is not.
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except RecursionError as error:
        raise ValueError("nested deeper than any message") from error
