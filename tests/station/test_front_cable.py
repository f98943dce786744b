"""The demo's cable: carries both ways, is silent when cut, and goes on where it was."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from station.front.cable import Cable, Switch


@contextmanager
def echo() -> Iterator[tuple[str, int]]:
    """A server that gives back what it hears, and ends when its caller has."""
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                line, _ = door.accept()
            except OSError:
                return
            with line, suppress(ConnectionError):
                while taken := line.recv(65536):
                    line.sendall(taken)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield door.getsockname()
    door.shutdown(socket.SHUT_RDWR)
    door.close()
    thread.join(30)


@pytest.fixture
def laid(tmp_path):
    """The address of an echo through a cable, and its switch."""
    with echo() as far:
        cable = Cable(tmp_path / "cable")
        near = cable.lay(far)
        with cable:
            yield near, Switch(tmp_path / "cable")


def connect(near) -> socket.socket:
    line = socket.create_connection(near, timeout=30)
    line.settimeout(30)
    return line


def hear(line: socket.socket, count: int) -> bytes:
    heard = b""
    while len(heard) < count and (taken := line.recv(65536)):
        heard += taken
    return heard


def test_what_goes_in_comes_out_whole_however_much_it_is(laid):
    near, _ = laid
    much = bytes(range(256)) * 8192
    with closing(connect(near)) as line:
        sender = threading.Thread(target=line.sendall, args=(much,), daemon=True)
        sender.start()
        assert hear(line, len(much)) == much
        sender.join(30)


def test_an_end_that_says_no_more_is_passed_on(laid):
    near, _ = laid
    with closing(connect(near)) as line:
        line.sendall(b"last words")
        line.shutdown(socket.SHUT_WR)
        assert hear(line, 11) == b"last words"
        assert line.recv(1) == b""


def test_a_cut_cable_is_silent_and_a_mended_one_goes_on_where_it_was(laid):
    near, switch = laid
    with closing(connect(near)) as line:
        line.sendall(b"before")
        assert hear(line, 6) == b"before"
        assert switch.set(False) is False
        assert switch.is_whole() is False
        line.sendall(b"while cut")
        line.settimeout(0.3)
        with pytest.raises(TimeoutError):
            line.recv(1)
        line.settimeout(30)
        assert switch.set(True) is True
        assert hear(line, 9) == b"while cut"


def test_a_connection_begun_while_it_is_cut_waits_and_is_made_when_it_is_mended(laid):
    near, switch = laid
    switch.set(False)
    with closing(connect(near)) as line:
        line.sendall(b"hello")
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(1)
        switch.set(True)
        line.settimeout(30)
        assert hear(line, 5) == b"hello"


def test_a_far_end_that_is_not_there_is_a_closed_door(tmp_path):
    with closing(socket.socket()) as silent:  # it holds its port, and takes nobody in
        silent.bind(("127.0.0.1", 0))
        cable = Cable(tmp_path / "cable")
        near = cable.lay(silent.getsockname())
        with cable, closing(connect(near)) as line:
            assert line.recv(1) == b""


def test_a_near_end_that_breaks_off_takes_only_its_own_connection_along(laid):
    near, _ = laid
    with closing(connect(near)) as stays:
        breaks = connect(near)
        breaks.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        breaks.sendall(b"x" * 100_000)
        breaks.close()
        stays.sendall(b"still here")
        stays.shutdown(socket.SHUT_WR)
        # The echo serves one caller after another: hearing it proves that the first was let go of.
        assert hear(stays, 10) == b"still here"


def test_only_this_user_may_throw_the_switch(laid, tmp_path):
    assert (tmp_path / "cable").stat().st_mode & 0o077 == 0


def test_its_switch_is_found_however_deep_its_folder_lies(tmp_path):
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    with Cable(deep / "cable"):
        assert Switch(deep / "cable").is_whole()


def test_a_switch_without_a_cable_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        Switch(tmp_path / "none").is_whole()


def test_it_ends_at_once_also_with_connections_open_and_cut(tmp_path):
    with echo() as far:
        cable = Cable(tmp_path / "cable")
        near = cable.lay(far)
        with cable:
            line = connect(near)
            line.sendall(b"x")
            Switch(tmp_path / "cable").set(False)
        with closing(line), pytest.raises(OSError, match=r"refused|reset"):
            connect(near)
