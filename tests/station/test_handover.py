"""What one thread hands to another: in order, at once, and no wait outlasts its time."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time

import pytest

from station.handover import Handover


def test_what_is_handed_over_comes_out_in_its_order():
    between: Handover[int] = Handover()
    for number in range(3):
        between.put(number)
    assert [between.get(0) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(queue.Empty):
        between.get(0)


def test_who_waits_is_woken_at_once():
    between: Handover[str] = Handover()
    begun = time.monotonic()
    threading.Timer(0.05, between.put, ["here"]).start()
    assert between.get(60) == "here"
    assert time.monotonic() - begun < 30


def test_no_ring_of_before_ends_a_wait_early():
    between: Handover[int] = Handover()
    between.put(1)
    assert between.get(0) == 1  # without having waited: the bell goes on ringing
    threading.Timer(0.1, between.put, [2]).start()
    assert between.get(60) == 2


def test_a_signal_whose_handler_outlasts_the_time_does_not_make_a_wait_endless():
    between: Handover[str] = Handover()
    handled = []

    def slow(*_: object) -> None:
        handled.append(True)
        time.sleep(0.3)

    old = signal.signal(signal.SIGUSR1, slow)
    late = threading.Timer(30, between.put, ["woken by no signal"])
    late.start()
    sent = threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGUSR1])
    sent.start()
    try:
        with pytest.raises(queue.Empty):
            between.get(0.2)
    finally:
        sent.join()  # or it might come when nobody handles it any more, which ends the process
        late.cancel()
        signal.signal(signal.SIGUSR1, old)
    assert handled


def test_many_hand_over_to_one_and_nothing_is_lost():
    between: Handover[int] = Handover()
    givers = [
        threading.Thread(target=lambda first=first: [between.put(first + n) for n in range(2000)])
        for first in range(0, 8000, 2000)
    ]
    for giver in givers:
        giver.start()
    assert sorted(between.get(60) for _ in range(8000)) == list(range(8000))
    for giver in givers:
        giver.join()
    assert len(between) == 0
