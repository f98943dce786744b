"""The log of look-ups: appended to, chained, and broken by any change."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from hub_stand import now

from hub.officials import audit
from hub.officials.accounts import Account
from hub.officials.rights import Role

OFFICER = Account("lan", "Lan", Role.CHECKPOINT_OFFICER)
PERSON = "ab" * 16


@pytest.fixture
def logged(store):
    """A store with three look-ups."""
    for number in range(3):
        with store.writing() as connection:
            moment = now() + timedelta(seconds=number)
            audit.append(
                connection,
                OFFICER,
                "check",
                moment,
                address="10.0.0.1",
                person=PERSON if number else "",
                why="ca trực",
                detail={"box": "entry", "found": bool(number)},
            )
    return store


def test_entries_are_read_back_newest_first_by_person_and_by_account(logged):
    with logged.reading() as connection:
        assert [entry.seq for entry in audit.entries(connection)] == [3, 2, 1]
        assert [entry.seq for entry in audit.entries(connection, before=3, at_most=1)] == [2]
        about = audit.entries(connection, person=PERSON)
        assert [(entry.seq, entry.why, entry.detail) for entry in about] == [
            (3, "ca trực", {"box": "entry", "found": True}),
            (2, "ca trực", {"box": "entry", "found": True}),
        ]
        assert audit.entries(connection, account="nobody") == []


def showing(store, keys):
    with store.writing() as connection:
        return audit.append(connection, OFFICER, "place", now(), address="10.0.0.1", why="ổ dịch", shown=keys).seq


def test_a_list_is_found_by_everybody_whom_it_showed(logged):
    keys = [f"{number:032x}" for number in range(1, 501)]
    seq = showing(logged, [*keys, keys[0], ""])
    with logged.reading() as connection:
        assert audit.shown(connection, seq) == keys
        assert [entry.seq for entry in audit.entries(connection, person=keys[250])] == [seq]
        assert audit.entries(connection, person="ff" * 16) == []
        assert audit.prove(connection).whole


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_shown WHERE person = (SELECT person FROM audit_shown ORDER BY person LIMIT 1)",
        "INSERT INTO audit_shown (person, seq) SELECT person, 3 FROM audit_shown LIMIT 1",
        "INSERT INTO audit_shown (person, seq) SELECT person, 4 FROM audit WHERE seq = 2",
    ],
)
def test_whoever_takes_somebody_off_a_list_or_puts_them_on_it_breaks_the_chain(logged, statement):
    seq = showing(logged, ["01" * 16, "02" * 16])
    with logged.writing() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER audit_shown_no_delete")
        else:
            connection.exec_driver_sql("DROP TRIGGER audit_shown_only_appended ON audit_shown")
        connection.exec_driver_sql(statement)
    with logged.reading() as connection:
        assert audit.prove(connection).broken == (3 if " 3 " in statement else seq)


def test_the_database_refuses_to_change_or_shorten_a_list(logged):
    showing(logged, ["01" * 16])
    for statement in ("UPDATE audit_shown SET seq = 1", "DELETE FROM audit_shown"):
        with pytest.raises(sa.exc.DBAPIError, match="only appended"), logged.writing() as connection:
            connection.exec_driver_sql(statement)


def test_the_log_proves_itself_up_to_its_head(logged):
    with logged.reading() as connection:
        proof = audit.prove(connection)
        assert proof.whole
        assert (proof.entries, proof.head) == (3, audit.entries(connection)[0].digest)


def test_the_newest_entries_can_be_proven_alone(logged):
    with logged.reading() as connection:
        proof = audit.prove(connection, last=2)
        assert (proof.whole, proof.first, proof.entries) == (True, 2, 2)
        assert proof.head == audit.prove(connection).head


def test_the_database_refuses_to_change_or_remove_an_entry(logged):
    for statement in ("UPDATE audit SET why = ''", "DELETE FROM audit"):
        with pytest.raises(sa.exc.DBAPIError, match="only appended"), logged.writing() as connection:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET why = 'khác' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
        "UPDATE audit SET account = 'hoa' WHERE seq = 2",
        "UPDATE audit SET person = NULL WHERE seq = 2",
    ],
)
def test_whoever_changes_the_log_behind_the_hub_breaks_the_chain_at_that_entry(logged, statement):
    with logged.writing() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER audit_no_update")
            connection.exec_driver_sql("DROP TRIGGER audit_no_delete")
        else:
            connection.exec_driver_sql("DROP TRIGGER audit_only_appended ON audit")
        connection.exec_driver_sql(statement)
    with logged.reading() as connection:
        proof = audit.prove(connection)
    assert (proof.whole, proof.broken, proof.entries) == (False, 2, 1)
