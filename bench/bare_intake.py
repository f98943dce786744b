"""The peer of the hub's intake, as a process of its own: paho, a staging table, insert or ignore, commit, acknowledge.

``python -m bench.bare_intake PORT DATABASE``: what waits is committed together, at most as much as in one of the
hub's own transactions.  It opens no row, proves no chain and knows nobody.
"""

from __future__ import annotations

import sqlite3
import sys
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion

from core import wire
from hub.journals.writer import DELIVERIES_A_COMMIT

COLUMNS = "station TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL, raw {blob} NOT NULL"
MOVES = {
    "sqlite": "INSERT OR IGNORE INTO kept SELECT * FROM staging",
    "postgresql": "INSERT INTO kept SELECT * FROM staging ON CONFLICT DO NOTHING",
}

Row = tuple[str, str, int, bytes]
Commit = Callable[[list[Row]], None]


def on_sqlite(path: str) -> Commit:
    """Commits rows to a file with the hub's own durability."""
    file = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        file.execute(f"PRAGMA {pragma}")
    columns = COLUMNS.format(blob="BLOB")
    file.execute(f"CREATE TABLE kept ({columns}, PRIMARY KEY (station, epoch, seq)) WITHOUT ROWID")
    file.execute(f"CREATE TEMP TABLE staging ({columns})")

    def commit(rows: list[Row]) -> None:
        file.execute("BEGIN IMMEDIATE")
        file.executemany("INSERT INTO staging VALUES (?, ?, ?, ?)", rows)
        file.execute(MOVES["sqlite"])
        file.execute("DELETE FROM staging")
        file.execute("COMMIT")

    return commit


def on_postgresql(url: str) -> Commit:
    """Commits rows to a database with its own durability."""
    line = psycopg.connect(url)
    columns = COLUMNS.format(blob="BYTEA")
    line.execute(f"CREATE TABLE kept ({columns}, PRIMARY KEY (station, epoch, seq))".encode())
    line.execute(f"CREATE TEMP TABLE staging ({columns}) ON COMMIT DELETE ROWS".encode())
    line.commit()

    def commit(rows: list[Row]) -> None:
        with line.cursor() as cursor:
            with cursor.copy(b"COPY staging FROM STDIN") as stream:
                for row in rows:
                    stream.write_row(row)
            cursor.execute(MOVES["postgresql"].encode())
        line.commit()

    return commit


def _rows(messages: Iterable[mqtt.MQTTMessage]) -> list[Row]:
    batches = (msgspec.json.decode(message.payload, type=wire.Batch) for message in messages)
    return [
        (batch.station, batch.epoch, seq, bytes(raw))
        for batch in batches
        for seq, raw in enumerate(batch.rows, batch.first)
    ]


def main() -> None:
    """Takes in what is published to ``bare/in/#`` and says ``bare/held`` after each commit, until killed."""
    port, database = int(sys.argv[1]), sys.argv[2]
    commit = on_postgresql(database) if database.startswith("postgresql") else on_sqlite(database)
    inbox: deque[mqtt.MQTTMessage] = deque()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "bare", protocol=mqtt.MQTTv5, manual_ack=True)
    client.on_message = lambda _client, _data, message: inbox.append(message)
    client.on_connect = lambda *_: client.subscribe("bare/in/#", 1)
    client.on_subscribe = lambda *_: client.publish("bare/ready", b"", retain=True)
    client.connect("127.0.0.1", port)
    held = 0
    while client.loop(timeout=1.0) == 0:
        taken: list[Any] = [inbox.popleft() for _ in range(min(len(inbox), DELIVERIES_A_COMMIT))]
        if taken:
            rows = _rows(taken)
            commit(rows)
            held += len(rows)
            for message in taken:
                client.ack(message.mid, message.qos)
            client.publish("bare/held", str(held), qos=1)


if __name__ == "__main__":
    main()
