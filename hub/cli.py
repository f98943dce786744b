"""The ``hub`` command: what each word runs.  Its module is brought in only then, so that help comes at once."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from types import ModuleType

from hub import arguments, logs
from hub.errors import HubError


def main(given: Sequence[str] | None = None) -> int:
    """Runs one command; its exit code is one of sysexits."""
    chosen = arguments.parser(COMMANDS).parse_args(given)
    logs.set_up()
    try:
        return int(chosen.run(chosen))
    except HubError as error:
        print(f"hub: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
        return os.EX_OK


def command(module: str, function: str) -> arguments.Command:
    """A function of a module in ``hub.commands``."""
    return getattr(MODULES[module](), function)  # type: ignore[no-any-return]


def _run(module: str, function: str, given: argparse.Namespace) -> int:
    return command(module, function)(given)


MODULES: dict[str, Callable[[], ModuleType]] = {
    "accounts": lambda: import_module("hub.commands.accounts"),
    "backups": lambda: import_module("hub.commands.backups"),
    "dead_letters": lambda: import_module("hub.commands.dead_letters"),
    "documents": lambda: import_module("hub.commands.documents"),
    "inventing": lambda: import_module("hub.commands.inventing"),
    "keeping": lambda: import_module("hub.commands.keeping"),
    "linking": lambda: import_module("hub.commands.linking"),
    "ordering": lambda: import_module("hub.commands.ordering"),
    "posting": lambda: import_module("hub.commands.posting"),
    "province": lambda: import_module("hub.commands.province"),
    "records": lambda: import_module("hub.commands.records"),
    "serving": lambda: import_module("hub.commands.serving"),
    "signing": lambda: import_module("hub.commands.signing"),
    "simulating": lambda: import_module("hub.commands.simulating"),
    "snapshots": lambda: import_module("hub.commands.snapshots"),
    "stations": lambda: import_module("hub.commands.stations"),
    "watching": lambda: import_module("hub.commands.watching"),
}
FUNCTIONS = {
    "account add": ("accounts", "add"),
    "account list": ("accounts", "listed"),
    "account disable": ("accounts", "disable"),
    "account reset": ("accounts", "reset"),
    "account log": ("accounts", "prove"),
    "serve": ("serving", "serve"),
    "import": ("records", "import_file"),
    "export checkins": ("records", "export_checkins"),
    "station add": ("stations", "add_station"),
    "station list": ("stations", "list_stations"),
    "journal verify": ("stations", "verify_journal"),
    "journal conflicts": ("stations", "list_conflicts"),
    "alarms": ("watching", "list_alarms"),
    "other-verdicts": ("watching", "list_other_verdicts"),
    "dead-letter list": ("dead_letters", "list_letters"),
    "dead-letter show": ("dead_letters", "show_letter"),
    "dead-letter replay": ("dead_letters", "replay"),
    "fleet": ("watching", "fleet"),
    "policy publish": ("documents", "publish_policy"),
    "policy withdraw": ("documents", "withdraw_policy"),
    "order": ("ordering", "give"),
    "orders list": ("ordering", "list_all"),
    "orders show": ("ordering", "show"),
    "keep now": ("keeping", "keep_now"),
    "keep record": ("keeping", "keep_record"),
    "keep stations": ("keeping", "keep_stations"),
    "snapshot build": ("snapshots", "build_now"),
    "snapshot list": ("snapshots", "list_all"),
    "snapshot withhold": ("snapshots", "withhold"),
    "snapshot hand-out": ("snapshots", "hand_out"),
    "person export": ("keeping", "person_export"),
    "person erase": ("keeping", "person_erase"),
    "person link": ("linking", "link_card"),
    "person hold": ("keeping", "person_hold"),
    "person release": ("keeping", "person_release"),
    "province check": ("province", "check"),
    "backup": ("backups", "backup"),
    "restore": ("backups", "restore"),
    "keys show": ("signing", "show_keys"),
    "keys rotate": ("signing", "rotate_keys"),
    "keys erase": ("signing", "erase_key"),
    "client add": ("signing", "add_client"),
    "place list": ("posting", "list_places"),
    "place put": ("posting", "put"),
    "place code": ("posting", "print_code"),
    "place key": ("stations", "tell_place_key"),
    "schemas": ("documents", "write_schemas"),
    "demo-province": ("inventing", "invent_province"),
    "simulate": ("simulating", "simulate"),
}
COMMANDS: dict[str, arguments.Command] = {words: partial(_run, *where) for words, where in FUNCTIONS.items()}
