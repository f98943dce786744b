"""Whom the day's filter lets through to the file: everybody who was here, and hardly anybody else."""

import secrets

from station.journal.days import _Noted

TWO_BUSY_DAYS = 80_000


def test_nobody_who_was_here_is_missed_and_one_in_fifty_others_is_looked_for_in_vain_at_most():
    here = [secrets.token_hex(16) for _ in range(TWO_BUSY_DAYS)]
    noted = _Noted(here[: TWO_BUSY_DAYS // 2])
    for tag in here[TWO_BUSY_DAYS // 2 :]:
        noted.add(tag)
    assert all(tag in noted for tag in here)
    assert sum(secrets.token_hex(16) in noted for _ in range(20_000)) < 400
