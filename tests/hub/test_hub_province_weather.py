"""A province system that is unwell: asked in time, let be, believed again, and never taken for «nobody is known»."""

import socket
import threading
import time
from contextlib import contextmanager

import pytest
from foreign_system import TOKEN, Foreign, declared, known, settings_file
from hub_stand import SECONDS, now, until

from core.model import Scheme, Subject
from hub import config
from hub.logs import Tally
from hub.province.breaker import Breaker, Leave
from hub.province.kept import Told
from hub.province.line import NotAnswered
from hub.province.opening import open_desk
from hub.province.outage import Outage
from hub.stations import alarms
from hub.storage import keyring

BINH = "046193990777"
ANYBODY = Subject(Scheme.CITIZEN, BINH)
MOODS = ("broken", "garbage", "deep", "gigantic", "elsewhere", "half", "dripping", "hanging_up", "refusing")
UNWELL_WITH_ONE = ("shapeless", "failing", "complaining")


@pytest.fixture
def foreign():
    with Foreign(people={BINH: known("CD-1", khaiBao=declared())}) as server:
        yield server


@pytest.fixture
def desk(tmp_path, foreign):
    """Opens desks with these lines in their settings."""
    opened = []

    @contextmanager
    def opening(*lines: str, url: str = ""):
        if not any(line.startswith("whole_ms") for line in lines):
            lines = (*lines, "whole_ms = 9000", "connect_ms = 5000")  # a busy machine is no weather
        path = settings_file(tmp_path, url or foreign.url, *lines)
        made = open_desk(config.load(path).province, keyring.load(tmp_path / "keys"), Tally())
        thread = threading.Thread(target=made.run, daemon=True)
        thread.start()
        opened.append(made)
        try:
            yield made
        finally:
            made.stop()
            thread.join(SECONDS)
            assert not thread.is_alive()

    return opening


def number(index: int) -> Subject:
    return Subject(Scheme.CITIZEN, f"0461939{index:05}")


def test_a_person_is_asked_for_in_a_body_with_the_token_and_nothing_else_of_theirs(desk, foreign):
    with desk() as asked:
        told = asked.ask(ANYBODY).result(SECONDS)
    assert (told.found.number, told.found.name_masked, told.held) == ("CD-1", "T*** V** Bình", False)
    assert foreign.asked == [{"giayTo": {"so": BINH, "loai": "CCCD"}}]
    assert (foreign.headers["Authorization"], foreign.headers["X-Don-Vi"]) == (f"Bearer {TOKEN}", "46")


def test_nobody_known_is_an_answer_and_a_kind_of_code_it_does_not_know_is_not_asked_for(desk, foreign):
    with desk() as asked:
        assert asked.ask(number(1)).result(SECONDS).found is None
        assert asked.ask(Subject(Scheme.TOKEN, "MYQR-ANH-0001")).result(SECONDS) is None
    assert len(foreign.asked) == 1


@pytest.mark.parametrize("mood", [*MOODS, *UNWELL_WITH_ONE])
def test_whatever_is_wrong_is_told_as_not_answered_and_the_next_one_is_served(desk, foreign, mood):
    with desk("whole_ms = 1500", "known_seconds = 0") as asked:
        foreign.mood = mood
        assert isinstance(asked.ask(number(1)).result(SECONDS), NotAnswered)
        foreign.mood = "well"
        until(lambda: isinstance(asked.ask(ANYBODY).result(SECONDS), Told), "the next one to be served")


def test_a_system_that_cannot_be_reached_is_not_answered(desk):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with desk(url=nobody) as asked:
        assert str(asked.ask(ANYBODY).result(SECONDS)) == "cannot be reached"


def test_the_whole_deadline_holds_however_slowly_it_talks(desk, foreign):
    with desk("whole_ms = 300") as asked:
        for mood in ("half", "dripping"):
            foreign.mood = mood
            begun = time.monotonic()
            assert isinstance(asked.ask(number(1)).result(SECONDS), NotAnswered)
            assert time.monotonic() - begun < SECONDS / 2


@pytest.mark.parametrize("mood", ["broken", "half", "hanging_up"])
def test_after_so_many_failures_it_is_let_be_and_then_tried_by_one(desk, foreign, mood):
    foreign.mood = mood
    with desk("whole_ms = 2000", "failures = 2", "open_seconds = 3600") as asked:
        told = [asked.ask(number(index)).result(SECONDS) for index in (1, 2, 3, 4)]
        assert [isinstance(each, NotAnswered) and "left alone" in str(each) for each in told] == [False] * 2 + [
            True
        ] * 2
        until(lambda: len(foreign.asked) >= 2, "both letters are opened")
        assert len(foreign.asked) == 2
    with desk("whole_ms = 2000", "failures = 2", "open_seconds = 1") as asked:
        for index in (1, 2):
            assert isinstance(asked.ask(number(index)).result(SECONDS), NotAnswered)
        foreign.mood = "well"
        until(lambda: isinstance(asked.ask(ANYBODY).result(SECONDS), Told), "the one that tries")
        until(lambda: isinstance(asked.ask(number(5)).result(SECONDS), Told), "the next one to be served")


def test_an_alarm_stands_while_it_is_let_be(desk, foreign, store):
    def standing():
        outage.step(now())
        with store.reading() as connection:
            return [(each.kind, each.detail) for each in alarms.listed(connection) if each.cleared is None]

    with desk("failures = 1", "open_seconds = 1") as asked:
        outage = Outage(store, asked)
        assert standing() == []
        foreign.mood = "broken"
        asked.ask(ANYBODY).result(SECONDS)
        assert standing() == [("province", "the province system is left alone: answers 500")]
        foreign.mood = "well"
        until(lambda: isinstance(asked.ask(ANYBODY).result(SECONDS), Told), "the system again")
        assert standing() == []


@pytest.mark.parametrize("mood", UNWELL_WITH_ONE)
def test_trouble_with_one_persons_record_shuts_nobody_else_out(desk, foreign, mood):
    with desk("failures = 1") as asked:
        foreign.mood = mood
        for index in (1, 2, 3):
            assert isinstance(asked.ask(number(index)).result(SECONDS), NotAnswered)
        assert len(foreign.asked) == 3


def test_an_answer_is_given_again_while_it_is_new_and_as_held_in_an_outage_with_its_true_age(desk, foreign):
    with desk("known_seconds = 3600") as asked:
        first = asked.ask(ANYBODY).result(SECONDS)
        assert asked.ask(ANYBODY).result(SECONDS) == first
    assert len(foreign.asked) == 1
    with desk("known_seconds = 0", "failures = 1", "open_seconds = 3600") as asked:
        first = asked.ask(ANYBODY).result(SECONDS)
        foreign.mood = "broken"
        for _ in range(2):  # by a failure, and by a breaker that is open
            assert asked.ask(ANYBODY).result(SECONDS) == Told(first.found, first.as_of, held=True)


def test_that_nobody_was_known_is_not_held_in_an_outage(desk, foreign):
    with desk("unknown_seconds = 0") as asked:
        assert asked.ask(number(1)).result(SECONDS).found is None
        foreign.mood = "broken"
        assert isinstance(asked.ask(number(1)).result(SECONDS), NotAnswered)


def test_no_more_answers_are_kept_than_are_allowed(desk, foreign):
    foreign.people |= {number(index).value: known(f"CD-{index}") for index in range(10)}
    with desk("kept_at_most = 3", "known_seconds = 3600") as asked:
        for index in range(10):
            asked.ask(number(index)).result(SECONDS)
        foreign.mood = "broken"
        told = [asked.ask(number(index)).result(SECONDS) for index in range(10)]
        assert [isinstance(each, Told) for each in told] == [False] * 7 + [True] * 3


def test_two_who_ask_for_one_person_share_a_letter_and_one_who_hangs_up_costs_the_other_nothing(desk, foreign):
    with desk() as asked:
        foreign.go.clear()
        several = [asked.ask(ANYBODY) for _ in range(5)]
        several[0].cancel()
        foreign.go.set()
        assert {each.result(SECONDS).found.number for each in several[1:]} == {"CD-1"}
    assert len(foreign.asked) == 1


def test_many_are_asked_for_in_their_order(desk, foreign):
    with desk("at_once = 4") as asked:
        told = asked.ask_all([number(1), ANYBODY, Subject(Scheme.TOKEN, "x"), number(2), ANYBODY]).result(SECONDS)
    assert [each and (each.found and each.found.number) for each in told] == [None, "CD-1", None, None, "CD-1"]
    assert [each is None for each in told] == [False, False, True, False, False]
    assert len(foreign.asked) == 3


def test_asks_that_find_no_free_line_say_nothing_about_the_system(desk, foreign):
    with desk("at_once = 1", "whole_ms = 3000", "failures = 3", "open_seconds = 3600") as asked:
        foreign.go.clear()
        crowd = [asked.ask(number(index)) for index in range(8)]
        told = [each.result(SECONDS) for each in crowd]
        assert all(isinstance(each, NotAnswered) for each in told)
        foreign.go.set()
        until(lambda: isinstance(asked.ask(ANYBODY).result(SECONDS), Told), "it is not let be: one letter was late")


def test_a_token_that_is_renewed_is_used_from_the_next_letter_on(desk, foreign, tmp_path):
    with desk("known_seconds = 0") as asked:
        asked.ask(ANYBODY).result(SECONDS)
        (tmp_path / "province.token").write_text("moi")
        asked.ask(ANYBODY).result(SECONDS)
        assert foreign.headers["Authorization"] == "Bearer moi"
        (tmp_path / "province.token").unlink()
        assert str(asked.ask(number(1)).result(SECONDS)) == "its token file cannot be read"


def test_the_breaker_opens_lets_one_try_and_closes():
    breaker = Breaker(failures=2, seconds=10)
    breaker.failed(Leave.ASK, 0)
    breaker.succeeded(Leave.ASK)
    breaker.failed(Leave.ASK, 1)
    assert breaker.admit(1) is Leave.ASK
    breaker.failed(Leave.ASK, 2)
    assert breaker.is_open
    breaker.succeeded(Leave.ASK)  # an answer that was on its way before
    assert breaker.admit(11.9) is None
    assert (breaker.admit(12), breaker.admit(12)) == (Leave.TRY, None)
    breaker.failed(Leave.TRY, 13)
    assert (breaker.admit(22), breaker.admit(23)) == (None, Leave.TRY)
    breaker.abandoned(Leave.TRY)
    assert breaker.admit(23) is Leave.TRY
    breaker.succeeded(Leave.TRY)
    assert breaker.admit(23) is Leave.ASK
