"""The hub's commands: what they print, what they end with, and the invented province held against the real policy."""

import json
import subprocess
import sys
from datetime import datetime

import msgspec
import pytest
from desk import Desk
from hub_stand import ROOT, command, now

from core import codes, policy, wire
from core.codes.trust import Trust, read_pem
from core.model import Direction, GateKind, Held, Lookup, Origin, Outcome, SignatureState
from hub import cli, config, schemas
from hub.cast import Cast, Expected
from hub.cli import FUNCTIONS
from hub.config import Settings
from hub.errors import ConfigError
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
    ("place", "key"),
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


def test_an_invented_province_is_founded_with_its_station_and_all_that_gates_must_believe(desk, tmp_path):
    cast, trust = tmp_path / "cast.json", tmp_path / "trust"
    given = ("--people", 80, "--cast", cast, "--trust", trust, "--found", "demo-1", "--kind", "checkpoint")
    own = json.loads(desk.run("demo-province", *given))
    (known,) = json.loads(desk.run("station", "list", "--json"))
    place = msgspec.json.decode(cast.read_bytes(), type=Cast).places[GateKind.CHECKPOINT]
    assert (known["name"], known["place"]) == ("demo-1", place) == (own["station"]["name"], own["station"]["place"])
    shown = json.loads(desk.run("keys", "show", "--json"))
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


class Province:
    """The invented province imported into a hub, with a gate that asks it."""

    def __init__(self, folder, database):
        trust, desk = folder / "trust", Desk(folder, database)
        people = folder / "people.json"
        printed = desk.run("demo-province", "--people", 60, "--cast", folder / "cast.json", "--trust", trust)
        people.write_text(printed)
        desk.run("import", people)
        desk.run("keys", "show", "--trust", trust)
        self.file = msgspec.json.decode(printed, type=PeopleFile)
        self.cast = msgspec.json.decode((folder / "cast.json").read_bytes(), type=Cast)
        self.trust = Trust(dict(pair for path in trust.iterdir() for pair in read_pem(path.read_bytes(), path.stem)))
        self.store, ring = desk.open()
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
def province(tmp_path_factory, module_database):
    built = Province(tmp_path_factory.mktemp("province"), module_database)
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
