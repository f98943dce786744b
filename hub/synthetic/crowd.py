"""Invented people: names put together from common ones, addresses in real communes, declarations of all ages."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.model import DeclarationKind, Scheme
from core.rules import EXPOSURES, SYMPTOMS
from hub.register.people import DeclarationRecord, IdentityRecord, PersonRecord
from hub.synthetic import cards, map

_FAMILIES = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Võ", "Đặng", "Bùi", "Hồ", "Ngô", "Tôn Thất")
_MIDDLES_OF_MEN = ("Văn", "Đức", "Hữu", "Minh", "Quang", "Công", "Viết")
_MIDDLES_OF_WOMEN = ("Thị", "Thị Ngọc", "Thị Thanh", "Diệu", "Thùy", "Như")
_GIVEN_OF_MEN = ("An", "Bình", "Cường", "Dũng", "Hùng", "Khải", "Long", "Nghĩa", "Phước", "Thuận", "Trọng", "Vũ")
_GIVEN_OF_WOMEN = ("Ánh", "Châu", "Diễm", "Hạnh", "Hương", "Lựu", "Mỹ", "Nguyệt", "Phượng", "Quyên", "Tuyết", "Yến")


@dataclass
class Draft:
    """A person being invented."""

    serial: int
    name: str
    born: str
    female: bool
    district: str
    commune: str
    commune_name: str
    key: str
    extra: list[IdentityRecord] = field(default_factory=list)

    @property
    def number(self) -> str:
        """The citizen number."""
        return cards.citizen_number(int(self.born[:4]), self.female, self.serial)

    @property
    def insurance(self) -> str:
        """The fifteen letters of the insurance card."""
        return f"GD44699{self.serial:08d}"

    @property
    def qid(self) -> str:
        """The number of the national personal QR."""
        return f"99{self.serial:016d}"

    @property
    def token(self) -> str:
        """My QR: 128 random bits."""
        return f"MYQR{self.key[::-1].upper()}"

    @property
    def address(self) -> str:
        """As the chip card prints it, smallest unit first."""
        return f"{self.commune_name}, Thừa Thiên Huế"

    def record(self, *declarations: DeclarationRecord, **more: object) -> PersonRecord:
        """The person as ``hub import`` reads one, with every code they can show."""
        own = (
            IdentityRecord(Scheme.CITIZEN, self.number),
            IdentityRecord(Scheme.INSURANCE, self.insurance),
            IdentityRecord(Scheme.NATIONAL, self.qid),
            IdentityRecord(Scheme.TOKEN, self.token),
            *self.extra,
        )
        return PersonRecord(
            ref=f"demo-{self.serial}",
            name=self.name,
            key=self.key,
            born=self.born,
            sex="female" if self.female else "male",
            address=map.home(self.district, self.commune),
            identities=own,
            declarations=declarations,
            **more,  # type: ignore[arg-type]  # visits and guardian, as the caller has them
        )


class Crowd:
    """Draws people one after another; the same seed draws the same people.  ``first`` is the first one's serial."""

    def __init__(self, seed: int, first: int = 1) -> None:
        self.dice = random.Random(seed)  # noqa: S311  # the point is that it repeats
        self._serial = first - 1

    def draft(self) -> Draft:
        """One more person, with no declaration yet."""
        self._serial += 1
        female = self.dice.random() < 0.5
        middles, given = (_MIDDLES_OF_WOMEN, _GIVEN_OF_WOMEN) if female else (_MIDDLES_OF_MEN, _GIVEN_OF_MEN)
        district, commune, commune_name = self.dice.choice(map.COMMUNES)
        return Draft(
            serial=self._serial,
            name=" ".join((self.dice.choice(_FAMILIES), self.dice.choice(middles), self.dice.choice(given))),
            born=f"{self.dice.randint(1940, 2010)}-{self.dice.randint(1, 12):02d}-{self.dice.randint(1, 28):02d}",
            female=female,
            district=district,
            commune=commune,
            commune_name=commune_name,
            key=self.dice.randbytes(16).hex(),
        )

    def passer_by(self, at: datetime) -> PersonRecord:
        """Somebody of the crowd, with the declarations that chance gave them."""
        draft = self.draft()
        declared = []
        if self.dice.random() < 0.85:
            declared.append(self._declaration(DeclarationKind.HEALTH, at))
        if self.dice.random() < 0.2:
            declared.append(self._declaration(DeclarationKind.ENTRY, at))
        return draft.record(*declared)

    def _declaration(self, kind: DeclarationKind, at: datetime) -> DeclarationRecord:
        declared = at - timedelta(minutes=self.dice.randint(30, 12 * 24 * 60))
        ill = self.dice.random() < 0.06
        is_entry = kind is DeclarationKind.ENTRY
        return DeclarationRecord(
            kind=kind,
            at=declared,
            symptoms=(self.dice.choice(SYMPTOMS),) if ill else (),
            exposures=(self.dice.choice(EXPOSURES),) if self.dice.random() < 0.03 else (),
            paper=self.dice.random() < 0.05,
            arrival=declared + timedelta(hours=self.dice.randint(-12, 36)) if is_entry else None,
            origin=map.CAU_GIAY if is_entry else None,
        )
