"""What can go wrong with a station, each with the thing it is about and the cure."""

from __future__ import annotations

from collections.abc import Sequence


class StationError(Exception):
    """Base of every error that a command reports in words instead of a traceback; ``exit_code`` is a sysexits code."""

    exit_code = 70


class ConfigError(StationError, ValueError):
    """The configuration is wrong; every fault is listed at once, each with its key and the cure."""

    exit_code = 78

    def __init__(self, path: str, faults: Sequence[str]) -> None:
        super().__init__(path, tuple(faults))
        self.path = path
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "\n".join(f"{self.path}: {fault}" for fault in self.faults)


class HubUnreachable(StationError, ConnectionError):
    """The hub did not answer, or not in words we understand; ``problem`` says which, without any person in it.

    ``request`` is the name that the hub's log has for what was asked, when it was asked over HTTP.
    """

    exit_code = 69

    def __init__(self, hub: str, problem: str, request: str = "") -> None:
        super().__init__(hub, problem)
        self.hub = hub
        self.problem = problem
        self.request = request

    def __str__(self) -> str:
        return f"{self.hub}: {self.problem}"


class HubCannotSay(HubUnreachable):
    """The hub is there, but the province system that knows this person could not be asked."""


class JournalError(StationError, OSError):
    """A row could not be made durable; ``reason`` is a ``core.model.Reason`` value of the fault outcome."""

    exit_code = 74

    def __init__(self, path: str, reason: str, problem: str) -> None:
        super().__init__(path, reason, problem)
        self.path = path
        self.reason = reason
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class JournalInUse(JournalError):
    """Another station service writes this journal: two would write two chains, so the second does not start."""

    exit_code = 75


class SnapshotError(StationError, ValueError):
    """The snapshot of standings cannot be taken in, kept or looked into; nobody's code is in the words."""

    exit_code = 74


class SnapshotDamaged(SnapshotError):
    """A page of the held snapshot is damaged: it is fetched as a whole."""


class OrderBookError(StationError, OSError):
    """An order could not be noted, so it is not carried out."""

    exit_code = 74

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"
