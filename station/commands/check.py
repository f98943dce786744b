"""``station check``: what a gate would decide about one code, and why; nothing is recorded and nothing switched."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.model import Direction, GateKind, Origin, Outcome, SignatureState
from station.commands import configuration
from station.plain import harmless

if TYPE_CHECKING:
    from core.codes.trust import Trust
    from core.model import Credential, Lookup, Verdict
    from core.rules import Policy
    from station.config import Settings

EXAMPLES = """\
  printf %s 046097001234 | station check -             a number, looked up at the configured hub
  station check --no-lookup --json - < code.txt        nobody is asked
  station check --built-in-policy --no-lookup - < code.txt
                                                       where no hub has sent a policy: by the first day's rules
  station check --gate checkpoint --at 2021-08-01T09:00:00+07:00 - < code.txt
                                                       as another gate would have at another time
  station check --trust ./signers --built-in-policy --no-lookup - < dcc.txt
                                                       a signed code, by the keys in a folder
A station that holds no policy verifies nothing: it answers unverified, no-policy, as its gate does.
exit: 0 pass, 1 warn or unverified, 3 wrong code, 4 signature refused, 2 usage, 78 configuration."""

LONGEST = 1 << 20
"""Bytes of standard input that are read; the longest code has 4,296."""

WRONG_CODE, SIGNATURE_REFUSED = 3, 4


class Looker(Protocol):
    """Whoever knows about people."""

    def look_up(self, credential: Credential, now: datetime) -> Lookup:
        """What is known of this person; never raises for weather."""


@dataclass(frozen=True, slots=True)
class Report:
    """What ``check`` prints; it names nobody."""

    code_kind: str
    verified: bool
    signer: str | None
    expires: str | None
    origin: str
    outcome: str
    reasons: tuple[str, ...]
    steps: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    configuration.add_options(parser)
    parser.add_argument("--gate", choices=[kind.value for kind in GateKind], help="as a gate of this kind")
    parser.add_argument("--at", type=_moment, metavar="RFC3339", help="as if it were then (else: now)")
    parser.add_argument("--trust", type=Path, metavar="FOLDER", help="PEM certificates and keys of trusted signers")
    parser.add_argument("--no-lookup", action="store_true", help="ask nobody")
    parser.add_argument(
        "--built-in-policy",
        action="store_true",
        help="by the built-in rules, whatever policy the station holds or lacks",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    parser.add_argument("code", nargs="?", default="-", help="- (the default): read the code from standard input")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 pass, 1 warn or unverified, 3 wrong code, 4 signature refused."""
    from core.codes import parse

    settings = _settings(arguments)
    now = arguments.at or datetime.now(UTC)
    data = read_code() if arguments.code == "-" else _given(arguments.code)
    trust, policy = _trust(settings, arguments.trust), _policy(settings, arguments, now)
    kind = GateKind(arguments.gate) if arguments.gate else settings.station.kind
    credential = parse(data, trust, now)
    with ExitStack() as stack:
        looker, asked = _looker(settings, arguments.no_lookup, stack)
        lookup = looker.look_up(credential, now)
    verdict = _decide(credential, lookup, policy, kind, settings, now)
    steps = (f"read: {len(data)} bytes", *_explain(credential, lookup, asked), _told(policy), _decided(verdict))
    report = describe(credential, lookup, verdict, steps)
    if arguments.json:
        print(json.dumps(asdict(report), ensure_ascii=False))
    else:
        print("\n".join(lines(report)))
    return exit_code(credential, verdict)


def read_code() -> bytes:
    """The bytes on standard input without the newline that ends them, if one does."""
    if sys.stdin.isatty():
        print("station check: type or scan the code, then Enter and Ctrl-D", file=sys.stderr)
    data = sys.stdin.buffer.read(LONGEST)
    return data.removesuffix(b"\r\n") if data.endswith(b"\r\n") else data.removesuffix(b"\n")


def describe(credential: Credential, lookup: Lookup, verdict: Verdict, steps: tuple[str, ...]) -> Report:
    """The report of one verdict."""
    signed = credential.signed
    return Report(
        code_kind=credential.kind.value,
        verified=signed is not None and signed.state is SignatureState.VERIFIED,
        signer=(signed.signer or None) if signed is not None else None,
        expires=_written(signed.expires) if signed is not None and signed.expires is not None else None,
        origin=_origin(lookup).value,
        outcome=verdict.outcome.value,
        reasons=tuple(reason.value for reason in verdict.reasons),
        steps=steps,
    )


def exit_code(credential: Credential, verdict: Verdict) -> int:
    """The exit code of one verdict."""
    if verdict.outcome is Outcome.WRONG_CODE:
        return WRONG_CODE
    if credential.signed is not None and credential.signed.state is SignatureState.REFUSED:
        return SIGNATURE_REFUSED
    return os.EX_OK if verdict.outcome is Outcome.PASS else 1


def lines(report: Report) -> Iterator[str]:
    """The report for people."""
    yield f"outcome    {report.outcome}"
    yield f"reasons    {', '.join(report.reasons) or '-'}"
    yield f"code       {report.code_kind}{', signature verified' if report.verified else ''}"
    if report.signer is not None:
        yield f"signer     {harmless(report.signer)}, expires {report.expires or 'never'}"
    yield f"origin     {report.origin}"
    yield from (f"step       {step}" for step in report.steps)


def _settings(arguments: argparse.Namespace) -> Settings:
    from station.config import Settings, find

    return configuration.settings_from(arguments) if find(arguments.config) is not None else Settings()


def _given(code: str) -> bytes:
    print(
        "station check: other people on this board can see a code on the command line; give it on standard input",
        file=sys.stderr,
    )
    return os.fsencode(code)


def _trust(settings: Settings, folder: Path | None) -> Trust:
    """The keys of a folder that is named; else the station's own, with those that its hub has announced."""
    from station.hub_keys import held_by
    from station.trust import read_folder

    return read_folder(folder) if folder is not None else held_by(settings).trust


def _policy(settings: Settings, arguments: argparse.Namespace, now: datetime) -> Policy | None:
    """The policy that the station holds, if it holds one, as its gate does; the built-in rules when told so."""
    from core.rules import Policy
    from station.orders.overrides import Overrides
    from station.policies import Policies, scopes

    if arguments.built_in_policy:
        return Policy(version=1, issued=now, effective=now, note="built in")
    station = settings.station
    kind = GateKind(arguments.gate) if arguments.gate else station.kind
    own = scopes(station.name, Overrides(settings).district, kind)
    return Policies(settings.policies_path, settings.hub.policy_key, own).current(now)


def _looker(settings: Settings, nobody: bool, stack: ExitStack) -> tuple[Looker, str]:
    """Whom to ask, and in words why nobody is asked."""
    from station.lookup import Lookups

    asker, why = None, ""
    if nobody:
        why = "nobody asked (--no-lookup)"
    elif settings.hub.url:
        from station.http import HttpHub

        hub = settings.hub
        asker = stack.enter_context(HttpHub(hub.url, hub.token, settings.station.kind, hub.ca_file))
    elif settings.has_hub:
        why = "nobody asked: over MQTT only the running service may ask in this station's name; give [hub] url"
    else:
        why = "nobody asked: no hub is configured"
    deadline = max(settings.hub.deadline, 5.0)  # a first connection takes longer than the gate's, which is kept alive
    return Lookups(asker, deadline=deadline, skip_seconds=0, monotonic=time.monotonic), why


def _decide(
    credential: Credential, lookup: Lookup, policy: Policy | None, kind: GateKind, settings: Settings, now: datetime
) -> Verdict:
    from core.policy import Rules, decide

    direction = settings.station.direction
    resolved = Direction.IN if direction is Direction.TOGGLE else direction
    return decide(credential, lookup, Rules.of(policy, kind, settings.station.place, resolved), now)


def _explain(credential: Credential, lookup: Lookup, why: str) -> Iterator[str]:
    yield f"parsed: {credential.kind}" + "".join(f", {hint}" for hint in sorted(credential.hints))
    if credential.signed is not None:
        yield f"signature: {credential.signed.state}"
    if credential.subject is None:
        yield "looked up: no, the code names nobody"
    elif why:
        yield why
    elif lookup.trouble is not None:
        yield f"looked up: {lookup.trouble}"
    else:
        yield f"looked up: {'known to the hub' if lookup.found else 'the hub knows nobody by this code'}"


def _told(policy: Policy | None) -> str:
    if policy is None:
        return "policy: the station holds none"
    return f"policy: version {policy.version}" + (" (built in)" if policy.note == "built in" else "")


def _decided(verdict: Verdict) -> str:
    return f"decided: {verdict.outcome}"


def _origin(lookup: Lookup) -> Origin:
    found = {lookup.destination.origin, lookup.health.origin, lookup.entry.origin}
    return next((one for one in Origin if one in found and one is not Origin.NONE), Origin.NONE)


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'"{text}" is no time; write it like 2021-08-01T09:00:00+07:00') from error
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(f'"{text}" has no offset; write it like 2021-08-01T09:00:00+07:00')
    return at.astimezone(UTC)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
