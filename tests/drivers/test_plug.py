import time

import pytest

from drivers import plug as plug_module
from drivers.errors import DeviceError
from drivers.plug import Plug
from drivers.ticks import Ticks


class Socket:
    """Opens when something is plugged in, and counts."""

    def __init__(self):
        self.there = True
        self.tries = self.open = 0

    def opener(self):
        self.tries += 1
        if not self.there:
            raise DeviceError("thing", "away", "plug it in")
        self.open += 1
        return self.tries

    def closer(self, _):
        self.open -= 1


class Time:
    """A clock that sleeping sets on."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def socket():
    return Socket()


def plug_into(socket, **options):
    return Plug(socket.opener, socket.closer, **options)


def test_a_device_that_is_there_is_opened_once(socket):
    plug = plug_into(socket)
    plug.connect()
    assert [plug.get(0), plug.get(0)] == [1, 1]
    plug.close()
    assert (socket.tries, socket.open) == (1, 0)


def test_a_device_that_was_never_there_is_told_of_once(socket):
    socket.there = False
    plug = plug_into(socket, pause=0.01)
    plug.connect()
    with pytest.raises(DeviceError, match="away"):
        plug.get(0)
    assert [plug.get(0.02) for _ in range(3)] == [None] * 3
    assert socket.tries >= 3


def test_a_lost_device_is_told_of_by_its_loser_alone_and_comes_back(socket):
    plug = plug_into(socket, pause=0.01)
    plug.connect()
    socket.there = False
    assert str(plug.lost(DeviceError("thing", "torn out", "mend it"))) == "thing: torn out (mend it)"
    assert socket.open == 0
    assert plug.get(0.02) is None
    socket.there = True
    assert plug.get(1) is not None
    plug.lost(DeviceError("thing", "torn out", "mend it"))
    socket.there = False
    assert plug.get(0.05) is None


def test_a_device_that_comes_back_and_is_missing_again_later_is_told_of_again(socket):
    plug = plug_into(socket, pause=0.01)
    socket.there = False
    plug.connect()
    with pytest.raises(DeviceError):
        plug.get(0)
    socket.there = True
    assert plug.get(1)
    plug.close()
    socket.there = False
    plug.connect()
    with pytest.raises(DeviceError):
        plug.get(0)


def test_pauses_between_tries_grow_up_to_the_longest_and_shrink_when_it_works(socket, monkeypatch):
    clock = Time()
    monkeypatch.setattr(plug_module, "time", clock)
    socket.there = False
    plug = plug_into(socket, pause=0.02, longest=0.08)
    plug.connect()
    with pytest.raises(DeviceError):
        plug.get(0)
    tried = []
    for _ in range(5):
        began = clock.now
        assert plug.get(1) is None
        tried.append(round(clock.now - began, 2))
    assert tried == [0.02, 0.04, 0.08, 0.08, 0.08]
    socket.there = True
    assert plug.get(1)
    plug.working()
    plug.lost(DeviceError("thing", "torn out", "mend it"))
    began = clock.now
    assert plug.get(1)
    assert round(clock.now - began, 2) == 0.02


def test_nothing_waits_longer_than_asked(socket):
    socket.there = False
    plug = plug_into(socket, pause=60, longest=60)
    plug.connect()
    with pytest.raises(DeviceError):
        plug.get(0)
    began = time.monotonic()
    assert plug.get(0.05) is None
    assert 0.05 <= time.monotonic() - began < 30


def test_beats_come_evenly_and_late_ones_are_missed():
    began = time.monotonic()
    ticks = Ticks(100)
    seen = [ticks.next(30) for _ in range(3)]
    assert seen == sorted(set(seen))
    assert time.monotonic() - began >= seen[-1] / 100
    time.sleep(0.05)
    assert ticks.next(30) >= seen[-1] + 4


def test_a_rate_of_nothing_beats_when_asked():
    ticks = Ticks(0)
    assert [ticks.next(0) for _ in range(4)] == [0, 1, 2, 3]


def test_waiting_for_a_beat_ends_at_its_time_or_when_stopped():
    ticks = Ticks(0.01)
    assert ticks.next(0) == 0
    began = time.monotonic()
    assert ticks.next(0.02) is None
    ticks.stop()
    assert ticks.next(60) is None
    assert time.monotonic() - began < 30
