"""What the hub says when it cannot go on: each error knows its sysexits code, and names the thing and the cure."""

from __future__ import annotations

import os


class HubError(Exception):
    """Something a person must mend; ``str()`` is the sentence they read."""

    exit_code = os.EX_SOFTWARE


class ConfigError(HubError):
    """The settings, the key folder or the database do not fit this program."""

    exit_code = os.EX_CONFIG


class DataError(HubError):
    """A file holds something that is not what it should be; ``faults`` lists every one found."""

    exit_code = os.EX_DATAERR

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class MissingFile(HubError):
    """A file that was named does not exist or cannot be read."""

    exit_code = os.EX_NOINPUT


class Away(HubError):
    """The database's server cannot be reached now; the same command may go well a little later."""

    exit_code = os.EX_TEMPFAIL


class Unavailable(HubError):
    """Something outside the hub (a port, a broker, a disk) does not let it work now."""

    exit_code = os.EX_UNAVAILABLE
