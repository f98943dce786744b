"""What may be typed after ``hub``: every command with its options, its help and an example."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from core.model import GateKind, Scheme
from hub.officials.rights import Role
from hub.order_arguments import add_orders, answered
from hub.place_arguments import add_places
from hub.simulation_arguments import add_simulation

Command = Callable[[argparse.Namespace], int]

_IMPORTS = """hub import people.json
  hub import /media/stick/rows.jsonl
  hub import --give-up rows.jsonl          take rows that are missing in it for lost"""
_TOP = """examples:
  hub serve --broker                       start on a database and a broker of its own
  hub import people.json                   bring in people, declarations, places, policies
  hub station add cho-dong-ba-1 --place cho-dong-ba
  hub journal verify cho-dong-ba-1         prove that no check-in is missing
exit codes: 0 done, 1 something is missing or differs, 2 usage, 65 bad data, 66 no such file,
            69 a port or broker is not to be had, 70 a fault of the hub's own,
            75 the database's server cannot be reached, 78 configuration"""


def parser(commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    """The whole command line; ``commands`` gives what each runs."""
    top = argparse.ArgumentParser("hub", description="The centre that scan stations answer to.", epilog=_TOP)
    top.formatter_class = argparse.RawDescriptionHelpFormatter
    groups = top.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, metavar="HUB.TOML", help="settings; without them the defaults are used")
    common.add_argument("--data", type=Path, metavar="DIR", help="the data folder, whatever the settings say")
    common.add_argument("--json", action="store_true", help="print JSON")

    def add(
        group: argparse._SubParsersAction[argparse.ArgumentParser], name: str, key: str, about: str, example: str
    ) -> argparse.ArgumentParser:
        command = group.add_parser(
            name, parents=[common], help=about, description=about, epilog=f"example:\n  {example}"
        )
        command.formatter_class = argparse.RawDescriptionHelpFormatter
        command.set_defaults(run=commands[key])
        return command

    _serving(add(groups, "serve", "serve", "Answer stations until told to stop.", "hub serve --broker --port 8470"))
    about = (
        "Bring in people, declarations, places, policies; or rows that were carried here by hand, as `station journal "
        "export --sealed` writes them: the same rows, exactly once; exit 1 when some could not be kept."
    )
    imports = add(groups, "import", "import", about, _IMPORTS)
    answered(imports)
    imports.add_argument("file", type=Path, metavar="FILE", help="either is told by how it begins")
    lost = "of rows: take numbers that are missing before others for lost, when no card has them any more"
    imports.add_argument("--give-up", action="store_true", help=lost)
    _exporting(groups, add)
    _fleet(groups, add)
    _documents(groups, add)
    add_orders(groups, add)
    _keeping(groups, add)
    _snapshots(groups, add)
    _backing_up(groups, add)
    _accounts(groups, add)
    _province(groups, add)
    add_simulation(groups, add)
    return top


Adding = Callable[["argparse._SubParsersAction[argparse.ArgumentParser]", str, str, str, str], argparse.ArgumentParser]
Groups = argparse._SubParsersAction  # argparse gives this class no public name


def _serving(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("--host", metavar="ADDRESS", help="where to listen for HTTP")
    serve.add_argument("--port", type=int, metavar="N", help="the HTTP port; 0 takes a free one")
    serve.add_argument("--mqtt", metavar="HOST:PORT", help="the broker to use; user and password from the settings")
    serve.add_argument("--broker", action="store_true", help="start a private mosquitto that ends with the hub")
    serve.add_argument("--print-codes", action="store_true", help="for trying: print one-time codes instead of sending")
    serve.add_argument("--broker-port", type=int, metavar="N", help="the private broker's port; 0 takes a free one")
    serve.add_argument("--ready", type=Path, metavar="FILE", help="write addresses as JSON here when all is answering")


def _exporting(groups: Groups[argparse.ArgumentParser], add: Adding) -> None:
    exports = groups.add_parser("export", help="Give records out.").add_subparsers(required=True, metavar="WHAT")
    checkins = add(
        exports,
        "checkins",
        "export checkins",
        "Print every row the hub holds, one JSON object a line, with the person key and no names.",
        "hub export checkins --json --since 2026-01-31T00:00:00+07:00 > rows.jsonl",
    )
    checkins.add_argument("--station", metavar="NAME", help="only this station's")
    checkins.add_argument("--since", type=_moment, metavar="RFC3339", help="only rows that arrived from then on")
    checkins.add_argument("--identities", action="store_true", help="also name and numbers: personal data in clear")
    checkins.add_argument("--reason", default="", metavar="TEXT", help="why, for the log of look-ups")
    answered(checkins)


def _fleet(groups: Groups[argparse.ArgumentParser], add: Adding) -> None:
    stations = groups.add_parser("station", help="Register stations.").add_subparsers(required=True, metavar="WHAT")
    added = add(
        stations,
        "add",
        "station add",
        "Register a station and print its settings with its token, once; an existing name gets a new token.",
        "hub station add cho-dong-ba-1 --place cho-dong-ba --kind venue >> config.toml",
    )
    added.add_argument("name", metavar="NAME")
    added.add_argument("--place", required=True, metavar="CODE", help="a registered place")
    added.add_argument("--kind", type=GateKind, choices=list(GateKind), help="the gate's kind; default: the place's")
    added.add_argument("--url", default="", metavar="URL", help="the hub's address to print into the settings")
    answered(added)
    add(stations, "list", "station list", "List stations and what they last said.", "hub station list --json")
    journal = groups.add_parser("journal", help="Prove journals.").add_subparsers(required=True, metavar="WHAT")
    verify = add(
        journal,
        "verify",
        "journal verify",
        "Prove a station's chain from the hub's side; print missing ranges; exit 1 when anything is amiss.",
        "hub journal verify cho-dong-ba-1",
    )
    verify.add_argument("station", metavar="STATION")
    about = "List the rows of a station that came under numbers already held with other content; both are kept."
    conflicts = add(journal, "conflicts", "journal conflicts", about, "hub journal conflicts cho-dong-ba-1 --json")
    conflicts.add_argument("station", metavar="STATION")
    _dead_letters(groups, add)
    examples = "hub alarms --json\n  hub alarms test --config hub.toml"
    alarms = add(groups, "alarms", "alarms", "List what a person must look at, or try how it is told.", examples)
    alarms.add_argument(
        "do", nargs="?", choices=["test"], help="send a trial by every way that [alarms] of the settings names"
    )
    alarms.add_argument("--since", type=_moment, metavar="RFC3339", help="only those that happened from then on")
    alarms.add_argument("--standing", action="store_true", help="only those that are not over")
    about = "List what gates decided without the hub and would have decided otherwise with it."
    others = add(groups, "other-verdicts", "other-verdicts", about, "hub other-verdicts --station chot-2 --json")
    others.add_argument("--station", metavar="STATION", help="only this one's")
    others.add_argument("--since", type=_moment, metavar="RFC3339", help="only those from then on")
    about = "Show how every station is, the worst first: silence, backlog, clock, camera, power, disk, versions."
    fleet = add(groups, "fleet", "fleet", about, "hub fleet --json")
    fleet.add_argument("--all", action="store_true", help="also those that are well; --json shows them always")


def _dead_letters(groups: Groups[argparse.ArgumentParser], add: Adding) -> None:
    letters = groups.add_parser("dead-letter", help="Rows that could not be read: list them, read them once more.")
    whats = letters.add_subparsers(required=True, metavar="WHAT")
    about = "List the rows that the hub holds and could not read, each with its cause."
    listed = add(whats, "list", "dead-letter list", about, "hub dead-letter list --station cho-dong-ba-1 --json")
    about = "Show one of them; with --raw also its bytes, in base64: they may hold anything."
    shown = add(whats, "show", "dead-letter show", about, "hub dead-letter show cho-dong-ba-1/5f3a9c01d2e47b60/17")
    shown.add_argument("letter", type=_letter, metavar="STATION/EPOCH/SEQ")
    shown.add_argument("--raw", action="store_true", help="the bytes, too")
    about = (
        "Read them once more, beside a running hub: with a newer program, or with the key put back. What can be read "
        "becomes the visit it would have been, once; what cannot stays with its new cause, and the exit code is 1."
    )
    again = add(whats, "replay", "dead-letter replay", about, "hub dead-letter replay --all --by le-thi-b")
    again.add_argument("letter", type=_letter, nargs="?", metavar="STATION/EPOCH/SEQ", help="only this one")
    for each in (listed, again):
        each.add_argument("--station", metavar="NAME", help="only this station's")
        each.add_argument("--cause", metavar="TEXT", help="only those whose cause has these words")
    again.add_argument("--all", action="store_true", help="every one of them")
    again.add_argument("--by", required=True, metavar="ACCOUNT", help="who answers for it")
    again.add_argument(
        "--key", type=Path, metavar="FILE", help="also try this sealing.key, of a key folder used before"
    )


def _documents(groups: Groups[argparse.ArgumentParser], add: Adding) -> None:
    policy = groups.add_parser("policy", help="Publish policy.").add_subparsers(required=True, metavar="WHAT")
    publish = add(
        policy,
        "publish",
        "policy publish",
        "Sign a policy document and publish it to its scope; its version must be above every earlier one.",
        "hub policy publish policy.json --next",
    )
    publish.add_argument("file", type=Path, metavar="POLICY.json")
    publish.add_argument("--next", action="store_true", help="give it the next free version, whatever the file says")
    answered(publish)
    about = (
        "Take a narrower scope's rules back: its stations go by the next wider ones they hold. It is a number of its "
        "own in the history; publishing for the scope again gives it rules again."
    )
    withdraw = add(policy, "withdraw", "policy withdraw", about, "hub policy withdraw station/cho-1 --by le-thi-b")
    withdraw.add_argument("scope", metavar="SCOPE", help="kind/…, district/<edition>/<code> or station/<name>")
    withdraw.add_argument("--note", default="", metavar="TEXT", help="why, by which document")
    answered(withdraw)
    _signing(groups, add)
    schemas = add(
        groups, "schemas", "schemas", "Write the JSON Schemas of files and messages.", "hub schemas docs/schemas"
    )
    schemas.add_argument("folder", type=Path, metavar="DIR")
    schemas.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not current")
    demo = add(
        groups,
        "demo-province",
        "demo-province",
        "Invent a province: real communes, synthetic people, one for every outcome and reason.",
        "hub demo-province --people 300 --seed 7 --cast cast.json > people.json",
    )
    demo.add_argument("--people", type=int, default=300, metavar="N")
    demo.add_argument("--seed", type=int, default=7, metavar="N")
    demo.add_argument(
        "--at", type=_moment, metavar="RFC3339", help="the moment the ages are counted from; default: now"
    )
    demo.add_argument("--cast", type=Path, metavar="CAST.json", help="write who shows what, with their codes")
    demo.add_argument("--trust", type=Path, metavar="DIR", help="write the invented certificate authority's key there")
    about = "bring it all into this hub with a station of that name, whose settings are printed instead as JSON"
    demo.add_argument("--found", metavar="STATION", help=about)
    demo.add_argument("--kind", type=GateKind, choices=list(GateKind), default=GateKind.VENUE, help="that gate's kind")


def _signing(groups: Groups[argparse.ArgumentParser], add: Adding) -> None:
    _keys(groups, add)
    others = groups.add_parser("client", help="Register other systems.").add_subparsers(required=True, metavar="WHAT")
    about = "Register a system that brings declarations in and print its token, once; an existing name gets a new one."
    added = add(others, "add", "client add", about, "hub client add hue-s")
    added.add_argument("name", metavar="NAME")
    answered(added)
    add_places(groups, add)


def _keys(groups: Groups[argparse.ArgumentParser], add: Adding) -> None:
    group = groups.add_parser("keys", help="Show, rotate and erase keys.")
    whats = group.add_subparsers(required=True, metavar="WHAT")
    show = add(whats, "show", "keys show", "Print the hub's public keys and their ids.", "hub keys show --trust trust/")
    about = (
        "Sign declarations with a new key from now on; what the old one signed is believed until it expires. "
        "With --sealing: have stations seal to a new key; the old ones go on opening. A running hub tells its stations."
    )
    rotate = add(whats, "rotate", "keys rotate", about, "hub keys rotate --sealing --by le-thi-b")
    rotate.add_argument("--sealing", action="store_true", help="the key that stations seal to, not the signing one")
    answered(rotate)
    for each in (show, rotate):
        each.add_argument("--trust", type=Path, metavar="DIR", help="also write there whom stations must believe")
    about = "Destroy an earlier sealing key: what was sealed to it can be read by nobody any more. Asks before it does."
    erase = add(whats, "erase", "keys erase", about, "hub keys erase 0f1e2d3c4b5a6978 --by le-thi-b")
    erase.add_argument("id", metavar="ID", help="as `hub keys show` lists it")
    erase.add_argument("--by", required=True, metavar="ACCOUNT", help="the account that answers for it")
    erase.add_argument("--yes", action="store_true", help="do not ask")


def _snapshots(groups: Groups[argparse.ArgumentParser], add: Adding) -> None:
    about = "What stations hold of everybody's standing for days without a network."
    whats = groups.add_parser("snapshot", help=about).add_subparsers(required=True, metavar="WHAT")
    about = "Build the next snapshot now; a station fetches what changed, or all of it."
    build = add(whats, "build", "snapshot build", about, "hub snapshot build --whole")
    build.add_argument("--whole", action="store_true", help="also as a whole, not only as a change")
    add(whats, "list", "snapshot list", "List what can be fetched.", "hub snapshot list --json")
    about = "Hand no snapshots to a station any more, such as one whose card was stolen."
    withhold = add(whats, "withhold", "snapshot withhold", about, "hub snapshot withhold chot-2 --by le-thi-b --renew")
    withhold.add_argument("station", help="the station's name")
    withhold.add_argument("--by", required=True, help="the account that answers for it")
    withhold.add_argument("--renew", action="store_true", help="seal the next ones with a new key")
    about = "Hand snapshots to a station again."
    hand_out = add(whats, "hand-out", "snapshot hand-out", about, "hub snapshot hand-out chot-2")
    hand_out.add_argument("station", help="the station's name")
    answered(hand_out)


def _keeping(groups: Groups[argparse.ArgumentParser], add: Adding) -> None:
    keep = groups.add_parser("keep", help="Erase what is due.").add_subparsers(required=True, metavar="WHAT")
    add(keep, "now", "keep now", "Erase now what is older than the settings keep.", "hub keep now")
    add(keep, "record", "keep record", "List what was erased and when: counts only.", "hub keep record --json")
    about = "List which stations still have to erase rows of erased people."
    add(keep, "stations", "keep stations", about, "hub keep stations --json")
    person = groups.add_parser("person", help="What one person may ask for.")
    whats = person.add_subparsers(required=True, metavar="WHAT")
    number = "; the person's number or code comes on standard input"
    about = f"Print all that is known of a person, as JSON, in clear{number}."
    example = 'hub person export --by le-thi-b --reason "asked by herself" < number.txt > person.json'
    export = add(whats, "export", "person export", about, example)
    export.add_argument("--reason", default="", metavar="TEXT", help="why, for the log of look-ups")
    answered(export)
    about = f"Erase a person from every table; exit 1 while a legal hold stands{number}."
    erase = add(whats, "erase", "person erase", about, "hub person erase --by le-thi-b < number.txt")
    about = f"Hold a person's records: nothing of them is erased until then{number}."
    hold = add(
        whats,
        "hold",
        "person hold",
        about,
        'hub person hold --by le-thi-b --reason "court order 7" --until 2026-12-31T00:00:00+07:00 < number.txt',
    )
    hold.add_argument("--reason", required=True, metavar="TEXT", help="told to the person when they ask to be erased")
    hold.add_argument("--until", required=True, type=_moment, metavar="RFC3339", help="at most a year ahead")
    about = "Tie a card to the person behind a My QR; both come on standard input, a line each."
    link = add(whats, "link", "person link", about, "hub person link --by le-thi-b < my-qr-and-number.txt")
    answered(link)
    release = add(whats, "release", "person release", "End a hold before its time.", "hub person release 3 --by b")
    release.add_argument("hold", type=int, metavar="HOLD", help="the number that placing it gave")
    for each in (export, erase, hold):
        each.add_argument("--scheme", type=Scheme, choices=list(Scheme), default=Scheme.CITIZEN, help="what it is")
    for each in (erase, hold, release):
        each.add_argument("--by", required=True, metavar="ACCOUNT", help="who answers for it")


def _backing_up(groups: Groups[argparse.ArgumentParser], add: Adding) -> None:
    about = "Write database, keys and policy into one encrypted file, while the hub runs."
    backup = add(groups, "backup", "backup", about, "hub backup /mnt/backup/hub.tqb --passphrase-file secret.txt")
    about = (
        "Put a backup into an empty data folder, and into the empty PostgreSQL database if hub.toml names one; erase "
        "again whom it still knows of those erased since. Stations then send what it does not hold."
    )
    restore = add(groups, "restore", "restore", about, "hub restore /mnt/backup/hub.tqb --data /var/lib/tram-quet-hub")
    restore.add_argument(
        "--erasures",
        type=Path,
        action="append",
        metavar="FILE",
        help="a list of erasures that is newer than the backup, or a newer backup; again for each one",
    )
    answered(restore)
    for each in (backup, restore):
        each.add_argument("file", type=Path, metavar="FILE")
        each.add_argument(
            "--passphrase-file", type=Path, metavar="FILE", help="read the passphrase there instead of asking for it"
        )


def _accounts(groups: Groups[argparse.ArgumentParser], add: Adding) -> None:
    account = groups.add_parser("account", help="Let officials in.").add_subparsers(required=True, metavar="WHAT")
    about = "Open an official's account; the password is asked for, or is the first line of standard input."
    opened = add(account, "add", "account add", about, "hub account add lan --role checkpoint-officer --place chot-1")
    opened.add_argument("name", metavar="NAME")
    opened.add_argument("--role", required=True, choices=[role.value for role in Role])
    opened.add_argument("--shown", default="", metavar="TEXT", help="name and office, as colleagues read it")
    opened.add_argument("--place", default="", metavar="CODE", help="the place whose rules the check page goes by")
    opened.add_argument("--commune", action="append", default=[], metavar="EDITION/CODE", help="again for each one")
    opened.add_argument("--own", action="store_true", help="its owner typed the password and need not change it")
    add(account, "list", "account list", "List officials' accounts.", "hub account list --json")
    about = "Shut an account and end its sessions."
    shut = add(account, "disable", "account disable", about, "hub account disable lan")
    about = "Give an account a new password, no second factor, and open it again if it was shut."
    again = add(account, "reset", "account reset", about, "hub account reset lan")
    for each in (shut, again):
        each.add_argument("name", metavar="NAME")
    for each in (opened, shut, again):
        answered(each)
    about = "Prove the log of look-ups from its first entry; exit 1 when one was changed, added or removed."
    add(account, "log", "account log", about, "hub account log --json")


def _province(groups: Groups[argparse.ArgumentParser], add: Adding) -> None:
    province = groups.add_parser("province", help="Try an existing province system.")
    whats = province.add_subparsers(required=True, metavar="WHAT")
    about = (
        "Read the mapping, ask the system once for a number that nobody has, and show how each place of its answer was "
        "read, with 9 for digits and a for letters; exit 1 when the answer does not fit, 69 when none came."
    )
    check = add(whats, "check", "province check", about, "hub province check --config hub.toml --who - < number.txt")
    check.add_argument("--who", default="", metavar="NUMBER", help="ask for this one; - reads it from standard input")
    check.add_argument("--scheme", type=Scheme, choices=list(Scheme), help="what it is; default: the mapping's first")


def _letter(text: str) -> tuple[str, str, int]:
    station, epoch, seq = (*text.split("/"), "", "")[:3]
    if not (station and epoch and seq.isdecimal() and int(seq)):
        raise argparse.ArgumentTypeError("write STATION/EPOCH/SEQ, as the list prints it")
    return station, epoch, int(seq)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("needs a time zone, such as Z or +07:00")
    return moment
