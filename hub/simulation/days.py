"""When people come: a day's hours as a rate, and the moment by which chance has somebody come; plain arithmetic.

Moments are seconds since midnight of the simulated day and go on past 86,400.
"""

from __future__ import annotations

from collections.abc import Sequence

HOUR = 3_600.0
DAY = 24 * HOUR


def rate(hours: Sequence[float], busiest: float, moment: float) -> float:
    """People a second: ``busiest`` an hour times the share of the hour that ``moment`` lies in."""
    return busiest * hours[int(moment % DAY // HOUR)] / HOUR


def next_visit(hours: Sequence[float], busiest: float, moment: float, work: float) -> float:
    """The moment by which so many people (``work``, drawn from an exponential of mean 1) are expected after ``moment``.

    Infinite when nobody comes within two days.
    """
    left = work
    for _ in range(48):
        ends = (moment // HOUR + 1) * HOUR
        here = rate(hours, busiest, moment)
        if here * (ends - moment) >= left and here > 0:
            return moment + left / here
        left -= here * (ends - moment)
        moment = ends
    return float("inf")
