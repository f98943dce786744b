"""The end of a paho client: its thread may forget itself between a look at it and the wait for it (its issue 872)."""

import contextlib

import paho.mqtt.client as mqtt


def end(client: mqtt.Client) -> None:
    """Says goodbye and waits for the client's thread."""
    client.disconnect()
    with contextlib.suppress(AttributeError):
        client.loop_stop()
