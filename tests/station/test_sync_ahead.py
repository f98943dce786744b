"""While the hub has one batch the next is made ready: it goes sooner, and in no other order than before."""
# ruff: noqa: F811  # fixtures that another file has made

from __future__ import annotations

import time

from test_sync import centre, centre_epoch, over_mqtt, patience, wait  # noqa: F401  # fixtures

from core import wire


def test_the_next_batch_of_a_backlog_goes_as_soon_as_the_one_before_is_held_and_never_sooner(over_mqtt, centre):
    gone: list[tuple[int, int]] = []  # first row of a batch, rows held when it came
    take = centre._hold

    def watched(batch: wire.Batch) -> None:
        if batch.rows:
            gone.append((batch.first, centre.through(batch.epoch)))
        take(batch)

    centre._hold = watched
    over_mqtt.record(900)
    over_mqtt.wait_until_held()
    assert len(gone) > 3
    assert all(first == held + 1 for first, held in gone)
    assert [len(copies) for copies in centre.rows.values()] == [1] * 900


def test_what_was_made_ready_waits_when_the_hub_does_not_hold_all_that_was_sent(over_mqtt, centre):
    through, most = centre.through, [250]
    centre.through = lambda epoch: min(through(epoch), most[0])
    over_mqtt.record(900)
    wait(lambda: through(centre_epoch(centre)) > 250 if centre.rows else False)
    time.sleep(0.3)
    assert through(centre_epoch(centre)) <= 450
    most[0] = 900
    centre.hold(over_mqtt.journal.epoch, through(centre_epoch(centre)))
    over_mqtt.wait_until_held()
    assert {tuple(copies) for copies in centre.rows.values()} == {
        (copies[0],) * len(copies) for copies in centre.rows.values()
    }


def test_rows_that_the_hub_wants_again_go_before_what_was_made_ready(over_mqtt, centre):
    over_mqtt.record(900)
    over_mqtt.sync.bring_again(over_mqtt.journal.epoch, 1, 3)
    over_mqtt.wait_until_held()
    wait(lambda: all(len(centre.rows[f"{over_mqtt.journal.epoch}/{seq}"]) >= 1 for seq in (1, 2, 3)))
    assert centre.through(over_mqtt.journal.epoch) == 900
