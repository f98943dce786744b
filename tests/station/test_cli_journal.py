"""``station tail``, ``journal`` and ``status``: the card read from beside the service, naming nobody."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from test_journal_salvage import damage_page_of

from core import keys, rows, wire
from core.health import Health, Versions
from core.model import CodeKind, GateKind, Outcome, Reason, Scheme, Source, Subject
from station import cli
from station.commands import status
from station.health import HeldSnapshot
from station.journal.reading import JournalReader
from station.journal.record import Entry, Journal
from station.presence import at_work

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NUMBER = "046097001234"
SEALING = keys.new_sealing_key()[1]


def entry(**fields: object) -> Entry:
    usual = {
        "outcome": Outcome.WARN,
        "reasons": (Reason.NO_HEALTH,),
        "source": Source.HID,
        "code_kind": CodeKind.CITIZEN_NUMBER,
        "who": wire.Who(Scheme.CITIZEN, NUMBER),
        "seen": Subject(Scheme.CITIZEN, NUMBER),
    }
    return Entry("checkin", NOW, wire.RowClock("ntp", "boot", 1.0), GateKind.VENUE, "dong-ba", **usual | fields)  # type: ignore[arg-type]


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.toml"
    path.write_text(f'[station]\nname = "gate-1"\ndata = "{tmp_path}"\n')
    return str(path)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal of three rows, not open."""
    journal = Journal(tmp_path / "journal.db", "gate-1", SEALING)
    with journal:
        journal.append(entry())
        journal.append(
            Entry("decision", NOW, wire.RowClock("ntp", "b", 1.0), GateKind.VENUE, about=1, decision="admitted")
        )
        journal.append(entry(outcome=Outcome.PASS, reasons=()))
    return journal


def test_tail_shows_when_what_and_why_in_local_time_and_never_who(
    journal: Journal, config: str, capsys: pytest.CaptureFixture[str]
):
    assert cli.main(["tail", "--config", config, "-n", "2"]) == 0
    decided, passed = capsys.readouterr().out.splitlines()
    assert decided.split()[:5] == ["2026-11-23", "15:00:00", "#2", "admitted", "(#1)"]
    assert passed.split()[2:7] == ["#3", "pass", "in", "hid", "citizen-number"]


def test_tail_as_json_has_tags_and_no_seal(journal: Journal, config: str, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["tail", "--json", "--config", config]) == 0
    said = capsys.readouterr().out
    first, _, last = map(json.loads, said.splitlines())
    assert (first["outcome"], first["reasons"], first["seq"]) == ("warn", ["no-health"], 1)
    assert first["tag"] == last["tag"] != ""
    assert not {"sealed", "previous"} & first.keys()
    assert NUMBER not in said


def test_tail_follows_new_rows_until_it_is_stopped(tmp_path: Path, config: str):
    command = [sys.executable, "-m", "station", "tail", "--follow", "--json", "--config", config]
    with (
        Journal(tmp_path / "journal.db", "gate-1", SEALING) as journal,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout is not None
        for seq in (1, 2):
            journal.append(entry())
            assert json.loads(process.stdout.readline())["seq"] == seq
        process.send_signal(2)
        assert process.wait(60) == 0


def test_where_no_station_has_run_there_is_no_journal_and_that_is_said(config: str, capsys: pytest.CaptureFixture[str]):
    for words in (["tail"], ["journal", "verify"], ["journal", "export"]):
        assert cli.main([*words, "--config", config]) == os.EX_IOERR
        assert "there is no journal here" in capsys.readouterr().err


def test_export_hands_out_every_row_byte_for_byte(journal: Journal, config: str, tmp_path: Path):
    out = tmp_path / "rows.jsonl"
    assert cli.main(["journal", "export", "--config", config, "--to", str(out)]) == 0
    assert rows.walk(out.read_bytes().splitlines(), "gate-1", journal.epoch) == rows.Link(3, journal._hash)
    assert out.stat().st_mode & 0o077 == 0


DEAD_BOARD = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [sys.argv[2]]
from test_cli_journal import SEALING, entry
from station.journal.record import Journal
with Journal(Path(sys.argv[1]) / "journal.db", "gate-1", bytes.fromhex(sys.argv[3])) as journal:
    for _ in range(40):
        journal.append(entry())
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    """The data folder of a board that died at work, on a card mounted read-only, without SQLite's index of its log."""
    data, card = tmp_path / "data", tmp_path / "card"
    data.mkdir()
    card.mkdir()
    died = subprocess.run([sys.executable, "-c", DEAD_BOARD, data, Path(__file__).parent, SEALING.hex()])
    assert died.returncode == -9
    (data / "journal.db-shm").unlink()
    assert (data / "journal.db-wal").stat().st_size > 0
    if subprocess.run(["mount", "--bind", data, card], capture_output=True).returncode != 0:
        pytest.skip("folders can only be mounted by root")
    subprocess.run(["mount", "-o", "remount,bind,ro", card], check=True)
    yield card
    subprocess.run(["umount", card], check=True)


def test_the_card_of_a_dead_board_gives_every_row_without_being_written_and_without_a_configuration(
    card: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "rows.jsonl"
    before = sorted((file.name, file.read_bytes()) for file in card.iterdir())
    assert cli.main(["journal", "export", "--sealed", "--data", str(card), "--to", str(out)]) == 0
    raws = out.read_bytes().splitlines()
    proven = rows.walk(raws, "gate-1", rows.decode(raws[0]).epoch)
    assert isinstance(proven, rows.Link)
    assert proven.seq == 40
    assert cli.main(["journal", "verify", "--data", str(card)]) == 0
    assert "rows 1 to 40" in capsys.readouterr().out
    assert sorted((file.name, file.read_bytes()) for file in card.iterdir()) == before


def test_a_damaged_journal_that_was_set_aside_gives_the_rows_on_either_side_of_the_damage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path, out = tmp_path / "journal.db", tmp_path / "rows.jsonl"
    with Journal(path, "gate-1", SEALING) as journal:
        for _ in range(300):
            journal.append(entry())
    damage_page_of(path, b'"seq":150,')
    aside = path.rename(tmp_path / "journal.db.damaged-20261128T081500-412")
    assert cli.main(["journal", "export", "--sealed", "--file", str(aside), "--to", str(out)]) == os.EX_DATAERR
    lines = [json.loads(raw) for raw in out.read_bytes().splitlines()]
    seqs = [line["seq"] for line in lines if "seq" in line]
    assert seqs == sorted(set(seqs))
    assert (seqs[0], seqs[-1]) == (1, 300)
    assert len(seqs) > 280
    (gone,) = (number for number, line in enumerate(lines) if "seq" not in line)
    after = lines[gone + 1]
    assert (lines[gone]["gone"], lines[gone]["gone_hash"]) == (after["seq"] - 1, after["previous"])
    assert set(range(1, 301)) - set(seqs) == set(range(lines[gone - 1]["seq"] + 1, after["seq"]))
    told = capsys.readouterr().err
    assert "is damaged after row" in told
    assert str(aside) in told


def test_an_export_says_which_rows_this_card_has_let_go_and_counts_only_what_it_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path, out = tmp_path / "journal.db", tmp_path / "rows.jsonl"
    with Journal(path, "gate-1", SEALING, keep_days=0) as journal:
        journal.append_all([entry()] * 9)
        raws = journal.pending(9, 10**6).raws
        journal.hold(wire.HeldMark("gate-1", journal.epoch, 4, NOW))
        assert journal.erase(NOW) == 4
    assert cli.main(["journal", "export", "--sealed", "--file", str(path), "--to", str(out)]) == 0
    first, *others = out.read_bytes().splitlines()
    assert msgspec.json.decode(first, type=rows.Gone) == rows.Gone("gate-1", journal.epoch, 4, rows.digest(raws[3]))
    assert others == list(raws[4:])
    assert "5 rows" in capsys.readouterr().err


def test_every_row_between_two_damaged_places_is_handed_out(tmp_path: Path):
    path = tmp_path / "journal.db"
    with Journal(path, "gate-1", SEALING) as journal:
        journal.append_all([entry()] * 600)
    for seq in (b'"seq":150,', b'"seq":300,', b'"seq":450,'):
        damage_page_of(path, seq)
    reader = JournalReader(path)
    seqs = [line["seq"] for line in map(json.loads, reader.export()) if "seq" in line]
    assert seqs == sorted(set(seqs))
    assert (seqs[0], seqs[-1], len(reader.gone)) == (1, 600, 3)
    assert len(seqs) > 560


def test_a_file_that_is_no_journal_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "journal.db.damaged-20261128T081500-412"
    path.write_bytes(b"nothing of ours" * 1000)
    assert cli.main(["journal", "export", "--file", str(path)]) == os.EX_IOERR
    assert str(path) in capsys.readouterr().err


def test_export_writes_over_no_file(journal: Journal, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "mine"
    out.write_text("mine")
    assert cli.main(["journal", "export", "--config", config, "--to", str(out)]) == os.EX_IOERR
    assert (out.read_text(), str(out) in capsys.readouterr().err) == ("mine", True)


def test_export_goes_to_standard_output(journal: Journal, config: str):
    done = subprocess.run(
        [sys.executable, "-m", "station", "journal", "export", "--config", config], capture_output=True, check=True
    )
    assert [json.loads(line)["seq"] for line in done.stdout.splitlines()] == [1, 2, 3]
    assert done.stderr == b"3 rows\n"


def test_verify_proves_a_whole_chain_and_finds_a_changed_row(
    journal: Journal, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert cli.main(["journal", "verify", "--config", config]) == 0
    assert "good    gate-1" in capsys.readouterr().out
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as db:
        db.execute("UPDATE rows SET raw = CAST(replace(raw, 'warn', 'pass') AS BLOB) WHERE seq = 1")
    db.close()
    assert cli.main(["journal", "verify", "--config", config]) == 1
    assert "BROKEN  gate-1" in capsys.readouterr().out
    assert cli.main(["journal", "verify", "--json", "--config", config]) == 1
    assert json.loads(capsys.readouterr().out)["broken"]["seq"] == 2


def test_status_of_a_station_at_work_is_shown_and_good(
    journal: Journal, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "status.json").write_text(
        '{"station": "gate-1", "backlog": 3, "outcomes": {"pass": 2}, "devices":'
        ' [{"name": "camera"}, {"name": "lamp", "problem": "gone\\u001b[2J"}], "front": "", "named_twice": false}'
    )
    with journal:
        assert cli.main(["status", "--config", config]) == os.EX_OK
    said = capsys.readouterr()
    assert [line.split() for line in said.out.splitlines()] == [
        ["station", "gate-1"],
        ["backlog", "3"],
        ["outcomes.pass", "2"],
        ["devices.camera", "well"],
        ["devices.lamp", "gone\\x1b[2J"],
        ["front", "-"],
        ["named_twice", "no"],
    ]
    assert said.err == ""


def test_status_of_a_station_that_does_not_run_ends_with_69_after_its_last_words(
    journal: Journal, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "status.json").write_text('{"station": "gate-1", "backlog": 3}')
    assert cli.main(["status", "--json", "--config", config]) == os.EX_UNAVAILABLE
    said = capsys.readouterr()
    assert json.loads(said.out)["backlog"] == 3
    assert "no service is at work" in said.err
    assert "its last words" in said.err


def test_status_says_how_old_the_snapshot_is_by_now(journal, config, tmp_path, capsys):
    as_of = datetime.now(UTC) - timedelta(days=3)
    held = HeldSnapshot(12, as_of, usable=True)
    versions = Versions(software="1", snapshot="12 of 2026-11-20 08:00 UTC")
    figures = Health(station="gate-1", session="s", number=1, at=as_of, up=1.0, versions=versions)
    (tmp_path / "status.json").write_bytes(
        msgspec.json.encode({"station": "gate-1", "snapshot": held, "figures": figures})
    )
    cli.main(["status", "--config", config])
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line.startswith("snapshot")] == ["snapshot    12 of 2026-11-20 08:00 UTC, 3 d old"]


def test_status_says_that_the_snapshot_is_damaged_and_what_mends_it(journal, config, tmp_path, capsys):
    versions = Versions(software="1", snapshot="12 of 2026-11-20 08:00 UTC, damaged")
    figures = Health(station="gate-1", session="s", number=1, at=NOW, up=1.0, versions=versions)
    said = {"station": "gate-1", "figures": figures, "snapshot_problem": "database disk image is malformed"}
    (tmp_path / "status.json").write_bytes(msgspec.json.encode(said))
    cli.main(["status", "--config", config])
    told = capsys.readouterr().out
    assert "the snapshot of standings: database disk image is malformed; a whole one is fetched" in told
    assert "12 of 2026-11-20 08:00 UTC, damaged" in told


def test_the_status_of_another_station_is_not_taken_for_this_ones(tmp_path: Path):
    (tmp_path / "status.json").write_text('{"station": "gate-2"}')
    (tmp_path / "rubbish.json").write_text("[1, ")
    paths = (tmp_path / "none.json", tmp_path / "rubbish.json", tmp_path / "status.json")
    assert status.last_words(paths, "gate-1") == ({}, float("inf"))
    assert status.last_words(paths, "gate-2")[0] == {"station": "gate-2"}


def test_a_service_at_work_is_known_by_the_lock_on_its_journal(journal: Journal, tmp_path: Path):
    path = tmp_path / "journal.db"
    assert at_work(tmp_path / "none.db") is False
    assert at_work(path) is False
    with journal:
        assert at_work(path) is True
    assert at_work(path) is False


def test_journal_refused_lists_the_dead_letters_with_their_causes(
    journal: Journal, config: str, capsys: pytest.CaptureFixture[str]
):
    assert cli.main(["journal", "refused", "--config", config]) == 0
    assert capsys.readouterr().out == "no row was refused\n"
    with journal:
        refused = (wire.Refused(2, "not a row this hub can read"), wire.Refused(3, "the seal does not open"))
        journal.hold(wire.HeldMark("gate-1", journal.epoch, 3, NOW, refused))
        epoch = journal.epoch
    assert cli.main(["journal", "refused", "--config", config]) == 0
    told = capsys.readouterr().out
    assert told.splitlines() == [f"{epoch}/2  not a row this hub can read", f"{epoch}/3  the seal does not open"]
    assert cli.main(["journal", "refused", "--json", "--config", config]) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert first == {"epoch": epoch, "seq": 2, "cause": "not a row this hub can read"}
