"""``station configure``: ask about the gate and write a config.toml that a station takes, the token in its own file."""

from __future__ import annotations

import argparse
import grp
import os
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

from provisioning import devices, questions
from provisioning.dialog import Dialog, Unanswered
from provisioning.document import Document, lay_over, render
from provisioning.form import Form
from station import config

EXAMPLES = """\
  sudo station configure                       ask everything
  sudo station configure --answers dong-ba-1.toml
                                               ask only what the sheet that `hub station add`
                                               printed for this gate cannot know
  station configure --config out/gate-7.toml --answers fleet.toml --answers gate-7.toml --no-questions
                                               one of forty boxes, prepared at a desk"""
GROUP = "tram-quet"
"""The group of the service's account, which may read what root wrote."""
TOKEN_FILE = "hub.token"
TRUST_FOLDER = "trust"
"""Beside the configuration, where it was laid out: the keys that signed codes are checked against."""


class Refused(Exception):
    """Nothing was written; the text says why, the code is one of sysexits."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes. A token is never an argument: other programs could read it there."""
    parser.add_argument("--config", type=Path, default=config.DEFAULT_PATH, metavar="FILE", help="the file to write")
    parser.add_argument(
        "--answers",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a part of a config.toml; what it says is not asked; may be given again, a later one has the word",
    )
    parser.add_argument("--no-questions", action="store_true", help="take the usual answer to everything else")
    parser.add_argument("--force", action="store_true", help="replace a configuration that is there already")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when written, 65 when answers are missing or unreadable, 73 when it cannot be written, 78 when wrong."""
    dialog = Dialog(None if arguments.no_questions else sys.stdin, sys.stderr)
    path: Path = arguments.config
    try:
        _look_at(path, force=arguments.force)
        document = answered(arguments.answers)
        if (path.parent / TRUST_FOLDER).is_dir():
            document.setdefault("trust", {}).setdefault("folder", TRUST_FOLDER)
        interview(Form(dialog, document))
        for written in write(document, path, force=arguments.force):
            dialog.say(f"wrote {written}")
    except Unanswered as error:
        dialog.say(f"station: the answers ended before this question: {error}; nothing was written")
        return os.EX_DATAERR
    except Refused as error:
        dialog.say(f"station: {error}")
        return error.code
    for remark in config.remarks(config.load(path, here=False)):
        dialog.say(f"{path}: {remark}")
    dialog.say("next: `station doctor` tries every device; `systemctl restart station` starts the gate")
    return os.EX_OK


def answered(files: list[Path]) -> Document:
    """The answers of all files, a later one over an earlier one; raises ``Refused``."""
    document: Document = {}
    for file in files:
        try:
            part = tomllib.loads(file.read_text("utf-8-sig"))
        except OSError as error:
            raise Refused(f"{file}: {error.strerror or error}; name a file with answers", os.EX_NOINPUT) from error
        except ValueError as error:  # not UTF-8, or not TOML
            raise Refused(f"{file}: not TOML: {error}", os.EX_DATAERR) from error
        for name, value in part.items():
            if not isinstance(value, list if name == "scanner" else Mapping):
                raise Refused(f"{file}: {name} is not a section; write [{name}] above its keys", os.EX_DATAERR)
        document = lay_over(document, part)
    return document


def interview(form: Form) -> None:
    """Ask what the answers leave open."""
    questions.ask_place(form)
    questions.ask_hub(form)
    questions.ask_eyes(form, devices.cameras(devices.DEV), devices.scanners(devices.DEV))
    questions.ask_signals(form)


def write(document: Document, path: Path, *, force: bool = False) -> tuple[Path, ...]:
    """Write the configuration, and a token that it holds into a file beside it; the files written.

    Raises ``ConfigError`` (with every fault) before anything is written, ``Refused`` when a file cannot be.
    """
    hub = dict(document.get("hub", {}))
    token = hub.pop("token", None)
    if token:
        document = {**document, "hub": {**hub, "token_file": hub.get("token_file", TOKEN_FILE)}}
    text = render(document)
    config.read(text, path=str(path), base=path.parent)
    contents = {path: text}
    if token:
        contents = {path.parent / document["hub"]["token_file"]: f"{token}\n", path: text}
    for file in contents:
        _look_at(file, force=force)
    for file, content in contents.items():
        _put(file, content)
    return tuple(contents)


def _look_at(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise Refused(f"{path} is there already; --force replaces it", os.EX_CANTCREAT)


def _put(path: Path, text: str) -> None:
    """The text whole or not at all, for its owner and the service alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".", delete=False) as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _share(file.name)
        os.replace(file.name, path)
    except OSError as error:
        cure = "run it as root, or name another file with --config"
        raise Refused(f"{path}: {error.strerror or error}; {cure}", os.EX_CANTCREAT) from error


def _share(name: str) -> None:
    """Let the service's account read it, where there is one."""
    try:
        group = grp.getgrnam(GROUP).gr_gid
    except KeyError:
        return
    if os.geteuid() == 0:
        os.chown(name, 0, group)
        os.chmod(name, 0o640)
