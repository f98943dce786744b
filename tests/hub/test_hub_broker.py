"""The hub's private broker has a port of its own from the moment that it looked for one."""

from __future__ import annotations

import socket

import pytest

from hub.doors import broker


def test_a_port_found_for_a_server_that_is_still_starting_is_given_to_nobody_else_and_to_the_server():
    with broker._kept("127.0.0.1", 0) as port:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)):
            socket.create_connection(("127.0.0.1", port), 60).close()


@pytest.mark.broker
def test_a_broker_without_a_port_finds_one_and_says_it_once_it_is_up(tmp_path):
    with broker.Broker(tmp_path / "broker", "127.0.0.1", 0) as up:
        socket.create_connection((up.host, up.port), 60).close()
