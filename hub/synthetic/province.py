"""The whole invented province: a people file for ``hub import`` and the tray that goes with it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime

from core import keys
from hub.cast import Cast
from hub.register.people import PeopleFile
from hub.synthetic import map
from hub.synthetic.cards import HealthAuthority
from hub.synthetic.crowd import Crowd
from hub.synthetic.tray import Signers, Tray, policy


@dataclass(frozen=True)
class Province:
    """``trust`` holds the invented health authority's key: file name → PEM, for a station's trust folder."""

    file: PeopleFile
    cast: Cast
    trust: dict[str, bytes]


def invent(people: int, seed: int, at: datetime, declaring_key: bytes) -> Province:
    """At least ``people`` people, and the tray; ages are counted from ``at``; the same seed gives the same people.

    ``declaring_key`` is the raw key that signs the tray's declaration codes, the hub's own if they are to verify.
    """
    crowd = Crowd(seed)
    authority = HealthAuthority(seed)
    stranger = random.Random(seed).randbytes(keys.KEY_BYTES)  # noqa: S311  # nobody's key, and the same every time
    tray = Tray(crowd, at, Signers(declaring_key, stranger, authority))
    cast = tray.fill()
    passers_by = [crowd.passer_by(at) for _ in range(people - len(tray.people))]
    file = PeopleFile(map.PLACES, (*tray.people, *passers_by), (policy(at),))
    return Province(file, cast, {f"{authority.key_id.hex()}.pem": authority.pem})
