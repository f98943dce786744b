"""The hub's commands on records: what they do to a hub on either database, and that the log says who did it."""

import getpass
import io
import json
import re
from datetime import timedelta

import pytest
from hub_stand import CITIZEN, PEOPLE, Journal, now

from core import keys
from core.codes import place
from hub.cli import FUNCTIONS
from hub.journals import intake
from hub.journals.intake import take
from hub.journals.reading import read_pending
from hub.officials import audit
from hub.policy import policies


@pytest.fixture
def filled(desk):
    """A data folder with one journal of three rows, the second of them missing."""
    pinned = desk.furnish("s1")["s1"]
    book = Journal(keys.decode_key(pinned["sealing_key"]))
    for _ in range(3):
        book.write()
    store, ring = desk.open()
    with store.writing() as connection:
        for batch in (book.batch(1, 1), book.batch(3, 3)):
            take(connection, batch, now())
        read_pending(connection, ring, 10, now())
    store.close()
    return desk


def test_a_missing_row_is_named_and_ends_with_1(filled):
    assert "missing 2 to 2" in filled.run("journal", "verify", "s1", code=1)
    assert "no journal is held" in filled.run("journal", "verify", "nobody", code=1)


def test_rows_by_hand_that_are_not_kept_are_named_with_the_cure_and_end_with_1(filled, tmp_path, monkeypatch, capsys):
    from hub.cli import main

    store, ring = filled.open()
    book = Journal(ring.sealing_public, epoch="b" * 16)
    store.close()
    for _ in range(9):
        book.write()
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(raw + b"\n" for raw in book.raws[2:]))
    monkeypatch.setattr(intake, "WAITING_AT_MOST", 4)
    assert main(["import", str(path), *filled.words]) == 1
    told = capsys.readouterr()
    assert "rows 7 to 9 were NOT kept" in told.out
    assert "lacks rows 1 to 2; import those, then this file again" in told.err
    assert f"hub import --give-up {path}" in told.err
    assert main(["import", "--give-up", str(path), *filled.words]) == 0
    told = capsys.readouterr()
    assert "held through 9, rows 1 to 2 are lost" in told.out
    assert "hub: " not in told.err


def test_an_export_names_nobody_unless_asked_to(filled):
    plain = filled.run("export", "checkins", "--json")
    (row,) = map(json.loads, plain.splitlines())
    assert (row["seq"], row["outcome"], len(row["person"]), row["went_in"]) == (1, "pass", 32, 1)
    assert not [word for word in (CITIZEN, "Ánh", "sealed") if word in plain]
    named = json.loads(filled.run("export", "checkins", "--json", "--identities"))
    assert named["name"] == "Nguyễn Thị Ánh"
    assert {"scheme": "citizen", "value": CITIZEN} in named["identities"]


def test_a_stations_settings_fit_its_configuration(desk):
    import tomllib

    desk.furnish()
    sheet = tomllib.loads(desk.run("station", "add", "s1", "--place", "cho", "--url", "http://h:1"))
    assert sheet["station"] == {
        "name": "s1",
        "place": "cho",
        "place_name": "Chợ Đông Ba",
        "kind": "venue",
        "district": "63/475",
    }
    assert sheet["hub"]["url"] == "http://h:1"
    assert len(keys.decode_key(sheet["hub"]["policy_key"])) == 32


def test_a_place_is_put_and_hours_that_never_close_it_are_refused(desk):
    desk.furnish()
    words = ("place", "put", "ga-hue", "--name", "Ga Huế", "--kind", "venue", "--area", "63/19777")
    assert "hours: opening and closing time" in desk.run(*words, "--hours", "cả ngày", code=65)
    assert "EDITION/CODE" in desk.run(*words[:-1], "63/99999", code=65)
    assert json.loads(desk.run(*words, "--hours", "5h-20h", "--capacity", 300, "--json"))["new"]
    found = {each["code"]: each for each in json.loads(desk.run("place", "list", "--json"))}["ga-hue"]
    assert (found["hours"], found["capacity"], found["area"]["district"]) == ("05:00-20:00", 300, "474")


def test_a_places_code_is_printed_and_drawn_five_centimetres_wide(desk, tmp_path):
    desk.furnish()
    path = tmp_path / "cho.svg"
    text = desk.run("place", "code", "cho", "--svg", path).strip()
    assert place.place_of(text) == "cho"
    assert re.search(r'width="50(\.0+)?mm"', path.read_text())
    assert [each["posted"] for each in json.loads(desk.run("place", "list", "--json"))].count(text) == 1
    assert "is not registered" in desk.run("place", "code", "nowhere", code=65)


@pytest.mark.parametrize(("lines", "code"), [("MYQR-ANH-0001\nB1234567\n", 0), ("MYQR-ANH-0001\n000000000\n", 65), ("no-such-token\nB1234567\n", 65)])  # fmt: skip # noqa: E501
def test_a_card_is_linked_to_a_my_qr_by_two_lines_that_nobody_else_sees(desk, monkeypatch, capsys, lines, code):
    from hub.cli import main

    desk.furnish()
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    assert main(["person", "link", "--by", desk.appoint("le-thi-b"), *desk.words]) == code
    said = capsys.readouterr()
    assert not [word for word in lines.split() if word in said.out + said.err]
    store, _ = desk.open()
    with store.reading() as connection:
        logged = [(each.account, each.action, len(each.person)) for each in audit.entries(connection)]
    store.close()
    assert logged == ([("le-thi-b", "link", 32)] if code == 0 else [])


@pytest.mark.parametrize("by", ["nobody", "shut"])
def test_nobody_answers_for_a_command_who_has_no_open_account(desk, monkeypatch, capsys, by):
    from hub.cli import main

    desk.furnish()
    desk.appoint("shut")
    desk.run("account", "disable", "shut")
    for words in (
        ["person", "export"],
        ["person", "erase"],
        ["person", "hold", "--reason", "court order 7", "--until", (now() + timedelta(days=9)).isoformat()],
        ["person", "release", "1"],
        ["keys", "rotate"],
        ["export", "checkins", "--identities"],
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO(CITIZEN))
        assert main([*words, "--by", by, *desk.words]) == 65, words
    assert capsys.readouterr().err.count("no account of this name is open") == 6


LOOKS = {
    *("account list", "account log", "station list", "journal verify", "journal conflicts", "alarms", "other-verdicts"),
    *("dead-letter list", "dead-letter show", "fleet", "orders list", "orders show", "keep record", "keep stations"),
    *("snapshot list", "province check", "keys show", "place list", "place code", "schemas"),
}
"""What changes nothing and shows nobody."""

ELSEWHERE = {
    "serve": "its pages and doors write their own",
    "order": "the command log has it, with who and why",
    "keep now": "the record of what was erased has it",
    "snapshot build": "as the hub does by itself every so often",
    "backup": "changes nothing; the database may be older than the program, or only to be read",
    "dead-letter replay": "tests of its own",
    "restore": "tests of its own",
    "keys erase": "tests of its own",
    "person link": "tests of its own",
    "demo-province": "tests of its own",
    "simulate": "tests of its own",
}


def changes(folder, until):
    """Every other command with the action that it is logged under, in an order in which each can be done."""
    people_file, policy = folder / "people.json", folder / "policy.json"
    people_file.write_text(json.dumps({"places": PEOPLE["places"]}))
    scope = {"version": 1, "issued": "2026-01-01T00:00:00Z", "effective": "2026-01-01T00:00:00Z", "scope": "kind/venue"}
    policy.write_text(json.dumps(scope))
    why = ("--reason", "court order 7")
    return (
        ("own-data", "person export", *why),
        ("hold", "person hold", *why, "--until", until),
        ("release", "person release", "1"),
        ("export", "export checkins", "--identities", *why),
        ("policy", "policy publish", str(policy), "--next"),
        ("policy", "policy withdraw", "kind/venue"),
        ("import", "import", str(people_file)),
        ("keys", "keys rotate"),
        ("erase", "person erase"),
        ("station", "station add", "s2", "--place", "cho"),
        ("client", "client add", "hue-s"),
        ("snapshot", "snapshot withhold", "s2"),
        ("snapshot", "snapshot hand-out", "s2"),
        ("site", "place put", "ga", "--name", "Ga", "--kind", "venue", "--area", "63/19777"),
        ("site", "place key", "ga", "--new"),
        ("account", "account add", "lan", "--role", "auditor"),
        ("account", "account reset", "lan"),
        ("account", "account disable", "lan"),
    )


def test_every_command_that_shows_somebody_or_changes_anything_stands_in_the_log_with_who_answers(
    desk, tmp_path, monkeypatch
):
    from hub.cli import main

    desk.furnish("s1")
    desk.appoint("le-thi-b")
    every = changes(tmp_path, (now() + timedelta(days=9)).isoformat())
    assert {words for _, words, *_ in every} | LOOKS | set(ELSEWHERE) == set(FUNCTIONS), "a new command belongs here"
    for _, words, *more in every:
        monkeypatch.setattr("sys.stdin", io.StringIO("ba con vịt trời" if words.startswith("account") else CITIZEN))
        assert main([*words.split(), *more, "--by", "le-thi-b", *desk.words]) == 0, words
    store, ring = desk.open()
    with store.reading() as connection:
        logged = audit.entries(connection)[::-1]
        assert policies.history(connection, ring)[0].author == "le-thi-b"
    store.close()
    assert [each.action for each in logged] == [action for action, *_ in every]
    assert {(each.account, each.role) for each in logged} == {("le-thi-b", "administrator")}
    assert {each.address for each in logged} == {f"the hub's own console ({getpass.getuser()})"}
    about = {"person export", "person hold", "person erase"}
    assert [bool(each.person) for each in logged] == [words in about for _, words, *_ in every]
    assert [each.why for each in logged] == [
        "court order 7" if action in ("own-data", "export") else "" for action, *_ in every
    ]


def test_who_is_let_in_is_named_in_the_log_and_whether_anew(desk):
    desk.furnish("s1")
    for words in (("station", "add", "s1", "--place", "cho"), ("client", "add", "hue-s"), ("client", "add", "hue-s")):
        desk.run(*words)
    store, _ = desk.open()
    with store.reading() as connection:
        logged = [(each.account, each.detail) for each in audit.entries(connection)[::-1]]
    store.close()
    assert logged == [
        ("operator", {"station": "s1", "place": "cho", "what": "new-token"}),
        ("operator", {"client": "hue-s", "what": "added"}),
        ("operator", {"client": "hue-s", "what": "new-token"}),
    ]


def test_what_could_not_be_done_is_not_in_the_log(desk):
    desk.furnish("s1")
    desk.run("station", "add", "s2", "--place", "nowhere", code=65)
    desk.run("client", "add", "HUE", code=65)
    desk.run("snapshot", "hand-out", "s1", code=65)
    store, _ = desk.open()
    with store.reading() as connection:
        assert audit.entries(connection) == []
    store.close()


@pytest.mark.parametrize("scope", ["station/zzz", "district/63/999", "everywhere"])
def test_a_policy_for_nobody_is_not_published(desk, tmp_path, scope):
    desk.furnish()
    path = tmp_path / "policy.json"
    policy = {"version": 9, "issued": now().isoformat(), "effective": now().isoformat(), "scope": scope}
    path.write_text(json.dumps(policy))
    assert "policy scope" in desk.run("policy", "publish", path, code=65)
