"""The hub's commands: what they print, what they end with, and the invented province held against the real policy."""

import io
import json
import re
import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta

import msgspec
import pytest
from hub_stand import CITIZEN, PEOPLE, ROOT, Journal, appoint, command, furnish, now

from core import codes, keys, policy, wire
from core.codes import place
from core.codes.trust import Trust, read_pem
from core.model import Direction, GateKind, Held, Lookup, Origin, Outcome, SignatureState
from hub import cli, config, schemas
from hub.cast import Cast, Expected
from hub.cli import FUNCTIONS
from hub.config import Settings
from hub.errors import ConfigError
from hub.journals.intake import take
from hub.journals.reading import read_pending
from hub.opening import open_store
from hub.register.people import PeopleFile
from hub.register.standings import Standings

COMMANDS = (
    ("serve",),
    ("import",),
    ("export", "checkins"),
    ("station", "add"),
    ("station", "list"),
    ("journal", "verify"),
    ("alarms",),
    ("dead-letter", "list"),
    ("dead-letter", "show"),
    ("dead-letter", "replay"),
    ("policy", "publish"),
    ("policy", "withdraw"),
    ("keys", "show"),
    ("keys", "rotate"),
    ("client", "add"),
    ("place", "list"),
    ("place", "put"),
    ("place", "code"),
    ("person", "link"),
    ("province", "check"),
    ("schemas",),
    ("demo-province",),
    ("account", "add"),
    ("account", "list"),
    ("account", "disable"),
    ("account", "reset"),
    ("account", "log"),
)


@pytest.mark.parametrize("where", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_every_command_has_its_function(where):
    assert callable(cli.command(*where))


def test_help_comes_without_the_database_and_the_web_server():
    program = (
        "import sys, hub.cli; sys.exit(bool({'sqlalchemy', 'litestar', 'httpx', 'cryptography'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=120).returncode == 0


def test_an_invented_province_is_founded_with_its_station_and_all_that_gates_must_believe(tmp_path):
    cast, trust = tmp_path / "cast.json", tmp_path / "trust"
    given = ("--people", 80, "--cast", cast, "--trust", trust, "--found", "demo-1", "--kind", "checkpoint")
    own = json.loads(command(tmp_path / "hub", "demo-province", *given))
    (known,) = json.loads(command(tmp_path / "hub", "station", "list", "--json"))
    place = msgspec.json.decode(cast.read_bytes(), type=Cast).places[GateKind.CHECKPOINT]
    assert (known["name"], known["place"]) == ("demo-1", place) == (own["station"]["name"], own["station"]["place"])
    shown = json.loads(command(tmp_path / "hub", "keys", "show", "--json"))
    assert own["hub"]["policy_key"] == shown["policy_key"]["key"]
    assert len(list(trust.iterdir())) == 2  # the hub's own key, and the invented authority's


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_helps_with_an_example(words, capsys):
    from hub.cli import main

    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    assert f"example:\n  hub {' '.join(words)}" in capsys.readouterr().out


def test_the_schemas_in_the_documents_are_current():
    assert schemas.outdated(ROOT / "docs" / "schemas") == []


def test_a_schema_that_is_not_current_ends_with_1(tmp_path):
    command(tmp_path, "schemas", tmp_path / "schemas")
    command(tmp_path, "schemas", tmp_path / "schemas", "--check")
    (tmp_path / "schemas" / "ask.schema.json").write_text("{}")
    assert "ask.schema.json is not current" in command(tmp_path, "schemas", tmp_path / "schemas", "--check", code=1)


def test_what_is_wrong_on_the_command_line_ends_with_its_own_code(tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('{"people": [{}]}')
    assert "missing required field `ref`" in command(tmp_path, "import", bad, code=65)
    assert "No such file" in command(tmp_path, "import", tmp_path / "none.json", code=66)
    assert "place 'x' is not registered" in command(tmp_path, "station", "add", "s1", "--place", "x", code=65)
    toml = tmp_path / "hub.toml"
    toml.write_text("[http]\nprot = 1\n")
    assert "http.prot: unknown key; did you mean http.port?" in command(
        tmp_path, "keys", "show", "--config", toml, code=78
    )
    command(tmp_path, "no-such-command", code=2)


def test_a_port_that_is_taken_ends_with_69(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1:{port}" in command(tmp_path, "serve", "--port", port, code=69)


def test_settings_name_every_fault_at_once(tmp_path):
    path = tmp_path / "hub.toml"
    path.write_text('dta = "x"\n[http]\nport = 99999\n[mqtt]\nhost = 1\n[brokr]\nstart = true\n')
    with pytest.raises(ConfigError) as raised:
        config.load(path)
    lines = str(raised.value).splitlines()
    assert [line.removeprefix(f"{path}: ").partition(":")[0] for line in lines] == [
        "dta",
        "http.port",
        "mqtt.host",
        "brokr",
    ]


def test_settings_have_a_default_each(tmp_path):
    path = tmp_path / "hub.toml"
    path.write_text(f'data = "{tmp_path}"\n[broker]\nstart = true\n')
    loaded = config.load(path)
    assert (loaded.http, loaded.broker.start, loaded.database_url) == (
        config.HttpSettings(),
        True,
        f"sqlite:///{tmp_path}/hub.sqlite",
    )


@pytest.fixture
def filled(tmp_path):
    """A data folder with one journal of three rows, the second of them missing."""
    pinned = furnish(tmp_path, "s1")["s1"]
    book = Journal(keys.decode_key(pinned["sealing_key"]))
    for _ in range(3):
        book.write()
    store, ring = open_store(Settings(data=str(tmp_path)))
    with store.writing() as connection:
        for batch in (book.batch(1, 1), book.batch(3, 3)):
            take(connection, batch, now())
        read_pending(connection, ring, 10, now())
    store.close()
    return tmp_path


def test_a_missing_row_is_named_and_ends_with_1(filled):
    assert "missing 2 to 2" in command(filled, "journal", "verify", "s1", code=1)
    assert "no journal is held" in command(filled, "journal", "verify", "nobody", code=1)


def test_an_export_names_nobody_unless_asked_to(filled):
    plain = command(filled, "export", "checkins", "--json")
    (row,) = map(json.loads, plain.splitlines())
    assert (row["seq"], row["outcome"], len(row["person"]), row["went_in"]) == (1, "pass", 32, 1)
    assert not [word for word in (CITIZEN, "Ánh", "sealed") if word in plain]
    named = json.loads(command(filled, "export", "checkins", "--json", "--identities"))
    assert named["name"] == "Nguyễn Thị Ánh"
    assert {"scheme": "citizen", "value": CITIZEN} in named["identities"]


def test_a_stations_settings_fit_its_configuration(tmp_path):
    import tomllib

    furnish(tmp_path)
    sheet = tomllib.loads(command(tmp_path, "station", "add", "s1", "--place", "cho", "--url", "http://h:1"))
    assert sheet["station"] == {
        "name": "s1",
        "place": "cho",
        "place_name": "Chợ Đông Ba",
        "kind": "venue",
        "district": "63/475",
    }
    assert sheet["hub"]["url"] == "http://h:1"
    assert len(keys.decode_key(sheet["hub"]["policy_key"])) == 32


class Province:
    """The invented province imported into a hub, with a gate that asks it."""

    def __init__(self, folder):
        trust = folder / "trust"
        people = folder / "people.json"
        printed = command(folder, "demo-province", "--people", 60, "--cast", folder / "cast.json", "--trust", trust)
        people.write_text(printed)
        command(folder, "import", people)
        command(folder, "keys", "show", "--trust", trust)
        self.file = msgspec.json.decode(printed, type=PeopleFile)
        self.cast = msgspec.json.decode((folder / "cast.json").read_bytes(), type=Cast)
        self.trust = Trust(dict(pair for path in trust.iterdir() for pair in read_pem(path.read_bytes(), path.stem)))
        self.store, ring = open_store(Settings(data=str(folder)))
        self.standings = Standings(self.store.reader(), ring)

    def close(self):
        self.standings.close()
        self.store.close()

    def verdict(self, code: bytes, expected: Expected, at: datetime):
        credential = codes.parse(code, self.trust, at)
        verified = credential.signed is None or credential.signed.state is SignatureState.VERIFIED
        lookup = Lookup(None)
        if credential.subject is not None and verified:
            standing = self.standings.of(credential.subject, at, at)
            hub = Held(Origin.HUB, at)
            lookup = Lookup(standing, hub, hub, hub, found=standing is not None)
        place = self.cast.places[expected.gate]
        rules = policy.Rules.of(self.file.policies[0], expected.gate, place, expected.direction)
        return credential.kind, policy.decide(credential, lookup, rules, at)


@pytest.fixture(scope="module")
def province(tmp_path_factory):
    built = Province(tmp_path_factory.mktemp("province"))
    yield built
    built.close()


def test_every_card_of_the_tray_gets_the_verdict_written_beside_it(province):
    import base64

    wrong = []
    for member in province.cast.members:
        code = member.text.encode() if member.text else base64.b64decode(member.data)
        for expected in member.expected:
            if not expected.online or expected.showing > 1 or expected.full:
                continue  # the station's own part: shown in its tests
            kind, verdict = province.verdict(code, expected, now())
            if (kind.value, verdict.outcome, verdict.reasons) != (member.family, expected.outcome, expected.reasons):
                wrong.append((member.label, expected, kind, verdict))
    assert wrong == []


def test_the_tray_shows_every_outcome_that_a_code_can_have_in_both_directions(province):
    expected = [each for member in province.cast.members for each in member.expected]
    assert {each.outcome for each in expected} == set(Outcome)
    assert {each.direction for each in expected} == {Direction.IN, Direction.OUT}
    assert len({member.label for member in province.cast.members}) == len(province.cast.members)


def test_the_same_seed_invents_the_same_people(tmp_path):
    words = ("demo-province", "--people", 40, "--seed", 3, "--at", "2026-03-01T00:00:00+07:00")
    first, again = command(tmp_path, *words), command(tmp_path, *words)
    assert first == again
    assert len(msgspec.json.decode(first, type=PeopleFile).people) == 40
    assert wire.encode(msgspec.json.decode(first, type=PeopleFile)).decode() == first.strip()


def test_the_example_explains_every_setting_with_its_default():
    import tomllib

    path = ROOT / "hub" / "hub.example.toml"
    assert config.load(path) == Settings()
    assert tomllib.loads(path.read_text()) == msgspec.json.decode(msgspec.json.encode(Settings()))


def test_a_place_is_put_and_hours_that_never_close_it_are_refused(tmp_path):
    furnish(tmp_path)
    words = ("place", "put", "ga-hue", "--name", "Ga Huế", "--kind", "venue", "--area", "63/19777")
    assert "hours: opening and closing time" in command(tmp_path, *words, "--hours", "cả ngày", code=65)
    assert "EDITION/CODE" in command(tmp_path, *words[:-1], "63/99999", code=65)
    assert json.loads(command(tmp_path, *words, "--hours", "5h-20h", "--capacity", 300, "--json"))["new"]
    found = {each["code"]: each for each in json.loads(command(tmp_path, "place", "list", "--json"))}["ga-hue"]
    assert (found["hours"], found["capacity"], found["area"]["district"]) == ("05:00-20:00", 300, "474")


def test_a_places_code_is_printed_and_drawn_five_centimetres_wide(tmp_path):
    furnish(tmp_path)
    path = tmp_path / "cho.svg"
    text = command(tmp_path, "place", "code", "cho", "--svg", path).strip()
    assert place.place_of(text) == "cho"
    assert re.search(r'width="50(\.0+)?mm"', path.read_text())
    assert [each["posted"] for each in json.loads(command(tmp_path, "place", "list", "--json"))].count(text) == 1
    assert "is not registered" in command(tmp_path, "place", "code", "nowhere", code=65)


@pytest.mark.parametrize(("lines", "code"), [("MYQR-ANH-0001\nB1234567\n", 0), ("MYQR-ANH-0001\n000000000\n", 65), ("no-such-token\nB1234567\n", 65)])  # fmt: skip # noqa: E501
def test_a_card_is_linked_to_a_my_qr_by_two_lines_that_nobody_else_sees(tmp_path, monkeypatch, capsys, lines, code):
    from hub.cli import main

    furnish(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    assert main(["person", "link", "--by", appoint(tmp_path, "le-thi-b"), "--data", str(tmp_path)]) == code
    said = capsys.readouterr()
    assert not [word for word in lines.split() if word in said.out + said.err]
    with sqlite3.connect(tmp_path / "hub.sqlite") as database:
        logged = database.execute("SELECT account, action, length(person) FROM audit").fetchall()
    database.close()
    assert logged == ([("le-thi-b", "link", 16)] if code == 0 else [])


@pytest.mark.parametrize("by", ["nobody", "shut"])
def test_nobody_answers_for_a_command_who_has_no_open_account(tmp_path, monkeypatch, capsys, by):
    from hub.cli import main

    furnish(tmp_path)
    appoint(tmp_path, "shut")
    command(tmp_path, "account", "disable", "shut")
    for words in (
        ["person", "export"],
        ["person", "erase"],
        ["person", "hold", "--reason", "court order 7", "--until", "2027-01-01T00:00:00Z"],
        ["person", "release", "1"],
        ["keys", "rotate"],
        ["export", "checkins", "--identities"],
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO(CITIZEN))
        assert main([*words, "--by", by, "--data", str(tmp_path)]) == 65, words
    assert capsys.readouterr().err.count("no account of this name is open") == 6


def test_every_command_that_shows_or_changes_stands_in_the_log_with_who_answers(tmp_path, monkeypatch):
    from hub.cli import main

    furnish(tmp_path, "s1")
    appoint(tmp_path, "le-thi-b")
    people_file, policy = tmp_path / "people.json", tmp_path / "policy.json"
    people_file.write_text(json.dumps({"places": PEOPLE["places"]}))
    policy.write_text('{"version": 1, "issued": "2026-01-01T00:00:00Z", "effective": "2026-01-01T00:00:00Z"}')
    why = ["--reason", "court order 7"]
    until = (now() + timedelta(days=9)).isoformat()
    for words in (
        ["person", "export", *why],
        ["person", "hold", *why, "--until", until],
        ["person", "release", "1"],
        ["export", "checkins", "--identities", *why],
        ["policy", "publish", str(policy), "--next"],
        ["import", str(people_file)],
        ["keys", "rotate"],
        ["person", "erase"],
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO(CITIZEN))
        assert main([*words, "--by", "le-thi-b", "--data", str(tmp_path)]) == 0, words
    with sqlite3.connect(tmp_path / "hub.sqlite") as database:
        logged = database.execute(
            "SELECT action, account, role, why, person IS NULL FROM audit ORDER BY seq"
        ).fetchall()
        assert database.execute("SELECT author FROM policies ORDER BY version DESC").fetchone() == ("le-thi-b",)
    database.close()
    own = ("le-thi-b", "administrator")
    assert logged == [
        ("own-data", *own, "court order 7", 0),
        ("hold", *own, "", 0),
        ("release", *own, "", 1),
        ("export", *own, "court order 7", 1),
        ("policy", *own, "", 1),
        ("import", *own, "", 1),
        ("keys", *own, "", 1),
        ("erase", *own, "", 0),
    ]


@pytest.mark.parametrize("scope", ["station/zzz", "district/63/999", "everywhere"])
def test_a_policy_for_nobody_is_not_published(tmp_path, scope):
    furnish(tmp_path)
    path = tmp_path / "policy.json"
    policy = {"version": 9, "issued": now().isoformat(), "effective": now().isoformat(), "scope": scope}
    path.write_text(json.dumps(policy))
    assert "policy scope" in command(tmp_path, "policy", "publish", path, code=65)
