"""Phones of people brought in from elsewhere in the one spelling that they are looked for by."""

from __future__ import annotations

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

AT_ONCE = 10_000
_KNOWN = re.compile(r"0[35789][0-9]{8}|02[0-9]{9}|\+(?!84)[1-9][0-9]{7,14}")
_HOME = re.compile(r"(?:\+84|0084|84)0?([35789][0-9]{8}|2[0-9]{9})")
_people = sa.table("people", sa.column("id", sa.Integer), sa.column("phone", sa.String))


def upgrade() -> None:
    """Takes the step, so many people at a time."""
    connection = op.get_bind()
    rows = sa.select(_people.c.id, _people.c.phone).where(_people.c.phone != "").order_by(_people.c.id).limit(AT_ONCE)
    spelling = sa.bindparam("spelled", type_=sa.String)
    mend = sa.update(_people).where(_people.c.id == sa.bindparam("whose")).values(phone=spelling)
    last = 0
    while found := connection.execute(rows.where(_people.c.id > last)).all():
        last = found[-1].id
        spelled = [{"whose": each.id, "spelled": _spelled(each.phone)} for each in found]
        changed = [each for each, row in zip(spelled, found, strict=True) if each["spelled"] != row.phone]
        if changed:
            connection.execute(mend, changed)


def _spelled(written: str) -> str:
    """The rule as it was when this step was made; what is no number stays as it is."""
    unseen = ("Cf", "Pd", "Zs")
    plain = "".join(each for each in unicodedata.normalize("NFKC", written) if unicodedata.category(each) not in unseen)
    number = re.sub(r"[\s.()-]", "", plain)
    at_home = _HOME.fullmatch(number)
    if at_home is not None:
        return "0" + at_home[1]
    number = "+" + number[2:] if number.startswith("00") else number
    return number if _KNOWN.fullmatch(number) else written
