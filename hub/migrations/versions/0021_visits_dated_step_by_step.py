"""Visits that nobody vouched for yet, each with its place in its boot, so that a word of it dates them step by step."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

AT_ONCE = 10_000
_BOOT_AT_MOST = 64
_LONGEST = 3650 * 86_400.0


_visits = sa.table(
    "visits",
    *(sa.column("id", sa.BigInteger), sa.column("station", sa.String), sa.column("epoch", sa.String)),
    *(sa.column("seq", sa.BigInteger), sa.column("boot", sa.String), sa.column("uptime", sa.BigInteger)),
    sa.column("dated", sa.Boolean),
)
_journal = sa.table(
    "journal_rows",
    *(sa.column("station", sa.String), sa.column("epoch", sa.String), sa.column("seq", sa.BigInteger)),
    sa.column("raw", sa.LargeBinary),
)
_boots = sa.table(
    "boots",
    *(sa.column("station", sa.String), sa.column("boot", sa.String), sa.column("uptime", sa.BigInteger)),
)


def upgrade() -> None:
    """Takes the step; what is held already is gone through so many rows at a time."""
    amends = "an amendment; else a row with a sure clock"
    op.add_column("boots", sa.Column("amends", sa.Boolean(), nullable=False, server_default=sa.true(), comment=amends))
    through = "visits up to this uptime were dated by it; empty: all were"
    op.add_column("boots", sa.Column("passed", sa.BigInteger(), comment=through))
    beside = "and of those at that uptime up to this one"
    op.add_column("boots", sa.Column("passed_id", sa.BigInteger(), comment=beside))
    for column in _of_visits():
        op.add_column("visits", column)
    _index("ix_boots_passed", "boots", ["station", "boot", "uptime"], "passed IS NOT NULL")
    _index("ix_visits_boot", "visits", ["station", "boot", "uptime", "id"], "boot IS NOT NULL")
    _index("ix_visits_unasked", "visits", ["dated", "id"], "unasked", "unasked = 1")
    op.create_index("ix_other_verdicts_looked", "other_verdicts", ["looked"])
    _place_in_boots(op.get_bind())


def _of_visits() -> list[sa.Column[Any]]:
    boot = "of the board, where nobody vouched for its clock; empty: it was sure"
    uptime = "milliseconds that the board had counted in that boot"
    dated, unasked = "whether somebody vouches for its moment", "is asked again once it is dated"
    return [
        sa.Column("boot", sa.String(length=64), comment=boot),
        sa.Column("uptime", sa.BigInteger(), comment=uptime),
        sa.Column("dated", sa.Boolean(), nullable=False, server_default=sa.true(), comment=dated),
        sa.Column("unasked", sa.Boolean(), nullable=False, server_default=sa.false(), comment=unasked),
    ]


def _index(name: str, table: str, columns: list[str], which: str, in_sqlite: str = "") -> None:
    here, there = sa.text(in_sqlite or which), sa.text(which)
    op.create_index(name, table, columns, sqlite_where=here, postgresql_where=there)


def _place_in_boots(connection: sa.Connection) -> None:
    same = (_journal.c[name] == _visits.c[name] for name in ("station", "epoch", "seq"))
    wanted = sa.select(_visits.c.id, _visits.c.station, _journal.c.raw).join_from(_visits, _journal, sa.and_(*same))
    wanted = wanted.order_by(_visits.c.id).limit(AT_ONCE)
    later = sa.exists().where(
        _boots.c.station == _visits.c.station,
        _boots.c.boot == sa.bindparam("of_boot", type_=sa.String),
        _boots.c.uptime > sa.bindparam("counted", type_=sa.BigInteger),
    )
    placed = sa.update(_visits).where(_visits.c.id == sa.bindparam("which", type_=sa.BigInteger))
    placed = placed.values(boot=sa.bindparam("of_boot"), uptime=sa.bindparam("counted"), dated=later)
    last = 0
    while found := connection.execute(wanted.where(_visits.c.id > last)).all():
        last = found[-1].id
        clocks = ((each.id, _unsure(each.raw)) for each in found)
        values = [{"which": which, "of_boot": of[0], "counted": of[1]} for which, of in clocks if of is not None]
        if values:
            connection.execute(placed, values)


def _unsure(raw: bytes) -> tuple[str, int] | None:
    """The boot and the counted milliseconds of a row whose clock nobody vouched for, as the rule was at this step."""
    if not raw:
        return None  # emptied since
    clock = msgspec.json.decode(raw)["clock"]  # a row that became a visit is one
    boot, counted = clock["boot"], clock["monotonic"]
    known = len(boot) <= _BOOT_AT_MOST and "\0" not in boot and 0 <= counted < _LONGEST
    if clock["source"] not in ("guess", "rtc") or clock.get("offset") is not None or not known:
        return None
    return boot, round(counted * 1000)
