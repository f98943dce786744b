"""However a demo ends, nothing of it stays: no process, no file, no port."""

import signal
import socket
import time

import pytest

pytestmark = pytest.mark.broker


def await_said(demo, words: str, within: float = 180.0) -> None:
    until = time.monotonic() + within
    while words not in demo.said:
        assert time.monotonic() < until, demo.said
        time.sleep(0.05)


def nothing_is_left(demo) -> None:
    demo.await_nobody()
    assert list(demo.folder.iterdir()) == []


def test_ctrl_c_ends_every_process_and_takes_the_folder_along(make_demo):
    demo = make_demo()
    demo.start()
    url = demo.await_url()
    programs = demo.commands
    assert all(name in programs for name in ("hub", "mosquitto", "station"))
    assert demo.end(signal.SIGINT) == 0
    nothing_is_left(demo)
    with socket.create_server(("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))):
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_it_is_up_ends_what_has_begun(make_demo, number: int):
    codes = []
    while codes.count(0) == len(codes) < 5:  # with 0 ends one that came up before this test had its turn again
        demo = make_demo()
        demo.start()
        await_said(demo, "inventing a province")
        codes.append(demo.end(number))
        nothing_is_left(demo)
    assert codes[-1] == 130, codes


def test_a_part_that_dies_ends_the_demo_which_says_so(make_demo):
    demo = make_demo("--http")
    demo.start()
    demo.await_url()
    hub = demo.process_with("serve")
    hub.kill()
    assert demo.wait() == 69
    assert "the hub ended by itself" in demo.said
    nothing_is_left(demo)


def test_a_demo_that_is_killed_takes_its_processes_along(make_demo):
    demo = make_demo()
    demo.start()
    demo.await_url()
    demo.end(signal.SIGKILL)
    demo.await_nobody()


def test_a_taken_port_is_told_before_anything_is_started(make_demo):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = make_demo("--port", str(port))
        demo.start()
        assert demo.wait() == 69
    assert f"port {port} is not to be had" in demo.said
    assert "--port" in demo.said
    assert "inventing" not in demo.said
    nothing_is_left(demo)
