"""While the hub has one batch the next is made ready: it goes sooner, and in no other order than before."""
# ruff: noqa: F811  # fixtures that another file has made

from __future__ import annotations

import time
from collections.abc import Callable

from mqtt_hub import SmallHub
from test_journal import checkin
from test_sync import Running, centre, over_mqtt, patience, wait  # noqa: F401  # fixtures

from core import wire

COUNT = 1000


def backlog(running: Running) -> None:
    """A thousand rows at once."""
    running.journal.append_all([checkin(f"{number:012}") for number in range(COUNT)])
    running.sync.wake.set()


def watch(hub: SmallHub, at_first_large: Callable[[wire.Batch], None]) -> list[tuple[int, int]]:
    """Fills with each batch's first and last row; calls when the first comes behind which another is made ready."""
    came: list[tuple[int, int]] = []
    take = hub._hold

    def watched(batch: wire.Batch) -> None:
        if batch.rows:
            large = len(batch.rows) > 100 and not any(last - first > 100 for first, last in came)
            came.append((batch.first, batch.first + len(batch.rows) - 1))
            if large:
                time.sleep(0.1)  # until the next one is ready
                at_first_large(batch)
        take(batch)

    hub._hold = watched
    return came


def test_the_next_batch_of_a_backlog_goes_when_the_one_before_is_held_and_never_sooner(over_mqtt, centre):
    held: list[int] = []
    came = watch(centre, lambda batch: held.append(centre.through(batch.epoch)))
    backlog(over_mqtt)
    over_mqtt.wait_until_held()
    large = next(number for number, (first, last) in enumerate(came) if last - first > 100)
    assert held == [came[large][0] - 1]
    assert [first for first, _ in came[1:]] == [last + 1 for _, last in came[:-1]]
    assert [len(copies) for copies in centre.rows.values()] == [1] * COUNT


def test_what_was_made_ready_stays_when_the_hub_does_not_hold_all_that_was_sent(over_mqtt, centre):
    through, most = centre.through, [COUNT]
    centre.through = lambda epoch: min(through(epoch), most[0])
    came = watch(centre, lambda batch: most.__setitem__(0, batch.first + 30))
    backlog(over_mqtt)
    wait(lambda: most[0] < COUNT)
    wait(lambda: any(first == most[0] + 1 for first, _ in came))
    large = next(number for number, (first, last) in enumerate(came) if last - first > 100)
    assert came[large + 1][0] == most[0] + 1
    most[0] = COUNT
    centre.hold(over_mqtt.journal.epoch, through(over_mqtt.journal.epoch))
    over_mqtt.wait_until_held()
    assert {len(set(copies)) for copies in centre.rows.values()} == {1}
    assert through(over_mqtt.journal.epoch) == COUNT


def test_rows_that_the_hub_wants_again_go_before_what_was_made_ready(over_mqtt, centre):
    came = watch(centre, lambda batch: over_mqtt.sync.bring_again(batch.epoch, 1, 3))
    backlog(over_mqtt)
    over_mqtt.wait_until_held()
    large = next(number for number, (first, last) in enumerate(came) if last - first > 100)
    assert came[large + 1] == (1, 3)
    assert centre.through(over_mqtt.journal.epoch) == COUNT
