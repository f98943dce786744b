"""What the tests of keeping and erasing stand on: rows of some days ago, a person to be erased, what is left."""

from datetime import timedelta

import sqlalchemy as sa
from hub_stand import CITIZEN, now

from core.model import Scheme, Subject
from hub.custody import erasing
from hub.custody.retention import Days
from hub.journals import boots, intake, proof, reading

NAME = "Nguyễn Thị Ánh"
STRANGER = "046099000001"
DAYS = Days()


def take(store, ring, journal, arrived=None, first=1, last=None):
    """Brings rows in as if they had arrived at a moment, and reads them."""
    with store.writing() as connection:
        intake.take(connection, journal.batch(first, last), arrived or now())
        while reading.read_pending(connection, ring, 100, arrived or now())[0]:
            pass
        while boots.date_held(connection, 100):
            pass


def days_ago(days: float):
    return now() - timedelta(days=days)


def count(store, table) -> int:
    with store.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))


def person_of(store, ring, number=CITIZEN) -> int:
    with store.reading() as connection:
        return erasing.person_by(connection, ring, Subject(Scheme.CITIZEN, number))


def erase(store, ring, person):
    with store.writing() as connection:
        return erasing.erase(connection, ring, person, "admin", now())


def proven(store, station="s1"):
    with store.reading() as connection:
        (only,) = proof.prove(connection, station)
        return only


def old_and_new(store, ring, journal):
    """Three check-ins of 30 days ago and two of today."""
    for _ in range(3):
        journal.write(at=days_ago(30))
    take(store, ring, journal, days_ago(30))
    for _ in range(2):
        journal.write()
    take(store, ring, journal, first=4)
