"""``hub account``: officials' accounts from the command line, the first of them above all."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from hub.commands.answering import note, who
from hub.commands.opening import opened
from hub.errors import DataError
from hub.officials import accounts, audit
from hub.officials.accounts import Account
from hub.officials.rights import Role


def add(given: argparse.Namespace) -> int:
    """``hub account add``."""
    account = Account(
        name=given.name,
        shown=given.shown or given.name,
        role=Role(given.role),
        place=given.place,
        communes=tuple(given.commune),
        must_change=not given.own,
    )
    password = accounts.Password(_password())
    with opened(given) as (store, _), store.writing() as connection:
        accounts.add(connection, account, password, datetime.now(UTC))
        _record(connection, given, "added")
    _tell(given, account.name, f"{account.role.value}, signs in at /officers/sign-in")
    return os.EX_OK


def listed(given: argparse.Namespace) -> int:
    """``hub account list``."""
    with opened(given) as (store, _), store.reading() as connection:
        found = accounts.listed(connection)
    if given.json:
        print(msgspec.json.encode(found).decode())
    for each in [] if given.json else found:
        marks = [each.place, *each.communes, "second factor" if each.second_factor else ""]
        state = "disabled" if each.disabled else "  ".join(mark for mark in marks if mark)
        print(f"{each.name}  {each.role.value}  {each.shown}  {state}".rstrip())
    return os.EX_OK


def disable(given: argparse.Namespace) -> int:
    """``hub account disable``."""
    with opened(given) as (store, _), store.writing() as connection:
        _record(connection, given, "disable")
        accounts.disable(connection, given.name, datetime.now(UTC))
    _tell(given, given.name, "disabled, its sessions have ended")
    return os.EX_OK


def reset(given: argparse.Namespace) -> int:
    """``hub account reset``."""
    password = accounts.Password(_password())
    with opened(given) as (store, ring), store.writing() as connection:
        accounts.reset(connection, ring, given.name, password)
        accounts.enable(connection, given.name)
        _record(connection, given, "reset")
    _tell(given, given.name, "has this password until its owner chooses another, and no second factor")
    return os.EX_OK


def prove(given: argparse.Namespace) -> int:
    """``hub account log``."""
    with opened(given) as (store, _), store.reading() as connection:
        proof = audit.prove(connection)
    said = f"{proof.entries} entries, head {proof.head}: " + (
        "whole" if proof.whole else f"NOT whole, entry {proof.broken} does not fit"
    )
    print(msgspec.json.encode(proof).decode() if given.json else said)
    return os.EX_OK if proof.whole else 1


def _record(connection: sa.Connection, given: argparse.Namespace, what: str) -> None:
    note(connection, who(connection, given), "account", detail={"account": given.name, "what": what})


def _tell(given: argparse.Namespace, name: str, said: str) -> None:
    print(msgspec.json.encode({"account": name, "done": said}).decode() if given.json else f"{name}: {said}")


def _password() -> str:
    """Asked for twice at a terminal, else one line of standard input; never an argument, which others could read."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    typed = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != typed:
        raise DataError(["the two passwords differ"])
    return typed
