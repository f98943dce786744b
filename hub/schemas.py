"""JSON Schemas of every file and message, generated from the structs that read and write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from core import announcement, chunks, health, orders, place, rows, rules, shown, snapshot, wire
from hub.cast import Cast
from hub.doors.sheets import Receipt, Sheet
from hub.journals.dead_letters import Letter, Replayed
from hub.journals.proof import Proof
from hub.register.people import PeopleFile
from hub.service import Ready
from hub.telling.composing import Message

DESCRIBED: dict[str, Any] = {
    "announcement": announcement.Announcement,
    "answer": wire.Answer,
    "answers": wire.Answers,
    "ask": wire.Ask,
    "asks": wire.Asks,
    "batch": wire.Batch,
    "cast-file": Cast,
    "face": shown.Face,
    "alarms-told": Message,
    "health": health.Health,
    "looked-on": shown.LookedOn,
    "dead-letter": Letter,
    "held-mark": wire.HeldMark,
    "journal-proof": Proof,
    "order": orders.Order,
    "order-result": orders.Result,
    "orders-waiting": orders.Waiting,
    "people-file": PeopleFile,
    "place-message": place.Vouched,
    "place-word": place.Word,
    "policy": rules.Policy,
    "problem": wire.Problem,
    "ready-file": Ready,
    "receipt": Receipt,
    "replayed": Replayed,
    "row": wire.Row,
    "rows-gone": rows.Gone,
    "running-settings": shown.RunningSettings,
    "sealed-answer": wire.SealedAnswer,
    "sealed-ask": wire.SealedAsk,
    "sheet": Sheet,
    "signed": wire.Signed,
    "snapshot-chunk-ask": chunks.ChunkAsk,
    "snapshot-manifest": snapshot.Manifest,
    "snapshot-newest": chunks.Newest,
    "snapshot-offer": snapshot.Offer,
    "snapshot-offer-ask": chunks.OfferAsk,
    "state": wire.State,
    "who": wire.Who,
}


def texts() -> dict[str, str]:
    """Every schema's JSON by its file name."""
    return {f"{name}.schema.json": _text(name, kind) for name, kind in DESCRIBED.items()}


def write(folder: Path) -> None:
    """Writes them all, and nothing else stays in the folder under such a name."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in set(folder.glob("*.schema.json")) - {folder / name for name in texts()}:
        stale.unlink()
    for name, text in texts().items():
        (folder / name).write_text(text, "utf-8")


def outdated(folder: Path) -> list[str]:
    """File names that are missing, differ or describe nothing any more."""
    found = {path.name: path.read_text("utf-8") for path in folder.glob("*.schema.json")}
    wanted = texts()
    return sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))


def _text(name: str, kind: Any) -> str:  # noqa: ANN401  # any type msgspec can describe
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, **msgspec.json.schema(kind)}
    return msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2).decode() + "\n"
