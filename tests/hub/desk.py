"""Where tests give commands to a hub that is not running, on either database."""

from dataclasses import dataclass
from pathlib import Path

from hub_stand import appoint, command, furnish, on

from hub.config import Settings
from hub.opening import open_store
from hub.storage.keyring import Keyring
from hub.storage.store import Store


@dataclass(frozen=True)
class Desk:
    """A data folder and the database beside it."""

    data: Path
    database: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """What every command ends with."""
        return "--data", str(self.data), *on(self.data, self.database)

    def run(self, *arguments: object, code: int = 0) -> str:
        """One command in a process of its own; its standard output."""
        return command(self.data, *arguments, *on(self.data, self.database), code=code)

    def furnish(self, *stations: str) -> dict[str, dict[str, str]]:
        """People and stations; each station's token and the hub's public keys."""
        return furnish(self.data, *stations, database=self.database)

    def appoint(self, name: str) -> str:
        """Opens an account that can answer for commands; its name."""
        return appoint(self.data, name, Settings(data=str(self.data), database=self.database))

    def open(self) -> tuple[Store, Keyring]:
        """The store and keys; close the store."""
        return open_store(Settings(data=str(self.data), database=self.database))
