"""Backup and restore: one sealed file, made while the hub runs, that opens whole or not at all."""

import io
import shutil
import stat
import threading
import tracemalloc

import pytest
import sqlalchemy as sa
from desk import Desk
from hub_stand import CITIZEN, SECONDS, command, furnish, journal_of, now, until

from core.model import Scheme, Subject
from hub.config import Settings
from hub.custody import backups, restoring
from hub.custody.strongbox import CHUNK, BoxReader, BoxWriter, Shut
from hub.errors import ConfigError, DataError, MissingFile, Unavailable
from hub.journals import intake, reading
from hub.officials import audit as audit_log
from hub.opening import open_store
from hub.register.people import VisitRecord
from hub.register.registry import visited
from hub.register.standings import Standings
from hub.storage import dumps
from hub.storage.account_tables import audit
from hub.storage.store import Store, build, revision_of
from hub.storage.tables import journal_rows, people, visits

PASSPHRASE = "twelve letters at least"


@pytest.fixture(params=["sqlite", "postgres"])
def places(request, tmp_path):
    """Settings of a hub, and of an empty one of the same kind of database."""
    given = [Settings(data=str(tmp_path / name)) for name in ("hub", "new")]
    if request.param == "sqlite":
        yield given
        return
    server = request.getfixturevalue("postgres")
    urls = [server.make() for _ in given]
    yield [Settings(each.data, url) for each, url in zip(given, urls, strict=True)]
    for url in urls:
        server.drop(url)


def filled(settings, rows=3):
    """A hub with people, a policy and rows of a station, on its database."""
    furnish(settings.folder, "s1", database=settings.database)
    store, ring = open_store(settings)
    journal = journal_of(ring)
    for _ in range(rows):
        journal.write()
    bring(store, ring, journal)
    store.close()
    return journal


def bring(store, ring, journal):
    with store.writing() as connection:
        intake.take(connection, journal.batch(), now())
        while reading.read_pending(connection, ring, 1_000, now())[0]:
            pass


def everything(settings):
    """What every table of a hub's database says."""
    store = Store(settings.database_url)
    with store.snapshot() as connection:
        said = {}
        for chunk in dumps.chunks(connection):
            said.setdefault(chunk.table, []).extend(chunk.rows)
    store.close()
    return {table: sorted(rows, key=repr) for table, rows in said.items()}


def test_every_row_key_and_policy_comes_back_and_it_is_told_how_far_it_is(places, tmp_path):
    old, new = places
    filled(old)
    told = []
    label = backups.write(old, tmp_path / "hub.tqb", PASSPHRASE, now(), lambda *done: told.append(done))
    assert (label.people, label.rows, told[-1]) == (1, 3, (label.total, label.total))
    told.clear()
    restored = restoring.read(new, tmp_path / "hub.tqb", PASSPHRASE, now(), progress=lambda *done: told.append(done))
    assert (restored.label, restored.erased_again, told[-1]) == (label, 0, (label.total, label.total))
    for key in (old.folder / "keys").glob("*.key"):
        assert (new.folder / "keys" / key.name).read_bytes() == key.read_bytes()
    assert everything(new) == everything(old)
    store, ring = open_store(new)
    standings = Standings(store.reader(), ring)
    assert standings.of(Subject(Scheme.CITIZEN, CITIZEN), now(), now()) is not None
    standings.close()
    store.close()


def test_what_comes_after_a_restore_is_numbered_behind_what_was_there(places, tmp_path):
    old, new = places
    filled(old)
    backups.write(old, tmp_path / "hub.tqb", PASSPHRASE, now())
    restoring.read(new, tmp_path / "hub.tqb", PASSPHRASE, now())
    store, _ = open_store(new)
    with store.writing() as connection:
        before = connection.scalar(sa.select(sa.func.max(visits.c.id)))
        visited(connection, connection.scalar(sa.select(people.c.id)), VisitRecord(now(), "cho"))
        assert connection.scalar(sa.select(sa.func.max(visits.c.id))) == before + 1
    store.close()


@pytest.mark.parametrize("turned", [False, True], ids=["sqlite-to-postgres", "postgres-to-sqlite"])
def test_a_backup_of_one_database_is_restored_into_the_other(postgres, tmp_path, turned):
    url = postgres.make()
    files, server = Settings(data=str(tmp_path / "files")), Settings(str(tmp_path / "server"), url)
    old, new = (server, files) if turned else (files, server)
    filled(old)
    backups.write(old, tmp_path / "hub.tqb", PASSPHRASE, now())
    restoring.read(new, tmp_path / "hub.tqb", PASSPHRASE, now())
    assert everything(new) == everything(old)
    store, _ = open_store(new)
    with store.writing() as connection:
        connection.execute(sa.insert(audit).values(AN_ENTRY))
        with pytest.raises(sa.exc.DBAPIError, match="only appended to"), connection.begin_nested():
            connection.execute(sa.delete(audit))
    store.close()
    postgres.drop(url)


AN_ENTRY = {column.name: b"" if str(column.type).startswith("BLOB") else "" for column in audit.columns} | {
    "seq": 1,
    "at": now(),
    "person": None,
}


def test_a_backup_is_one_moment_while_check_ins_go_on(places, tmp_path):
    old, new = places
    journal = filled(old, rows=50)
    stop = threading.Event()
    brought = []

    def go_on():
        store, ring = open_store(old)
        while not stop.is_set():
            journal.write()
            with store.writing() as connection:
                intake.take(connection, journal.batch(len(journal.raws)), now())
                reading.read_pending(connection, ring, 1_000, now())
            brought.append(1)
        store.close()

    flow = threading.Thread(target=go_on, daemon=True)
    flow.start()
    try:
        until(lambda: brought, "rows brought")
        backups.write(old, tmp_path / "hub.tqb", PASSPHRASE, now())
    finally:
        stop.set()
        flow.join(SECONDS)
    label = restoring.read(new, tmp_path / "hub.tqb", PASSPHRASE, now()).label
    store, ring = open_store(new)
    with store.reading() as connection:
        held = [count(connection, table) for table in (journal_rows, visits)]
    assert held == [label.rows, label.rows]
    assert 50 <= label.rows <= len(journal.raws)
    with store.writing() as connection:  # the station sends again what the hub does not hold any more
        intake.take(connection, journal.batch(label.rows + 1), now())
        while reading.read_pending(connection, ring, 1_000, now())[0]:
            pass
        assert count(connection, visits) == len(journal.raws)
    store.close()


def count(connection, table):
    return connection.scalar(sa.select(sa.func.count()).select_from(table))


def test_memory_stays_flat_whatever_the_tables_hold(places, tmp_path):
    old, new = places
    filled(old)
    store, _ = open_store(old)
    row = {"station": "s1", "epoch": "00000000000000bb", "raw": bytes(4_000), "digest": bytes(32), "arrived": now()}
    with store.writing() as connection:
        connection.execute(sa.insert(journal_rows), [{**row, "seq": seq} for seq in range(1, 10_001)])
    store.close()
    most = []
    for work in (
        lambda: backups.write(old, tmp_path / "hub.tqb", PASSPHRASE, now()),
        lambda: restoring.read(new, tmp_path / "hub.tqb", PASSPHRASE, now()),
    ):
        tracemalloc.start()
        work()
        most.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (tmp_path / "hub.tqb").stat().st_size > 40_000_000
    assert max(most) < 25_000_000


def test_a_backup_of_an_older_schema_is_brought_up_to_date(places, tmp_path):
    old, new = places
    (old.folder / "keys").mkdir(parents=True)
    store = Store(old.database_url)
    with store.writing() as connection:
        build(connection, "0005")
        connection.exec_driver_sql(
            "INSERT INTO people (key, name, born, sex, nationality, phone, address) "
            f"VALUES ({KEY_ON[bool(old.database)]}, "
            "'Nguyễn Thị Ánh', '1990', '', 'VN', '', '')"
        )
    store.close()
    backups.write(old, tmp_path / "b", PASSPHRASE, now())
    restoring.read(new, tmp_path / "b", PASSPHRASE, now())
    store, _ = open_store(new)
    with store.reading() as connection:
        assert connection.scalar(sa.select(people.c.name)) == "Nguyễn Thị Ánh"
        assert revision_of(connection) > "0005"
    store.close()


KEY_ON = {False: "x'00000000000000000000000000000001'", True: "decode('00000000000000000000000000000001', 'hex')"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub's folder with people, a policy and three rows."""
    folder = tmp_path_factory.mktemp("hub")
    filled(Settings(data=str(folder)))
    return folder


@pytest.fixture(scope="module")
def backup(hub):
    """Its backup."""
    file = hub.parent / "hub.tqb"
    backups.write(Settings(data=str(hub)), file, PASSPHRASE, now())
    return file


def test_a_backup_tells_nothing_without_its_passphrase(hub, backup):
    sealed = backup.read_bytes()
    keys = [key.read_bytes().strip() for key in (hub / "keys").glob("*.key")]
    assert [word for word in ("Nguyễn".encode(), b"journal_rows", b"backup.json", *keys) if word in sealed] == []
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_nothing_is_left_beside_a_backup_or_in_the_hubs_folder(hub, backup):
    assert [path.name for path in hub.iterdir() if path.name.startswith(".")] == []
    assert list(backup.parent.glob("*.new")) == []


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda raw: raw, "passphrase is wrong"),
        (lambda raw: raw[:-1], "passphrase is wrong"),  # a small file is one chunk
        (lambda raw: b"PK" + raw, "no backup of a hub"),
        (lambda raw: b"", "no backup of a hub"),
    ],
)
def test_what_does_not_open_is_refused_and_leaves_nothing_behind(backup, tmp_path, spoil, problem):
    spoilt = tmp_path / "spoilt.tqb"
    spoilt.write_bytes(spoil(backup.read_bytes()))
    with pytest.raises(DataError, match=problem):
        restoring.read(Settings(data=str(tmp_path / "new")), spoilt, "another passphrase", now())
    assert list((tmp_path / "new").iterdir()) == []


def test_a_backup_cut_off_in_the_middle_leaves_nothing_in_a_servers_database(postgres, tmp_path):
    old = Settings(data=str(tmp_path / "hub"))
    filled(old)
    store, _ = open_store(old)
    row = {"station": "s1", "epoch": "00000000000000bb", "raw": bytes(2_000), "digest": bytes(32), "arrived": now()}
    with store.writing() as connection:
        connection.execute(sa.insert(journal_rows), [{**row, "seq": seq} for seq in range(1, 2_001)])
    store.close()
    backups.write(old, tmp_path / "hub.tqb", PASSPHRASE, now())
    whole = (tmp_path / "hub.tqb").read_bytes()
    (tmp_path / "cut.tqb").write_bytes(whole[: len(whole) - CHUNK])
    url = postgres.make()
    new = Settings(str(tmp_path / "new"), url)
    with pytest.raises(DataError, match="changed or cut off"):
        restoring.read(new, tmp_path / "cut.tqb", PASSPHRASE, now())
    assert list(new.folder.iterdir()) == []
    store = Store(new.database_url)
    with store.reading() as connection:
        assert sa.inspect(connection).get_table_names() == []
    store.close()
    postgres.drop(url)


def test_a_backup_is_never_put_over_a_hub_that_is_there(hub, backup):
    with pytest.raises(ConfigError, match="is there already"):
        restoring.read(Settings(data=str(hub)), backup, PASSPHRASE, now())


def test_a_backup_is_never_put_into_a_servers_database_that_is_in_use(backup, postgres, tmp_path):
    url = postgres.lend()
    with pytest.raises(ConfigError, match="the database is not empty"):
        restoring.read(Settings(str(tmp_path), url), backup, PASSPHRASE, now())
    assert list(tmp_path.iterdir()) == []
    postgres.take_back(url)


def test_where_no_hub_has_run_there_is_nothing_to_back_up(postgres, tmp_path):
    with pytest.raises(MissingFile, match="no hub has run here"):
        backups.write(Settings(str(tmp_path)), tmp_path / "b", PASSPHRASE, now())
    (tmp_path / "keys").mkdir()
    url = postgres.make()
    with pytest.raises(MissingFile, match="no hub has run on this database"):
        backups.write(Settings(str(tmp_path), url), tmp_path / "b", PASSPHRASE, now())
    postgres.drop(url)
    with pytest.raises(Unavailable, match="cannot be read"):
        backups.write(Settings(str(tmp_path), url), tmp_path / "b", PASSPHRASE, now())
    shutil.rmtree(tmp_path / "keys")
    assert list(tmp_path.iterdir()) == []


def test_the_commands_back_up_a_running_hub_and_restore_it_and_the_log_says_so(
    tmp_path, serving_either, database, postgres
):
    hub, _ = serving_either("--port", "0")
    secret = tmp_path / "secret.txt"
    secret.write_text(PASSPHRASE + "\n")
    file = tmp_path / "hub.tqb"
    assert "1 people" in hub.command("backup", file, "--passphrase-file", secret)
    new = Desk(tmp_path / "new", "" if database.startswith("sqlite") else postgres.make())
    assert "restored" in new.run("restore", file, "--passphrase-file", secret)
    assert '"s1"' in new.run("station", "list", "--json")
    store, _ = new.open()
    with store.reading() as connection:
        (entry,) = audit_log.entries(connection)
    store.close()
    assert (entry.account, entry.action, entry.detail["file"]) == ("operator", "restore", "hub.tqb")
    if new.database:
        postgres.drop(new.database)


@pytest.mark.parametrize(("typed", "problem"), [("short", "at least 12"), (None, "no passphrase")])
def test_a_backup_without_a_passphrase_worth_the_name_is_not_made(tmp_path, typed, problem):
    words = ["backup", tmp_path / "b"]
    if typed:
        (tmp_path / "secret").write_text(typed)
        words += ["--passphrase-file", tmp_path / "secret"]
    assert problem in command(tmp_path, *words, code=65)


# the box itself


def boxed(plain: bytes) -> bytes:
    file = io.BytesIO()
    box = BoxWriter(file, PASSPHRASE)
    box.write(plain)
    box.close()
    return file.getvalue()


def opened(raw: bytes) -> bytes:
    box = BoxReader(io.BytesIO(raw), PASSPHRASE)
    read = b""
    while part := box.read(100_000):
        read += part
    assert box.ended
    return read


@pytest.mark.parametrize("size", [0, 1, CHUNK, 2 * CHUNK + 5])
def test_what_goes_into_a_box_comes_out_of_it(size):
    plain = bytes(index % 251 for index in range(size))
    assert opened(boxed(plain)) == plain


def test_chunks_cut_off_swapped_doubled_or_changed_are_seen():
    whole = boxed(bytes(2 * CHUNK + 5))
    head, chunk = len(whole) - 2 * (CHUNK + 20) - 25, CHUNK + 20
    first, second, last = whole[head : head + chunk], whole[head + chunk : head + 2 * chunk], whole[-25:]
    start = whole[:head]
    flipped = bytearray(whole)
    flipped[head + chunk + 50] ^= 1
    for spoilt in (start + first + second, start + second + first + last, start + first + first + second + last):
        with pytest.raises(Shut):
            opened(spoilt)
    for spoilt in (start + first + last, whole + b"x", bytes(flipped)):
        with pytest.raises(Shut, match=r"changed or cut off"):
            opened(spoilt)
