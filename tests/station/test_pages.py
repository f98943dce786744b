"""What the display says: every word fits its place, no two outcomes look alike, and pages come in their time."""

from __future__ import annotations

import runpy
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from PIL import Image, ImageChops

from core.model import (
    DestinationGroup,
    Direction,
    EntryGroup,
    HealthGroup,
    Held,
    Hint,
    Lookup,
    Origin,
    Outcome,
    Reason,
    Standing,
    Verdict,
)
from core.signals import EXPLAINS, SIGNALS, Sign, signal
from core.words import LANGUAGES, Label, Note, word
from drivers.drawing import SHAPE, cut, draw, wrap
from drivers.page import (
    AGE_COLUMNS,
    HEADLINE_COLUMNS,
    NOTE_COLUMNS,
    SMALL_COLUMNS,
    TEXT_COLUMNS,
    AlarmPage,
    BannerPage,
    GroupRow,
    GroupsPage,
    IdlePage,
    TextPage,
    VerdictPage,
)
from station.pages import IdleFacts, Shown, Speaker

HUE = ZoneInfo("Asia/Ho_Chi_Minh")
AT = datetime(2021, 11, 23, 7, 5, tzinfo=UTC)  # 14:05 in Huế
DAY = timedelta(days=1)
STANDING = Standing(
    "ab",
    AT,
    "Ng*** V** Ánh",
    DestinationGroup(AT - DAY, "46-001"),
    HealthGroup(AT - 400 * DAY),
    None,
)
LOOKUP = Lookup(STANDING, Held(Origin.HUB, AT), Held(Origin.MEMORY, AT - DAY), Held(Origin.HUB, AT), found=True)
VI = Speaker(("vi", "en"), HUE)


def shown(outcome: Outcome, *reasons: Reason, direction: Direction = Direction.IN, **parts: object) -> Shown:
    return Shown(
        Verdict(outcome, reasons), direction, AT, **{"lookup": LOOKUP, "name_masked": "Ng*** V** Ánh", **parts}
    )


def reel(facts: Shown, speaker: Speaker = VI):
    return speaker.reel(facts, signal(facts.verdict.outcome, facts.verdict.reasons, facts.direction, held=False))


# --- every word fits


@pytest.mark.parametrize("language", LANGUAGES)
def test_headlines_and_notes_fit_beside_the_shape(language):
    for sign in Sign:
        assert cut(word(sign, language), HEADLINE_COLUMNS, "10x20") == word(sign, language)
        assert cut(word(Note(sign), language), NOTE_COLUMNS, "6x13") == word(Note(sign), language)
        assert cut(word(sign, language), NOTE_COLUMNS, "6x13") == word(sign, language)  # as the second language
    for headline, note in ((Label.STARTING, Label.STARTING_NOTE), (Label.TWIN, Label.TWIN_NOTE)):
        assert cut(word(headline, language), HEADLINE_COLUMNS, "10x20") == word(headline, language)
        assert cut(word(note, language), NOTE_COLUMNS, "6x13") == word(note, language)
    first = word(Label.FIRST, language).format(time="23/11 14:05")
    assert cut(first, NOTE_COLUMNS, "6x13") == first


@pytest.mark.parametrize("language", LANGUAGES)
def test_reasons_and_hints_fit_two_lines_large_and_small(language):
    for key in (*Reason, *Hint, Label.FAULT_CURE):
        text = word(key, language)
        assert " ".join(wrap(text, TEXT_COLUMNS, 2, "9x15")) == text
        assert " ".join(wrap(text, TEXT_COLUMNS, 2, "6x13")) == text
        assert " ".join(wrap(text, SMALL_COLUMNS, 2, "6x13")) == text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reasons_second_line_leaves_room_for_the_count_of_more(language):
    for reason in Reason:
        if Outcome.WARN in EXPLAINS[reason]:
            lines = wrap(word(reason, language), TEXT_COLUMNS, 2, "6x13")
            assert len(lines) < 2 or len(lines[1]) <= 12


@pytest.mark.parametrize("language", LANGUAGES)
def test_wrong_codes_fit_the_foot(language):
    for reason in (reason for reason in Reason if EXPLAINS[reason] == {Outcome.WRONG_CODE}):
        if language == "en":  # only the second language stands there
            assert cut(word(reason, language), SMALL_COLUMNS, "6x13") == word(reason, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_invitation_fits_and_the_alarm_is_one_short_word(language):
    text = word(Label.INVITATION, language)
    assert " ".join(wrap(text, 12, 3, "10x20")) == text
    assert len(word(Label.ALARM, language)) <= 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_group_texts_and_letters_fit(language):
    for label in (Label.NOTHING, Label.UNKNOWN):
        assert cut(word(label, language), 11, "9x15") == word(label, language)
    for label in (Label.DESTINATION, Label.HEALTH, Label.ENTRY):
        assert len(word(label, language)) == 1


# --- no two look alike


def first_pages(speaker: Speaker = VI) -> list:
    facts = [
        shown(Outcome.PASS),
        shown(Outcome.PASS, Reason.HELD_ANSWER),
        shown(Outcome.PASS, direction=Direction.OUT),
        shown(Outcome.PASS, Reason.HELD_ANSWER, direction=Direction.OUT),
        shown(Outcome.WARN, Reason.NO_HEALTH),
        shown(Outcome.WARN, Reason.NO_HEALTH, Reason.HELD_ANSWER),
        shown(Outcome.UNVERIFIED, Reason.HUB_UNREACHABLE),
        shown(Outcome.REPEAT, Reason.ALREADY_SCANNED, first_at=AT),
        shown(Outcome.WRONG_CODE, Reason.IS_PAYMENT),
        shown(Outcome.FAULT, Reason.JOURNAL_FULL),
    ]
    pages = [reel(one, speaker).at(0) for one in facts]
    decisions = [speaker.decision(sign).first for sign in (Sign.ADMITTED, Sign.TURNED_AWAY)]
    return [*pages, *(replace(page, foot="Ng*** V** Ánh") for page in decisions)]


def difference(one, two, box) -> int:
    """How many pixels of a box differ."""
    a, b = draw(one).crop(box).tobytes(), draw(two).crop(box).tobytes()
    return sum((x ^ y).bit_count() for x, y in zip(a, b, strict=True))


def test_every_sign_has_its_picture_and_they_differ_in_the_shape_alone():
    pages = first_pages()
    assert len(pages) == len(SIGNALS)
    for one, two in combinations(pages, 2):
        assert difference(one, two, (0, 5, SHAPE, 5 + SHAPE)) >= 100, (one, two)


def test_signs_differ_as_thumbnails():
    small = [draw(page).crop((0, 5, SHAPE, 5 + SHAPE)).convert("L").resize((12, 12)) for page in first_pages()]
    for one, two in combinations(small, 2):
        assert sum(abs(a - b) for a, b in zip(one.tobytes(), two.tobytes(), strict=True)) > 12 * 12 * 255 * 0.06


def test_a_fault_is_mostly_white():
    picture = draw(reel(shown(Outcome.FAULT, Reason.JOURNAL_FULL)).at(0))
    assert picture.histogram()[255] > 128 * 64 * 0.6


# --- what stands where


def test_a_pass_shows_the_name_and_then_the_three_groups():
    film = reel(shown(Outcome.PASS))
    assert film.at(1.9) == VerdictPage("check", "MỜI VÀO", ("Hợp lệ", "COME IN"), "Ng*** V** Ánh")
    groups = film.at(2.0)
    assert isinstance(groups, GroupsPage)
    assert [(row.letter, row.text, row.mark, row.flagged) for row in groups.rows] == [
        ("Đ", "22/11 14:05", "live", False),
        ("Y", "10/2020", "held", False),
        ("H", "không có", "live", False),
    ]
    assert [row.age for row in groups.rows] == ["", "24 giờ", ""]
    assert film.at(60) == groups


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(minutes=-5), "<1 giờ"),
        (timedelta(minutes=59), "<1 giờ"),
        (timedelta(hours=47), "47 giờ"),
        (timedelta(hours=48), "2 ngày"),
        (timedelta(days=7), "7 ngày"),
        (timedelta(days=400), "99 ngày"),
    ],
)
def test_a_held_answer_says_how_old_it_is_beside_its_mark(age, said):
    held = Held(Origin.SNAPSHOT, AT - age)
    rows = reel(shown(Outcome.PASS, lookup=Lookup(STANDING, held, held, held, found=True))).at(2).rows
    assert [(row.text, row.age) for row in rows] == [("22/11", said), ("10/2020", said), ("không có", said)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_age_fits_between_the_text_and_the_mark_of_every_group(language):
    words = (
        word(Label.AGE_FRESH, language),
        *(
            word(key, language).format(count=count)
            for key in (Label.AGE_HOURS, Label.AGE_DAYS)
            for count in (1, 47, 99)
        ),
    )
    for age in words:
        assert cut(age, AGE_COLUMNS, "6x13") == age
        for text in ("22/11", "10/2020", word(Label.NOTHING, language)):
            said, text_alone, age_alone, neither = (
                draw(GroupsPage((GroupRow("Y", *row),)))
                for row in (
                    (text, "held", False, age),
                    (text, "held", False, " "),
                    ("", "held", False, age),
                    ("", "held", False, ""),
                )
            )
            assert ImageChops.logical_or(text_alone, age_alone).tobytes() == said.tobytes()
            assert (
                ImageChops.logical_and(text_alone, age_alone).tobytes() == neither.tobytes()
            )  # neither lies on the other


def test_a_pass_that_nobody_could_be_asked_about_says_so():
    film = reel(shown(Outcome.PASS, Reason.HUB_UNREACHABLE))
    assert film.at(0).notes == ("Lỗi kết nối máy chủ",)
    assert film.at(4.5) == TextPage("Lỗi kết nối máy chủ", "Cannot reach the server")


def test_groups_nobody_could_be_asked_about_are_unknown():
    groups = reel(shown(Outcome.UNVERIFIED, Reason.HUB_UNREACHABLE, lookup=Lookup(None))).at(2)
    assert [(row.text, row.mark) for row in groups.rows] == [("chưa rõ", "none")] * 3


def test_somebody_nobody_knows_has_nothing():
    groups = reel(shown(Outcome.WARN, Reason.NOT_FOUND, lookup=Lookup(None, found=False))).at(2)
    assert [row.text for row in groups.rows] == ["không có"] * 3


def test_a_warn_shows_its_gravest_reason_at_once_and_then_all_of_them_in_both_languages():
    film = reel(shown(Outcome.WARN, Reason.HEALTH_EXPIRED, Reason.NO_ENTRY, Reason.ZONE))
    assert film.at(0) == VerdictPage("bang", "KIỂM TRA", ("Tờ khai đã hết hiệu lực",), "Ng*** V** Ánh", 2)
    assert isinstance(film.at(2), GroupsPage)
    assert [film.at(2 + 2.5 * turn) for turn in (1, 2, 3)] == [
        TextPage("Tờ khai đã hết hiệu lực", "Declaration has expired", 1, 3),
        TextPage("Chưa khai báo về Huế", "No declaration of entry", 2, 3),
        TextPage("Đến từ khu vực có dịch", "From a zone under watch", 3, 3),
    ]
    assert film.at(2 + 2.5 * 4) == film.at(2)


@pytest.mark.parametrize(
    ("reason", "flagged"),
    [(Reason.NO_DESTINATION, [0]), (Reason.HEALTH_EXPIRED, [1]), (Reason.ZONE, [2]), (Reason.HELD_ANSWER, [])],
)
def test_the_group_a_reason_is_about_stands_out(reason, flagged):
    groups = reel(shown(Outcome.WARN, reason)).at(2)
    assert [number for number, row in enumerate(groups.rows) if row.flagged] == flagged


def test_symptoms_flag_the_declaration_that_names_them():
    standing = Standing("ab", AT, health=HealthGroup(AT), entry=EntryGroup(AT, symptoms=("fever",)))
    groups = reel(shown(Outcome.WARN, Reason.SYMPTOMS, lookup=Lookup(standing))).at(2)
    assert [row.flagged for row in groups.rows] == [False, False, True]


def test_hints_follow_the_reasons():
    film = reel(shown(Outcome.PASS, hints=frozenset({Hint.BIRTH_DIFFERS})))
    assert film.at(4.5) == TextPage("Năm sinh không khớp số", "Birth year and no. differ")


def test_a_repeat_says_when_it_was_first():
    today = reel(shown(Outcome.REPEAT, Reason.ALREADY_SCANNED, first_at=AT - timedelta(minutes=5)))
    assert today.at(0) == VerdictPage("repeat", "ĐÃ QUÉT", ("Lúc 14:00", "SEEN"), "Ng*** V** Ánh")
    yesterday = reel(shown(Outcome.REPEAT, Reason.ALREADY_SCANNED, first_at=AT - DAY))
    assert yesterday.at(9).notes[0] == "Lúc 22/11 14:05"


def test_a_wrong_code_says_what_it_is_in_both_languages_and_names_nobody():
    page = reel(shown(Outcome.WRONG_CODE, Reason.IS_PAYMENT)).at(0)
    assert page == VerdictPage("cross", "SAI MÃ", ("Đây là mã thanh toán",), "A payment code")


def test_a_fault_is_one_word_over_the_display_then_why_and_what_to_do():
    film = reel(shown(Outcome.FAULT, Reason.JOURNAL_FULL))
    assert film.at(0) == AlarmPage("wrench", "LỖI")
    assert film.at(2) == TextPage("Bộ nhớ máy đầy", "Storage is full", 1, 2, inverted=True)
    assert film.at(4.5) == TextPage("Ghi sổ giấy, gọi kỹ thuật", "Use paper, call support", 2, 2, inverted=True)
    assert film.at(7) == film.at(0)


def test_one_language_leaves_the_second_line_out_and_english_may_come_first():
    alone = reel(shown(Outcome.PASS), Speaker(("vi",), HUE)).at(0)
    assert alone.notes == ("Hợp lệ", "")
    english = reel(shown(Outcome.PASS), Speaker(("en", "vi"), HUE)).at(0)
    assert (english.headline, english.notes) == ("COME IN", ("All in order", "MỜI VÀO"))


@pytest.mark.parametrize("languages", [("vi",), ("en",), ("vi", "en"), ("en", "vi")])
def test_every_outcome_with_every_reason_can_be_drawn(languages):
    speaker = Speaker(languages, HUE)
    for reason, outcomes in EXPLAINS.items():
        for outcome in outcomes:
            film = reel(shown(outcome, reason, hints=frozenset(Hint)), speaker)
            for page in (film.first, *film.rest):
                assert draw(page).getbbox() is not None


# --- nobody there


def test_idle_shows_place_clock_date_link_and_backlog():
    page = VI.idle(IdleFacts("Chợ Đông Ba", AT, linked=True, backlog=12), 0)
    assert page == IdlePage("Chợ Đông Ba", "14:05", "T3 23/11", True, "↑12", shift=-2)


def test_idle_invites_in_each_language_in_turn():
    pages = [VI.idle(IdleFacts("Chợ Đông Ba", AT), seconds) for seconds in (7.9, 8, 12, 20, 24, 32)]
    assert [type(page) for page in pages] == [IdlePage, BannerPage, IdlePage, BannerPage, IdlePage, BannerPage]
    assert [page.text for page in pages[1::2]] == [
        "Xin mời quét mã QR tại đây",
        "Please scan your QR code here",
        "Xin mời quét mã QR tại đây",
    ]


def test_where_a_capacity_is_known_idle_says_how_many_are_inside_in_turn_with_the_invitation():
    facts = IdleFacts("Chợ Đông Ba", AT, inside=123, capacity=500)
    pages = [VI.idle(facts, seconds) for seconds in (8, 20, 32, 44)]
    said = TextPage("Bên trong: 123/500", "Inside: 123/500")
    assert [page == said for page in pages] == [False, True, False, True]
    assert len({page.text for page in pages[::2]}) == 2  # in both languages
    assert isinstance(VI.idle(IdleFacts("Chợ Đông Ba", AT, inside=123), 20), BannerPage)


@pytest.mark.parametrize("speaker", [VI, Speaker(("en",), HUE)], ids=["vi", "en"])
@pytest.mark.parametrize("lost", [Label.CAMERA_LOST, Label.SCANNER_LOST])
def test_a_way_to_read_that_is_gone_is_a_small_sign_and_words_in_turn_with_the_invitation(speaker, lost):
    facts = IdleFacts("Chợ Đông Ba", AT, linked=True, backlog=123_456, lost=(lost,))
    whole = IdleFacts("Chợ Đông Ba", AT, linked=True, backlog=123_456)
    pages = [speaker.idle(facts, seconds) for seconds in (0, 8, 20, 32)]
    assert [type(page) for page in pages] == [IdlePage, TextPage, BannerPage, TextPage]
    assert pages[0].sign == "wrench"
    assert draw(pages[0]).tobytes() != draw(speaker.idle(whole, 0)).tobytes()
    for key in (pages[1].text, pages[1].second):
        assert " ".join(wrap(key, TEXT_COLUMNS, 2, "9x15")) == key


def test_a_station_with_another_ones_name_says_so():
    page = VI.idle(IdleFacts("Chợ Đông Ba", AT, twin="cho-dong-ba-1"), 8)
    assert page == VerdictPage("twins", "TRÙNG TÊN", ("Hai máy một tên", "SAME NAME"), "cho-dong-ba-1")


@pytest.mark.parametrize("name", ["gate-1", "chot-lang-co-bac-2", "checkpoint-lang-co-north-gate-number-2"])
def test_a_station_that_shows_itself_shows_its_whole_name(name):
    page = VI.named(name, "")
    large, small = wrap(page.text, TEXT_COLUMNS, 2, "9x15"), wrap(page.second, SMALL_COLUMNS, 2, "6x13")
    assert "".join([*large, *small]).replace(" ", "") == name


@pytest.mark.parametrize("speaker", [VI, Speaker(("en",), HUE)], ids=["vi", "en"])
def test_a_trial_of_the_signals_says_so_on_every_page(speaker):
    for number, row in enumerate(SIGNALS.values(), 1):
        foot = speaker.trial(row, number, 12).foot
        assert f"{number}/12" in foot
        assert cut(foot, SMALL_COLUMNS, "6x13") == foot


def test_the_clock_does_not_burn_itself_in():
    shifts = {VI.idle(IdleFacts("x", AT + timedelta(minutes=minute)), 0).shift for minute in range(10)}
    assert shifts == {-2, -1, 0, 1, 2}


def test_a_hostile_or_endless_name_is_drawn_tamely():
    name = "\u202eX\x1b[31m" + "Ấ\u0301" * 5000
    page = VerdictPage("check", name, (name, name), name)
    assert draw(page).size == (128, 64)
    assert draw(IdlePage(name, "14:05", name, linked=None, backlog=name)).size == (128, 64)


def test_a_shown_name_is_in_no_repr():
    assert "Ánh" not in repr(shown(Outcome.PASS))


def test_the_picture_in_the_manual_is_what_is_drawn_today():
    docs = Path(__file__).resolve().parents[2] / "docs"
    drawn = runpy.run_path(str(docs / "pictures.py"))["sheet"]()
    kept = Image.open(docs / "display.png").convert("RGB")
    assert kept.tobytes() == drawn.convert("RGB").tobytes(), "run: python docs/pictures.py"
