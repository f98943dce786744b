"""The journal's file: one owner, one connection, one transaction at a time; every failure told in a guard's words.

A damaged file is set aside and salvaged as soon as anybody meets the damage; one that was deleted is written anew from
the open connection.  Only a write that took room ends a trouble: reading from a full disk proves nothing.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from core.model import Reason
from station.errors import JournalError, JournalInUse
from station.journal import salvage, schema

log = logging.getLogger(__name__)

_TOLD = {
    sqlite3.SQLITE_FULL: (
        Reason.JOURNAL_FULL,
        "the disk or the journal's quota is full; free space or raise max_bytes",
    ),
    sqlite3.SQLITE_READONLY: (
        Reason.JOURNAL_READ_ONLY,
        "cannot be written; mount it writable or give it to the service",
    ),
    sqlite3.SQLITE_CANTOPEN: (Reason.JOURNAL_READ_ONLY, "cannot be opened; create the data folder for the service"),
    sqlite3.SQLITE_PERM: (Reason.JOURNAL_READ_ONLY, "may not be written; give the file to the service's user"),
}
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_MEANT = {
    errno.ENOSPC: sqlite3.SQLITE_FULL,
    errno.EDQUOT: sqlite3.SQLITE_FULL,
    errno.EROFS: sqlite3.SQLITE_READONLY,
    errno.EACCES: sqlite3.SQLITE_PERM,
    errno.EPERM: sqlite3.SQLITE_PERM,
}
_TOOK_ROOM = 8192
_SALVAGE_AGAIN = 60.0
_LOCKED_FOR = 0.5
"""Seconds that a lock of somebody else's program is waited for: nobody else has any business to write here."""


def _code(error: sqlite3.Error | OSError, folder: Path) -> int:
    """SQLite's primary code for an error; SQLite says *I/O error* of a full disk that has no room for its ``-shm``."""
    if not isinstance(error, sqlite3.Error):
        return _MEANT.get(error.errno or 0, 0)
    code = int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
    if code == sqlite3.SQLITE_IOERR and _is_full(folder):
        return sqlite3.SQLITE_FULL
    return code


def _is_full(folder: Path) -> bool:
    try:
        return os.statvfs(folder).f_bavail == 0
    except OSError:
        return False


def _inode(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class JournalFile:
    """The connection and its weather; ``on_open`` is called inside the first transaction after each opening."""

    def __init__(self, path: Path, max_bytes: int | None, on_open: Callable[[sqlite3.Connection], None]) -> None:
        self.path = path
        self.trouble: JournalError | None = None
        self.set_aside: Path | None = None
        self.lock = threading.RLock()
        self._max_bytes, self._on_open = max_bytes, on_open
        self._over = False  # more is held already than may be
        self._unsure = False  # something that looks written may be in the kernel's memory alone
        self._db: sqlite3.Connection | None = None
        self._ready = False
        self._salvage_next, self._saved, self._unread = 0.0, 0, ""
        self._owner: int | None = None
        self._names = (str(path), f"{path}-wal")
        self._inodes: tuple[tuple[int, int] | None, ...] = ()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction, durable when the block ends; ``JournalError`` says what SQLite or the disk refused."""
        with self.lock:
            try:
                db = self._opened()
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            except (sqlite3.Error, OSError) as error:
                raise self._fail(error) from error
            except BaseException:
                self._roll_back()
                raise

    @contextlib.contextmanager
    def unsynced(self) -> Iterator[sqlite3.Connection]:
        """One transaction that nobody waits for the disk with: what a power cut may take back, others tell again.

        It is whole or not there, and never overtaken: the log is written in order, so that the next durable transaction
        takes it to the disk as well.
        """
        with self.lock:
            try:
                with self.reading() as db:
                    db.execute("PRAGMA synchronous = NORMAL")
                with self.transaction() as db:
                    yield db
            finally:
                self._sync_again()

    def _sync_again(self) -> None:
        """Has every commit wait for the disk again; a connection that will not is given up: a new one does."""
        try:
            if self._db is not None:
                self._db.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error:
            self._disconnect()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection for looking only: nobody else writes while the lock is held; errors as above."""
        with self.lock:
            try:
                yield self._opened()
            except (sqlite3.Error, OSError) as error:
                raise self._fail(error) from error

    @property
    def damaged(self) -> bool:
        """Whether the trouble is damage, which is mended already: what failed may be tried once more."""
        cause = self.trouble.__cause__ if self.trouble is not None else None
        return isinstance(cause, sqlite3.Error) and _code(cause, self.path.parent) in _DAMAGE

    def limit(self, max_bytes: int | None) -> None:
        """Gives the journal another quota; when it holds more than that already, no row can be written."""
        with self.lock:
            self._max_bytes = max_bytes
            self._disconnect()
            with contextlib.suppress(JournalError), self.reading() as db:
                ((pages,), (size,)) = (db.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "page_size"))
                self._over = max_bytes is not None and pages * size > max_bytes

    def check_quota(self) -> None:
        """``OSError`` for a row that the quota has no room for, whatever room is left between other rows."""
        if self._over:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    def take_up(self) -> None:
        """Has ``on_open`` called again before the next transaction."""
        with self.lock:
            self._ready = False

    def works(self) -> None:
        """A row could be written: whatever the trouble was, it is over."""
        if self.trouble is not None:
            log.warning("journal writes again", extra={"journal": str(self.path)})
            self.trouble = None

    def look_after(self) -> None:
        """What nobody's presentation has to wait for: brings a deleted file back, goes on copying from a
        damaged one, and sees whether a trouble is over.

        It is over when as much as a row could need can be written and taken back.
        """
        with self.lock, contextlib.suppress(JournalError):
            if self._ready and time.monotonic() >= self._salvage_next and salvage.waits(self.path):
                with self.reading() as db:
                    self._salvage(db)
            lost = self._ready and tuple(map(_inode, self._names)) != self._inodes
            if lost:
                self._bring_back()
            if lost or self.trouble is not None:
                with self.transaction() as db:
                    self.check_quota()
                    db.execute("INSERT INTO rows VALUES ('', 0, 0, zeroblob(?))", (_TOOK_ROOM,))
                    db.execute("DELETE FROM rows WHERE epoch = ''")
                self.works()

    def settle(self) -> bool:
        """Has what was erased leave SQLite's log as well; False while somebody reads, who is not waited for."""
        with self.reading() as db:
            return self._written_out(db)

    @staticmethod
    def _written_out(db: sqlite3.Connection) -> bool:
        """Writes all that SQLite's log holds into the file and empties the log; False while somebody reads.

        After an input/output error this is the only way to know: the kernel reports a failed write once and keeps the
        page as if it were written, so that the log reads whole and the next row would stand behind one that is lost.
        """
        db.execute("PRAGMA busy_timeout = 0")
        (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        db.execute(f"PRAGMA busy_timeout = {round(_LOCKED_FOR * 1000)}")
        return not busy

    def close(self) -> None:
        """Closes and lets another process own the journal."""
        with self.lock:
            self._disconnect()
            if self._owner is not None:
                os.close(self._owner)
                self._owner = None

    def _fail(self, error: sqlite3.Error | OSError) -> JournalError:
        self._roll_back()
        code = _code(error, self.path.parent)
        if isinstance(error, JournalError):
            told = error
        else:
            reason, problem = _TOLD.get(code, (Reason.JOURNAL_BROKEN, f"cannot be used: {error}"))
            told = JournalError(str(self.path), reason, problem)
            told.__cause__ = error
        if self.trouble is None or self.trouble.args != told.args:
            log.error("journal fails", extra={"journal": str(self.path), "problem": told.problem})
        self.trouble = told
        self._unsure = self._unsure or code == sqlite3.SQLITE_IOERR
        if code != sqlite3.SQLITE_FULL:
            self._disconnect()
        if self.damaged:
            self._mend()
        return told

    def _mend(self) -> None:
        """Sets a file aside that proved damaged in use; the next transaction is on what could be saved."""
        try:
            salvage.begin(self.path)
        except (sqlite3.Error, OSError) as error:
            log.error("damaged journal cannot be set aside", extra={"journal": str(self.path), "problem": str(error)})

    def _roll_back(self) -> None:
        if self._db is not None and self._db.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            self._own()
            self._db = self._connect_or_salvage()
        if self._unsure:
            self._unsure = not self._written_out(self._db)
        if not self._ready:
            self._db.execute("BEGIN IMMEDIATE")
            self._on_open(self._db)
            self._db.execute("COMMIT")
            self._inodes = tuple(map(_inode, self._names))
            self._ready = True
        return self._db

    def _bring_back(self) -> None:
        """The open file was deleted or replaced: SQLite would go on writing to one that nobody finds again."""
        log.error("journal was deleted in use: written anew", extra={"journal": str(self.path)})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            salvage.move(self.path, salvage.aside(self.path, "replaced"))
            if self._db is not None:
                with contextlib.closing(sqlite3.connect(self.path)) as fresh:
                    self._db.backup(fresh)
        except (sqlite3.Error, OSError) as error:
            raise self._fail(error) from error
        self._disconnect()

    def _connect_or_salvage(self) -> sqlite3.Connection:
        try:
            db = self._connect()
        except sqlite3.DatabaseError as error:
            if _code(error, self.path.parent) not in _DAMAGE:
                raise
            salvage.begin(self.path)
            db = self._connect()
        return self._salvaged(db)

    def _salvaged(self, db: sqlite3.Connection) -> sqlite3.Connection:
        """Takes in what a damaged journal still proves; again, when the power went while that was being done."""
        if salvage.waits(self.path):
            log.error("journal was damaged: set aside, what its chain proves goes on", extra=self._named())
            try:
                self._salvage(db)
            except BaseException:
                db.close()
                raise
        self.look_aside()
        return db

    def _salvage(self, db: sqlite3.Connection) -> None:
        """The next rows of a damaged journal: few enough that nobody at the gate notices."""
        try:
            copied = salvage.step(self.path, db)
        except salvage.CannotRead as error:
            self._salvage_next = time.monotonic() + _SALVAGE_AGAIN
            if str(error) != self._unread:
                log.error("the damaged journal cannot be read now", extra=self._named() | {"problem": str(error)})
            self._unread = str(error)
            return
        self._saved += copied.rows
        self._ready = False  # what was copied is to be taken up
        if copied.done:
            kept = salvage.finish(self.path)
            log.warning("damaged journal copied", extra=self._named() | {"set_aside": str(kept), "rows": self._saved})
            self._saved, self._unread = 0, ""
            self.look_aside()

    def look_aside(self) -> None:
        """Sees which damaged file lies aside."""
        self.set_aside = next(reversed([*salvage.kept(self.path, "damaged"), *salvage.left(self.path)]), None)

    def _named(self) -> dict[str, object]:
        return {"journal": str(self.path)}

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=_LOCKED_FOR)
        try:
            os.chmod(self.path, 0o600)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA secure_delete = ON")
            schema.upgrade(db)  # before the quota, which may be used up
            if self._max_bytes is not None:
                (page,) = db.execute("PRAGMA page_size").fetchone()
                db.execute(f"PRAGMA max_page_count = {max(1, self._max_bytes // page)}")
        except BaseException:
            db.close()
            raise
        return db

    def _own(self) -> None:
        """Two services on one journal would write two chains: the second is refused, naming the first's lock."""
        if self._owner is not None:
            return
        lock = self.path.with_name(self.path.name + ".lock")
        lock.parent.mkdir(parents=True, exist_ok=True)
        owner = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(owner)
            problem = f"another station service is using it (it holds {lock.name}); stop that one first"
            raise JournalInUse(str(self.path), Reason.JOURNAL_BROKEN, problem) from error
        self._owner = owner

    def _disconnect(self) -> None:
        self._ready = False
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None
