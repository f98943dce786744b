"""The benches of the hub measure and judge, if only a handful; a long export takes no more memory than a short."""

import os
import subprocess
import sys

import pytest
import sqlalchemy as sa
from hub_stand import ROOT, Journal, now
from lacking import lacking

from hub.journals import intake
from hub.storage import keyring
from hub.storage.tables import journal_rows

sys.path.append(str(ROOT))

from bench import hub_memory, lookups
from bench import intake as bench_intake

ROWS, COPIES = 600, 100

pytestmark = pytest.mark.timeout(400)  # processes and servers, on a busy machine


def said(line: str) -> None:
    print(line)


@pytest.mark.broker
def test_the_bench_of_intake_measures_both_sides_on_each_database(tmp_path):
    rows = bench_intake.measure(tmp_path / "bench", said, batches=4, rounds=1, people=200)
    assert [row.name.rpartition(" ")[2] for row in rows] == ["SQLite", "PostgreSQL"][: len(rows)]
    assert all(row.ours > 0 and row.against > 0 and row.n == 800 for row in rows)


def test_the_bench_of_look_ups_measures_both_sides_on_each_database(tmp_path):
    if lookups.shutil.which("wrk") is None:
        lacking("wrk is not installed; provisioning/setup.sh dev installs it")
    longer_than_a_machine_halts = 4
    rows = lookups.measure(tmp_path / "bench", said, people=200, rounds=1, seconds=longer_than_a_machine_halts)
    assert {row.name.partition(",")[0] for row in rows} >= {"look-ups among 200 people on SQLite"}
    assert all(row.ours > 0 and row.against > 0 for row in rows)


@pytest.mark.broker
def test_the_bench_of_memory_takes_every_row_in(tmp_path):
    [row] = hub_memory.measure(tmp_path / "bench", said, rows=400, people=200)
    assert row.n == 400
    assert row.ours >= 0


def test_an_export_of_many_rows_takes_no_more_memory_than_one_of_few(store, database, ring, tmp_path):
    journal = Journal(ring.sealing_public)
    for _ in range(ROWS):
        journal.write()
    with store.writing() as connection:
        keyring.tie(connection, ring)
        intake.take(connection, journal.batch(), now())
        for copy in range(1, COPIES):
            connection.execute(_again(copy))
    (tmp_path / "hub.toml").write_text(f'data = "{tmp_path}"\ndatabase = "{database}"\n')
    few, little = _exported(tmp_path, "--station", "s1")
    many, much = _exported(tmp_path)
    assert (few, many) == (ROWS, ROWS * COPIES)
    assert much - little < ROWS * COPIES * len(journal.raws[0]) / 2


def _again(copy):
    kept = journal_rows.c
    columns = [kept.epoch, kept.seq, kept.raw, kept.digest, kept.arrived]
    copied = sa.select(sa.literal(f"copy-{copy}"), *columns).where(kept.station == "s1")
    return sa.insert(journal_rows).from_select(["station", *(column.name for column in columns)], copied)


def _exported(folder, *only):
    """How many rows a process exports, and the most memory it held meanwhile, in bytes."""
    words = [sys.executable, "-m", "hub", "export", "checkins", "--config", folder / "hub.toml", *only]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE) as process:
        rows = sum(1 for _ in process.stdout)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return rows, used.ru_maxrss * 1024
