"""Officers' accounts: passwords, second factor, sessions that end, pauses that grow."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hub_stand import ROOT

from core.model import Area
from hub.errors import DataError
from hub.officials import accounts, sessions, totp
from hub.officials.accounts import Account
from hub.officials.rights import RIGHTS, Right, Role
from hub.officials.sessions import ABSOLUTE, FREE_TRIES, IDLE, Refused, SignedIn

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
PASSWORD = "ba con vịt trời"
SECRET = b"12345678901234567890"


@pytest.fixture
def officer(store, ring):
    """A store with one checkpoint officer."""
    with store.writing() as connection:
        accounts.add(
            connection, Account("lan", "Lê Thị Lan", Role.CHECKPOINT_OFFICER), accounts.Password(PASSWORD), NOW
        )
    return store


def sign_in(store, ring, password=PASSWORD, now=NOW, typed="", name="lan", address="10.0.0.1"):
    return sessions.sign_in(store, ring, name, password, typed, address, now)


def token(store, ring, **changed):
    opened = sign_in(store, ring, **changed)
    assert isinstance(opened, SignedIn)
    return opened.token


def test_a_screens_session_goes_on_unattended_and_others_do_not(officer, ring):
    with officer.writing() as connection:
        accounts.add(connection, Account("man-hinh", "Màn hình", Role.SCREEN), accounts.Password(PASSWORD), NOW)
    screen, lans = token(officer, ring, name="man-hinh"), token(officer, ring)
    later = NOW + timedelta(days=30)
    token(officer, ring, now=later)
    assert sessions.resume(officer, lans, later) is None
    assert sessions.resume(officer, screen, later).role is Role.SCREEN
    assert sessions.resume(officer, screen, NOW + timedelta(days=401)) is None
    with officer.writing() as connection:
        accounts.disable(connection, "man-hinh", later)
    assert sessions.resume(officer, screen, later) is None


# RFC 6238, appendix B, SHA-1: seconds since 1970 and the code of eight digits.
VECTORS = (
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
)


@pytest.mark.parametrize(("seconds", "expected"), VECTORS)
def test_codes_are_those_of_the_standard(seconds, expected):
    assert totp.code(SECRET, totp.step_at(datetime.fromtimestamp(seconds, UTC)), digits=8) == expected


def test_a_code_works_once_and_for_a_clock_that_is_half_a_minute_off():
    step = totp.step_at(NOW)
    assert totp.accept(SECRET, totp.code(SECRET, step), NOW, 0) == step
    assert totp.accept(SECRET, totp.code(SECRET, step), NOW, step) is None
    assert totp.accept(SECRET, totp.code(SECRET, step - 1), NOW, 0) == step - 1
    assert totp.accept(SECRET, totp.code(SECRET, step - 2), NOW, 0) is None
    assert totp.accept(SECRET, "१२३४५६", NOW, 0) is None


def test_a_password_opens_a_session_and_another_does_not(officer, ring):
    opened = token(officer, ring)
    assert sessions.resume(officer, opened, NOW).name == "lan"
    assert isinstance(sign_in(officer, ring, "một mật khẩu khác"), Refused)
    assert isinstance(sign_in(officer, ring, name="nobody"), Refused)
    assert sessions.resume(officer, opened + "x", NOW) is None


def test_a_session_ends_when_it_is_left_alone_and_after_a_shift(officer, ring):
    opened = token(officer, ring)
    assert sessions.resume(officer, opened, NOW + IDLE + timedelta(seconds=1)) is None
    now = NOW
    while now < NOW + ABSOLUTE:
        assert sessions.resume(officer, opened, now)
        now += IDLE
    assert sessions.resume(officer, opened, NOW + ABSOLUTE + timedelta(seconds=1)) is None


def test_signing_out_a_new_password_and_shutting_the_account_end_sessions(officer, ring):
    first = token(officer, ring)
    sessions.sign_out(officer, first)
    assert sessions.resume(officer, first, NOW) is None
    second = token(officer, ring)
    with officer.writing() as connection:
        accounts.set_password(connection, "lan", accounts.Password("bốn con ngựa ô"), must_change=False)
    assert sessions.resume(officer, second, NOW) is None
    third = token(officer, ring, password="bốn con ngựa ô")
    with officer.writing() as connection:
        accounts.disable(connection, "lan", NOW)
    assert sessions.resume(officer, third, NOW) is None
    assert isinstance(sign_in(officer, ring, "bốn con ngựa ô"), Refused)


def test_pauses_grow_with_every_failure_up_to_a_quarter_of_an_hour():
    seconds = [sessions.pause(failures, 4).total_seconds() for failures in (1, 4, 5, 6, 7, 12, 13, 10_000)]
    assert seconds == [0, 0, 5, 10, 20, 640, 900, 900]


def test_after_failures_even_the_right_password_waits_and_then_clears_them(officer, ring):
    for _ in range(4):
        assert sign_in(officer, ring, "sai mật khẩu rồi") == Refused()
    assert sign_in(officer, ring, "sai mật khẩu rồi") == Refused(timedelta(seconds=5))
    assert sign_in(officer, ring) == Refused(timedelta(seconds=5))
    assert sign_in(officer, ring, address="10.0.0.2") == Refused(timedelta(seconds=5))
    assert isinstance(sign_in(officer, ring, now=NOW + timedelta(seconds=5)), SignedIn)
    assert sign_in(officer, ring, "sai mật khẩu rồi", now=NOW + timedelta(seconds=6)) == Refused()


def test_one_address_that_tries_many_names_is_made_to_wait(officer, ring):
    for number in range(21):
        sign_in(officer, ring, name=f"guess{number}")
    assert sign_in(officer, ring) == Refused(timedelta(seconds=5))
    assert isinstance(sign_in(officer, ring, address="10.0.0.2"), SignedIn)


def test_a_second_factor_is_asked_for_and_its_code_works_once(officer, ring):
    with officer.writing() as connection:
        accounts.set_second_factor(connection, ring, "lan", SECRET)
    typed = totp.code(SECRET, totp.step_at(NOW))
    assert isinstance(sign_in(officer, ring), Refused)
    assert isinstance(sign_in(officer, ring, typed=typed), SignedIn)
    assert isinstance(sign_in(officer, ring, typed=typed), Refused)
    with officer.writing() as connection:
        accounts.reset(connection, ring, "lan", accounts.Password("năm con cá lóc"))
    reset = sign_in(officer, ring, "năm con cá lóc")
    assert reset.account.must_change
    assert not reset.account.second_factor


def test_what_an_account_cannot_be_is_said_all_at_once(store):
    with store.writing() as connection, pytest.raises(DataError) as refused:
        accounts.add(
            connection, Account("A b", "", Role.COMMUNE_OFFICER, place="nowhere"), accounts.Password("short"), NOW
        )
    assert len(refused.value.faults) == 5


def test_a_password_may_not_hold_the_name_or_one_letter_again_and_again():
    assert accounts.password_faults("lan-lan-lan-lan", "lan")
    assert accounts.password_faults("a" * 20, "lan")
    assert not accounts.password_faults(PASSWORD, "lan")


def test_every_role_has_its_rights_and_no_role_both_looks_up_and_keeps_the_books():
    assert set(RIGHTS) == set(Role)
    for rights in RIGHTS.values():
        looks = rights & {Right.CHECK, Right.SEARCH, Right.TRACE, Right.ARRIVALS}
        assert rights
        assert not (looks and rights & {Right.AUDIT, Right.ACCOUNTS})


def test_an_officer_answers_for_communes_by_edition_and_code():
    officer = Account("hoa", "Hoa", Role.COMMUNE_OFFICER, communes=("63/19768", "63/482"))
    assert officer.answers_for(Area("63", "46", "475", "19768"))
    assert officer.answers_for(Area("63", "46", "482", "20110"))
    assert not officer.answers_for(Area("63", "46", "475", "19750"))
    assert officer.answers_for(Area("34", "46", "", "19753"))  # what 63/19768 became
    later = Account("hoa", "Hoa", Role.COMMUNE_OFFICER, communes=("34/19753",))
    assert later.answers_for(Area("63", "46", "475", "19768"))
    assert not officer.answers_for(None)


def account(data, *words, typed="", code=0):
    """Runs one ``hub account`` command with this on its standard input."""
    command = [sys.executable, "-m", "hub", "account", *words, "--data", str(data)]
    done = subprocess.run(command, cwd=ROOT, input=typed, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_the_first_administrator_comes_from_the_command_line_and_the_log_knows_it(tmp_path):
    words = ("add", "quan-tri", "--role", "administrator")
    assert "quan-tri: administrator" in account(tmp_path, *words, typed=f"{PASSWORD}\n")
    assert "exists already" in account(tmp_path, *words, typed=f"{PASSWORD}\n", code=65)
    assert "12 to 256" in account(tmp_path, "add", "lan", "--role", "auditor", typed="\n", code=65)
    account(tmp_path, "disable", "quan-tri")
    assert json.loads(account(tmp_path, "list", "--json"))[0]["disabled"] is True
    account(tmp_path, "reset", "quan-tri", typed="năm con cá lóc\n")
    assert json.loads(account(tmp_path, "list", "--json"))[0]["disabled"] is False
    assert "3 entries" in account(tmp_path, "log")


def test_signing_in_forgives_an_addresss_own_mistakes_and_nobody_elses(officer, ring):
    for number in range(FREE_TRIES["address"]):
        sign_in(officer, ring, name=f"someone-{number}", password="guessed")
        token(officer, ring)  # an insider with a good account of their own
    assert sign_in(officer, ring, name="someone-else", password="guessed").wait > timedelta()


def test_a_post_that_mistypes_now_and_then_is_never_made_to_wait(officer, ring):
    for _ in range(FREE_TRIES["address"] + 5):
        assert sign_in(officer, ring, password="vịt trời ba con") == Refused()
        token(officer, ring)


def test_nobody_waits_for_the_database_while_a_password_is_hashed(store, monkeypatch):
    password = accounts.Password(PASSWORD)
    monkeypatch.setattr(accounts, "_hasher", None)
    with store.writing() as connection:
        accounts.add(connection, Account("mai", "Mai", Role.CHECKPOINT_OFFICER), password, NOW)
        accounts.set_password(connection, "mai", password, must_change=False)
    assert "vịt" not in repr(password)
