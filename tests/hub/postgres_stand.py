"""A real PostgreSQL of the tests' own: in a temporary folder, by an unprivileged user, on a socket and no port."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.storage.store import Store

HASTE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=60")
DURABLE = ("fsync=on", "synchronous_commit=on", "shared_buffers=32MB", "max_connections=60")
TEMPLATE = "tq_template"
WITHIN = 120
"""Seconds in which a program of PostgreSQL's must come to its end on a machine that has other things to do."""

END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# Waits until whoever started it ends, however that ends, and then ends the server.
GUARD = 'read -r _; "$0" -D "$1/data" -m immediate -w stop; rm -rf "$1"'
SHAPE = """
    SELECT md5(string_agg(what, ' ' ORDER BY what)) FROM (
        SELECT concat(tgrelid::regclass, tgname, tgenabled) AS what FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT concat(relname, relkind) FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT concat(attrelid::regclass, attname, atttypid) FROM pg_attribute JOIN pg_class
            ON attrelid = pg_class.oid WHERE relnamespace = 'public'::regnamespace AND attnum > 0
    ) AS parts
"""


def program(name: str) -> str | None:
    """A program of PostgreSQL's, the newest that Debian keeps aside, else one on the path."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(kept[-1]) if kept else shutil.which(name)


class Postgres:
    """The server and its databases: lent empty, given back, used again."""

    def __init__(self, options: Sequence[str] = HASTE) -> None:
        self._options = options
        found = program("initdb"), program("pg_ctl")
        if None in found:
            missing = "PostgreSQL is not installed here; provisioning/setup.sh dev installs it"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
        self._initdb, self._pg_ctl = (str(path) for path in found)
        self._made = 0
        self._free: list[str] = []

    def __enter__(self) -> "Postgres":
        self.folder = Path(tempfile.mkdtemp(prefix="tq-postgres-"))
        self._as: dict[str, object] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        data = str(self.folder / "data")
        self._run(self._initdb, "-D", data, "-U", "tq", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()
        self._guard = subprocess.Popen(
            ["sh", "-c", GUARD, self._pg_ctl, self.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            **self._as,
        )
        self._admin = sa.create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        self._execute(f"CREATE DATABASE {TEMPLATE}")
        template = Store(self._url(TEMPLATE))
        template.upgrade()
        with template.reading() as connection:
            self._tables = [name for name in sa.inspect(connection).get_table_names() if name != "alembic_version"]
            self._head = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
            self._shape = connection.scalar(sa.text(SHAPE))
        template.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.dispose()
        self._guard.communicate(timeout=WITHIN)  # its input ends, and with it the server

    def start(self) -> None:
        """Starts the server on its data, as after a crash."""
        everything = (*self._options, "listen_addresses=", f"unix_socket_directories={self.folder}")
        options = " ".join(f"-c {option}" for option in everything)
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self._run(self._pg_ctl, "-D", data, "-w", "-o", options, "-l", log, "start")

    def stop(self) -> None:
        """Stops the server at once, whoever is on it."""
        self._admin.dispose()
        self._run(self._pg_ctl, "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def kill(self) -> None:
        """Ends it as a lost power line would, then starts it again."""
        lines = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        os.kill(int(lines[0]), signal.SIGKILL)
        until = time.monotonic() + WITHIN
        while True:  # its children notice by themselves, and hold the shared memory until then
            try:
                self.start()
                return
            except subprocess.CalledProcessError:
                assert time.monotonic() < until, (self.folder / "log").read_text()[-2000:]
                time.sleep(0.2)

    def lend(self) -> str:
        """The URL of a database at this program's schema with nothing in it."""
        return self._free.pop() if self._free else self.make(TEMPLATE)

    def take_back(self, url: str) -> None:
        """Empties a lent database for the next one, or throws it away when its shape was changed."""
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(END_OTHERS)
            same = connection.scalar(sa.text(SHAPE)) == self._shape
            if same:
                self._empty(connection)
        if same:
            self._free.append(url)
        else:
            self.drop(url)

    def _empty(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET session_replication_role = replica")  # past tables that only grow
        filled = [name for name in self._tables if connection.scalar(sa.text(f'SELECT 1 FROM "{name}" LIMIT 1'))]
        if filled:
            names = ", ".join(f'"{name}"' for name in filled)
            connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :head"), {"head": self._head})

    def make(self, template: str = "template1") -> str:
        """The URL of a database of one's own; without a template there is nothing in it."""
        self._made += 1
        self._execute(f"CREATE DATABASE tq{self._made} TEMPLATE {template}")
        return self._url(f"tq{self._made}")

    def make_vietnamese(self) -> str:
        """The URL of an empty database that orders text as a Vietnamese dictionary does, so not by bytes."""
        return self.make("template0 LOCALE_PROVIDER icu ICU_LOCALE 'vi'")

    def drop(self, url: str) -> None:
        """Throws a database away, whoever is still on it."""
        self._execute(f"DROP DATABASE {sa.make_url(url).database} WITH (FORCE)")

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://tq@/{name}?host={self.folder}"

    def _execute(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.exec_driver_sql(statement)

    def _run(self, *words: str) -> None:
        patient = {**os.environ, "PGCTLTIMEOUT": str(WITHIN)}
        subprocess.run(
            words, cwd=self.folder, check=True, stdout=subprocess.DEVNULL, timeout=2 * WITHIN, env=patient, **self._as
        )
