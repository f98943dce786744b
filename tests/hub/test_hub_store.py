"""The database and its keys: brought up to date, never taken back, never opened with strangers' keys."""

import stat

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hub_stand import command, now
from plans import scans

from core.model import Scheme, Subject
from hub.errors import ConfigError
from hub.register.standings import _STANDING, _STANDINGS
from hub.storage import keyring
from hub.storage.store import Store
from hub.storage.tables import identities, metadata


def test_the_steps_of_the_schema_end_in_exactly_the_tables_that_the_program_uses(store):
    with store.writing() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_database_is_brought_up_to_date_any_number_of_times(store):
    store.upgrade()
    store.upgrade()


def test_a_newer_schema_is_left_alone_with_a_clear_word(store):
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match="schema 9999, which is newer"):
        store.upgrade()


def test_a_newer_schema_ends_a_command_with_exit_78(tmp_path):
    command(tmp_path, "station", "list")
    store = Store(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    assert "newer than this program's" in command(tmp_path, "station", "list", code=78)


def test_keys_are_drawn_once_and_only_their_owner_reads_them(tmp_path):
    first = keyring.load(tmp_path / "keys")
    assert keyring.load(tmp_path / "keys") == first
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_a_database_refuses_the_keys_of_another_hub(store, ring, tmp_path):
    with store.writing() as connection:
        keyring.tie(connection, ring)
        keyring.tie(connection, ring)
        with pytest.raises(ConfigError, match="sealing, index, registry does not belong"):
            keyring.tie(connection, keyring.load(tmp_path / "others"))


def test_a_spoilt_key_file_is_named(tmp_path):
    keyring.load(tmp_path / "keys")
    (tmp_path / "keys" / "index.key").write_text("not a key")
    with pytest.raises(ConfigError, match=r"index\.key: a key is 32 bytes"):
        keyring.load(tmp_path / "keys")


def test_keys_show_in_no_text(ring):
    assert repr(ring) == "Keyring()"


@pytest.mark.parametrize("statement", [_STANDING, _STANDINGS], ids=["one", "many"])
def test_a_look_up_reads_no_table_from_end_to_end(peopled, ring, statement):
    digest = ring.digest(Subject(Scheme.CITIZEN, "0"))
    given = {"digest": digest, "digests": [digest, digest], "before": int(now().timestamp() * 1_000_000)}
    with peopled.reading() as connection:
        assert scans(connection, statement, given) == []


def test_a_long_look_streams_and_the_next_statement_sees_what_was_committed_meanwhile(peopled):
    with peopled.reading() as looking:
        streamed = looking.execution_options(yield_per=1).execute(sa.select(identities.c.digest))
        first = next(iter(streamed))
        streamed.close()
        with peopled.writing() as connection:
            connection.execute(sa.delete(identities))
        assert first
        assert looking.execute(sa.select(identities)).all() == []
