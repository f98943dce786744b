"""What a hub cannot do without to take check-ins: decode the batch, commit it with synchronous=FULL, say so.

``python -m bench.bare_receiver PORT FILE``: answers on ``tq/v1/s/<station>/held`` as a hub does, for ours and for the
bare sender alike, so that only the senders differ.
"""

from __future__ import annotations

import queue
import socket
import sqlite3
import sys
from datetime import UTC, datetime

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from core import wire
from core.rows import digest


def main(port: int, path: str) -> None:
    """Until it is ended."""
    taken: queue.SimpleQueue[mqtt.MQTTMessage] = queue.SimpleQueue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "bare-receiver", protocol=mqtt.MQTTv5, manual_ack=True)
    client.on_socket_open = lambda _client, _data, sock: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.on_message = lambda _client, _data, message: taken.put(message)
    client.on_connect = lambda client, *_: client.subscribe("tq/v1/s/+/checkins", 1)
    client.on_subscribe = lambda client, *_: client.publish("bare/ready", b"yes", 1, retain=True)
    client.connect("127.0.0.1", port)
    client.loop_start()
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE rows (station TEXT, epoch TEXT, seq INTEGER, raw BLOB, PRIMARY KEY (epoch, seq))")
        while True:
            _take(db, client, taken.get())


def _take(db: sqlite3.Connection, client: mqtt.Client, message: mqtt.MQTTMessage) -> None:
    batch = msgspec.json.decode(message.payload, type=wire.Batch)
    rows = [(batch.station, batch.epoch, seq, bytes(raw)) for seq, raw in enumerate(batch.rows, batch.first)]
    db.execute("BEGIN IMMEDIATE")
    db.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?)", rows)
    db.execute("COMMIT")
    client.ack(message.mid, message.qos)
    through, last = batch.first + len(rows) - 1, digest(rows[-1][3]) if rows else ""
    mark = wire.HeldMark(batch.station, batch.epoch, through, datetime.now(UTC), hash=last)
    client.publish(f"tq/v1/s/{batch.station}/held", wire.encode(mark), 1)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
