"""An official's long look holds nobody up: rows are taken in and checks are answered while it is worked out."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hub_stand import CITIZEN, journal_of, now
from litestar.testing import TestClient

from hub.centre import Centre
from hub.config import Settings
from hub.doors import api
from hub.journals.intake import take
from hub.journals.reading import read_pending
from hub.journals.writer import Writer
from hub.officials import accounts, audit, sessions
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.storage.tables import visits
from hub.web.site import Site

PASSWORD = "ba con vịt trời"
HUE = now() + timedelta(hours=7)
WINDOW = {
    "since": f"{HUE - timedelta(hours=5):%Y-%m-%dT%H:%M}",
    "until": f"{HUE + timedelta(minutes=5):%Y-%m-%dT%H:%M}",
    "margin": "15",
}
LONGEST = 60.0
"""Seconds for which a look is held back at most: a machine with other work needs some for what is done meanwhile."""

ROLES = (Role.EPIDEMIOLOGIST, Role.COMMUNE_OFFICER, Role.CHECKPOINT_OFFICER)


class Held:
    """One statement of the database's, kept from starting until it is let go."""

    def __init__(self, begins: str) -> None:
        self._begins = begins
        self.reached, self.go, self.in_time = threading.Event(), threading.Event(), True

    def __call__(self, _connection, _cursor, statement, *_) -> None:
        if statement.startswith(self._begins) and not self.reached.is_set():
            self.reached.set()
            self.in_time = self.go.wait(LONGEST)


@pytest.fixture
def hold():
    """Has the next statement that begins so wait."""
    placed = []

    def next_one(begins):
        held = Held(begins)
        sa.event.listen(sa.Engine, "before_cursor_execute", held)
        placed.append(held)
        return held

    yield next_one
    for held in placed:
        held.go.set()
        sa.event.remove(sa.Engine, "before_cursor_execute", held)


@pytest.fixture
def pages(peopled, ring):
    """The hub's pages in this process: ``pages(role, path, **fields)`` sends a form in."""
    with peopled.writing() as connection:
        for role in ROLES:
            communes = ("63/475",) if role is Role.COMMUNE_OFFICER else ()
            accounts.add(
                connection, Account(role.value, role.value, role, communes=communes), accounts.Password(PASSWORD), now()
            )
    came = {role: sessions.sign_in(peopled, ring, role.value, PASSWORD, "", "test", now()) for role in ROLES}
    app = api.build(api.Doors(Centre(peopled, ring), Writer(peopled, ring)), Site(Centre(peopled, ring), Settings()))
    with TestClient(app) as client:
        client.get("/officers/sign-in")
        token = client.cookies["tq_csrf"]

        def send(role, path, **fields):
            own = f"tq_csrf={token}; tq_official={came[role].token}"
            return client.post(path, data={"_csrf_token": token, **fields}, headers={"cookie": own})

        yield send


LOOKS = [
    (Role.EPIDEMIOLOGIST, "/officers/trace", {**WINDOW, "about": "place", "place": "cho"}, "SELECT visits.", "place"),
    (Role.EPIDEMIOLOGIST, "/officers/search", {"who": "anh nguyen"}, "SELECT people.", "search"),
    (Role.COMMUNE_OFFICER, "/officers/arrivals", {"days": "3"}, "SELECT declarations.", "arrivals"),
]


# Plain types in handlers' signatures are how the installed version is used; its next one spells them otherwise.
@pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")
@pytest.mark.parametrize(("role", "path", "fields", "begins", "action"), LOOKS, ids=[look[1] for look in LOOKS])
def test_a_check_in_is_kept_and_a_check_answered_while_a_long_look_is_worked_out(
    peopled, ring, pages, hold, role, path, fields, begins, action
):
    journal = journal_of(ring)
    with ThreadPoolExecutor(1) as other:
        held = hold(begins)
        looking = other.submit(pages, role, path, why="ca bệnh số 12", **fields)
        assert held.reached.wait(LONGEST)
        journal.write(CITIZEN, at=now() - timedelta(minutes=5))
        with peopled.writing() as connection:
            take(connection, journal.batch(), now())
            read_pending(connection, ring, 100, now())
        checked = pages(Role.CHECKPOINT_OFFICER, "/officers/check", box="entry", code=CITIZEN)
        with peopled.reading() as connection:
            kept = connection.scalar(sa.select(sa.func.count()).select_from(visits))
            log = [entry.action for entry in audit.entries(connection)]
        held.go.set()
        shown = looking.result(2 * LONGEST)
    assert (held.in_time, kept, "N***** T** Ánh" in checked.text, log) == (True, 1, True, ["check"])
    assert shown.status_code == 200
    with peopled.reading() as connection:
        assert audit.entries(connection)[0].action == action
