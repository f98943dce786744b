"""Whether a station service is at work with a data folder: it holds the lock of its journal as long as it lives."""

from __future__ import annotations

import fcntl
from pathlib import Path


def at_work(journal: Path) -> bool | None:
    """True when a service holds the journal at this path, None when that cannot be seen from this account."""
    try:
        with journal.with_name(journal.name + ".lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False
