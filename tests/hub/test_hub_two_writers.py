"""Two hubs on one PostgreSQL write about the same people and rules at once: each waits for the other, none fails."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from declared import DOCUMENT, ME, NOW, OTHER, OTHER_PHONE, PHONE, entry, form

from core.model import DeclarationKind
from core.rules import Policy
from hub.custody import erasing, retention
from hub.policy import policies, withdrawing
from hub.register import declaring, myqr, tying
from hub.register.declaring import Refused
from hub.register.tying import Card
from hub.storage.store import Store

ROUNDS = 25
OTHER_DOCUMENT = "046090990002"
CARD = Card(DOCUMENT, "Nguyễn Văn An", "1990-02-03")

Work = Callable[[sa.Connection, int], object]


@pytest.fixture
def two(postgres_database):
    """What two hubs have of one database."""
    both = Store(postgres_database), Store(postgres_database)
    yield both
    for store in both:
        store.close()


def at_once(two, *works: Work) -> list[object]:
    """Has each hub do its work again and again beside the other; what the works gave, in no order."""
    start = threading.Barrier(len(works), timeout=60)

    def again(store: Store, work: Work) -> list[object]:
        start.wait()
        given = []
        for turn in range(ROUNDS):
            with store.writing() as connection:
                given.append(work(connection, turn))
        return given

    with ThreadPoolExecutor(len(works)) as pool:
        running = [pool.submit(again, store, work) for store, work in zip(two, works, strict=True)]
        return [each for one in running for each in one.result(200)]


def declared(two, ring, *forms, by=ME) -> list[int]:
    with two[0].writing() as connection:
        return [declaring.declare(connection, ring, each, NOW, by=by).declaration for each in forms]


def later(turn: int):
    return NOW + timedelta(seconds=turn + 1)


def test_declaring_and_correcting_the_same_person_never_wait_in_a_circle(two, ring):
    newest = declared(two, ring, form())

    def correct(connection, turn):
        newest.append(declaring.correct(connection, ring, newest[-1], form(), later(turn), by=ME).declaration)

    at_once(two, correct, lambda connection, turn: declaring.declare(connection, ring, entry(), later(turn), by=ME))


def test_corrections_that_make_one_person_the_other_never_wait_in_a_circle(two, ring):
    him, her = form(insurance=""), form(insurance="", document=OTHER_DOCUMENT, name="Trần Thị Bê", phone=OTHER_PHONE)
    mine, theirs = [declared(two, ring, him, by=ME)[-1]], [declared(two, ring, her, by=OTHER)[-1]]

    def across(made, forms, by):
        def correct(connection, turn):
            which = forms[turn % 2]
            made.append(declaring.correct(connection, ring, made[-1], which, later(turn), by=by).declaration)

        return correct

    at_once(two, across(mine, (her, him), ME), across(theirs, (him, her), OTHER))


def test_withdrawing_disputing_and_declaring_never_wait_in_a_circle(two, ring):
    declared(two, ring, form())
    own = declared(two, ring, *[form()] * ROUNDS)
    others = declared(two, ring, *[form()] * ROUNDS, by=OTHER)

    def take_back(connection, turn):
        declaring.withdraw(connection, ring, own[turn], later(turn), by=ME)

    def dispute(connection, turn):
        declaring.declare(connection, ring, form(), later(turn), by=OTHER)
        declaring.dispute(connection, ring, others[turn], later(turn), by=ME)

    at_once(two, take_back, dispute)


def test_withdrawing_and_disputing_one_declaration_at_once_takes_it_back_once(two, ring):
    declared(two, ring, form())
    others = declared(two, ring, *[form()] * ROUNDS, by=OTHER)

    def take_back(act, by):
        def act_once(connection, turn):
            try:
                act(connection, ring, others[turn], later(turn), by=by)
            except Refused:
                return 0
            return 1

        return act_once

    taken = at_once(two, take_back(declaring.withdraw, OTHER), take_back(declaring.dispute, ME))
    assert sum(taken) == ROUNDS


def test_tying_a_card_and_withdrawing_never_wait_in_a_circle(two, ring):
    declared(two, ring, form())
    others = declared(two, ring, *[form()] * (ROUNDS + 1), by=OTHER)

    def tie(connection, turn):
        tying.tie(connection, ring, (PHONE, OTHER_PHONE)[turn % 2], CARD, later(turn), "le-thi-b")

    def take_back(connection, turn):
        declaring.withdraw(connection, ring, others[turn], later(turn), by=OTHER)

    at_once(two, tie, take_back)


def test_erasing_and_withdrawing_never_wait_in_a_circle(two, ring):
    made = []
    for turn in range(ROUNDS):
        number = f"0460909900{turn:02}"
        with two[0].writing() as connection:
            done = [
                declaring.declare(connection, ring, form(document=number, insurance=""), NOW, by=ME) for _ in range(3)
            ]
        made.append(done)

    def erase(connection, turn):
        erasing.erase(connection, ring, made[turn][0].person, "", later(turn))

    def take_back(connection, turn):
        try:
            declaring.withdraw(connection, ring, made[turn][1].declaration, later(turn), by=ME)
        except Refused:
            return  # erased by then

    at_once(two, erase, take_back)


def test_policies_published_by_two_hubs_at_once_get_numbers_one_after_the_other(two, ring):
    def publish(connection, turn):
        policies.alone(connection)
        number = policies.next_version(connection)
        policies.publish(connection, ring, Policy(version=number, issued=NOW, effective=NOW), NOW)
        return number

    assert sorted(at_once(two, publish, publish)) == [*range(1, 2 * ROUNDS + 1)]


def test_rules_taken_back_by_two_hubs_at_once_are_taken_back_once(two, ring):
    with two[0].writing() as connection:
        for number, scope in enumerate(("all", "kind/venue"), 1):
            policies.publish(connection, ring, Policy(version=number, issued=NOW, effective=NOW, scope=scope), NOW)

    def take_back(connection, turn):
        try:
            withdrawing.withdraw(connection, ring, "kind/venue", NOW)
        except withdrawing.DataError:
            return 0
        return 1

    assert sum(at_once(two, take_back, take_back)) == 1


def test_days_published_by_two_hubs_at_once_get_numbers_one_after_the_other(two):
    def publish(connection, turn):
        return retention.publish(connection, retention.Days(), "le-thi-b", later(turn))

    assert sorted(at_once(two, publish, publish)) == [*range(1, 2 * ROUNDS + 1)]


def test_my_qr_asked_for_twice_at_once_is_one(two, ring):
    with two[0].writing() as connection:
        person = declaring.declare(connection, ring, form(kind=DeclarationKind.HEALTH), NOW, by=ME).person
    drawn = at_once(two, *[lambda connection, turn: myqr.of(connection, ring, person)] * 2)
    assert len(set(drawn)) == 1
