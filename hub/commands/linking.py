"""``hub person link``: a card tied to the person behind a My QR, by staff who have both before them."""

from __future__ import annotations

import argparse
import os
import sys

from core.model import Scheme
from hub.commands.answering import note, who
from hub.commands.opening import opened
from hub.custody import erasing
from hub.errors import DataError
from hub.register import myqr
from hub.register.people import IdentityRecord

LONGEST_CODE = 512


def link_card(given: argparse.Namespace) -> int:
    """``hub person link``."""
    token, document = (sys.stdin.readline(LONGEST_CODE).strip() for _ in range(2))
    with opened(given) as (store, ring), store.writing() as connection:
        try:
            person = erasing.person_by(connection, ring, IdentityRecord(Scheme.TOKEN, token).subject)
            myqr.link(connection, ring, person, document, by_staff=True)
            note(connection, who(connection, given), "link", person=person)
        except erasing.Unknown:
            raise DataError(["standard input, first line: nobody is registered with this My QR"]) from None
        except myqr.NotLinked as problem:
            raise DataError([f"standard input, second line: {problem}"]) from problem
    print('{"linked":true}' if given.json else "linked")
    return os.EX_OK
