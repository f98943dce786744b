"""A small hub over HTTP of a test's own: takes rows, and says of them what the test bids it say."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import msgspec
from loopback_hub import answer_with
from mqtt_hub import page_of

from core import wire
from station.clock import Clock


class Posts:
    """A hub over HTTP that takes rows, or says what a test bids it say of them."""

    def __init__(self) -> None:
        self.rows: dict[str, list[bytes]] = {}
        self.batches = 0
        self.refused: list[wire.Refused] = []
        self.policy: tuple[bytes, str] = (b"", "404 Not Found")
        self.documents: list[tuple[str, int, bytes]] = []  # scope, version, document
        self.haves: list[dict[str, int]] = []
        self.mark: Callable[[wire.Batch], wire.HeldMark] = self.holding

    def holding(self, batch: wire.Batch, station: str = "gate-1") -> wire.HeldMark:
        return wire.HeldMark(station, batch.epoch, batch.first + len(batch.rows) - 1, Clock().now())

    def page(self, batch: wire.Batch) -> wire.HeldMark:
        told, older = page_of(self.refused, batch)
        through = len(self.rows)
        mark = wire.HeldMark("gate-1", batch.epoch, through, Clock().now(), told, refused_older=older)
        return msgspec.structs.replace(mark, refused_before=batch.refused_before)

    def after(self, head: bytes) -> tuple[bytes, str]:
        """The first document beyond those that are held, as a hub answers."""
        if not self.documents:
            return self.policy
        have = parse_qs(urlsplit(head.split(b" ")[1].decode()).query).get("have", [""])[0]
        held = {scope: int(version) for scope, _, version in (each.rpartition(":") for each in have.split(",") if each)}
        self.haves.append(held)
        beyond = [document for scope, version, document in self.documents if version > held.get(scope, 0)]
        return (beyond[0], "200 OK") if beyond else (b"", "204 No Content")

    def behave(self, line, request: bytes) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        if b" /v1/policy?" in head:
            answer_with(*self.after(head))(line, request)
            return
        if b" /v1/held" in head:
            answer_with(b"{}", "404 Not Found")(line, request)
            return
        batch = msgspec.json.decode(body, type=wire.Batch)
        if batch.refused_before:
            answer_with(wire.encode(self.page(batch)))(line, request)
            return
        self.batches += 1
        for seq, raw in enumerate(batch.rows, start=batch.first):
            self.rows.setdefault(f"{batch.epoch}/{seq}", []).append(bytes(raw))
        answer_with(wire.encode(self.mark(batch)))(line, request)
