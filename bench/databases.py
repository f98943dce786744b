"""A PostgreSQL of the benches' own, with the durability that a province would run it with: nothing is switched off."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

import psycopg

SECONDS = 120


def installed() -> bool:
    """Whether this machine has a PostgreSQL to start."""
    return _program("initdb") is not None


def _program(name: str) -> str | None:
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(kept[-1]) if kept else shutil.which(name)


class Postgres:
    """The server, on a socket and no port; a context manager."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tq-bench-"))
        self._as: dict[str, object] = {}
        if os.geteuid() == 0:  # which it refuses to run as
            nobody = pwd.getpwnam("nobody")
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def __enter__(self) -> Postgres:
        """Makes the cluster and starts it."""
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", "tq", "-A", "trust", "-E", "UTF8", "--locale=C")
        options = f"-c listen_addresses= -c unix_socket_directories={self._folder} -c shared_buffers=256MB"
        self._run("pg_ctl", "-D", data, "-w", "-o", options, "-l", str(self._folder / "log"), "start")
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Ends it and throws everything away."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def make(self, name: str) -> str:
        """The URL of a new database, as ``hub.toml`` takes it."""
        with psycopg.connect(host=str(self._folder), user="tq", dbname="postgres", autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://tq@/{name}?host={self._folder}"

    def _run(self, name: str, *words: str) -> None:
        program = _program(name)
        assert program is not None
        command = [program, *words]
        subprocess.run(command, cwd=self._folder, check=True, stdout=subprocess.DEVNULL, timeout=SECONDS, **self._as)
