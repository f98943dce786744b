from math import inf
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typed_keys import ALTGR, CAPS_LOCK, ENTER, KEYPAD_ENTER, SHIFT, TAB, Key, strokes_of, tap, type_text

from station.reading.keys import KeyDecoder
from station.reading.layouts import DE, FR, LAYOUTS, UK, US, VN
from station.reading.lines import KEYS_LOST, LONGEST, TOO_LONG, Line

LEFT_ALT, LEFT_CTRL, RIGHT_SHIFT = 56, 29, 54
KEYPAD = dict(zip("0123456789", (82, 79, 80, 81, 75, 76, 77, 71, 72, 73), strict=True))
NAMES = "001093029317|NGUYEN VAN A|1987-01-18|0|162979388586171100|<1<00<0123232422"


def read(layout, keys, **options):
    return KeyDecoder(layout, **options).feed(keys)


def texts(lines):
    return [line.data.decode() for line in lines]


@st.composite
def typing(draw):
    layout = draw(st.sampled_from(sorted(LAYOUTS.values(), key=lambda layout: layout.name)))
    return (
        layout,
        draw(st.text(st.sampled_from(sorted(strokes_of(layout))), min_size=1, max_size=60)),
        draw(st.booleans()),
    )


@given(typing())
def test_what_a_layout_can_type_comes_out_as_it_was(case):
    layout, text, caps = case
    keys = (tap(CAPS_LOCK) if caps else []) + type_text(layout, text, caps=caps) + tap(ENTER)
    assert texts(read(layout, keys)) == [normalize("NFC", text)]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_types_the_signs_that_codes_are_made_of(layout):
    printable = {chr(code) for code in range(0x20, 0x7F)}
    assert printable <= set(strokes_of(layout))
    assert texts(read(layout, type_text(layout, NAMES) + tap(ENTER))) == [NAMES]


def test_a_vietnamese_name_typed_with_combining_tones_is_one_in_nfc():
    tones_apart = "Nguyê\u0303n Thi\u0323 Phươ\u0323ng Đô\u0303"
    assert texts(read(VN, type_text(VN, tones_apart) + tap(ENTER))) == ["Nguyễn Thị Phượng Đỗ"]


@given(
    st.lists(
        st.builds(
            Key,
            st.integers(-5, 800) | st.sampled_from([28, 15, 42, 54, 56, 58, 29, 100, 82, 79, 26]),
            st.integers(-1, 4),
            st.floats(0, 1e6),
        )
    ),
    st.sampled_from(sorted(LAYOUTS)),
    st.booleans(),
)
def test_no_keystrokes_make_it_fail_or_grow(keys, name, suffix):
    decoder = KeyDecoder(LAYOUTS[name], suffix=suffix)
    for line in (*decoder.feed(keys), *decoder.silence(1e9)):
        assert len(line.data) <= LONGEST
        line.data.decode()


def test_shift_held_over_several_letters_holds():
    keys = [Key(SHIFT, 1), *tap(30), *tap(48), Key(SHIFT, 0), *tap(46), *tap(ENTER)]
    assert texts(read(US, keys)) == ["ABc"]


def test_the_right_shift_is_a_shift_too():
    assert texts(read(US, [Key(RIGHT_SHIFT, 1), *tap(3), Key(RIGHT_SHIFT, 0), *tap(ENTER)])) == ["@"]


def test_one_of_two_shifts_going_up_leaves_the_other_down():
    keys = [Key(SHIFT, 1), Key(RIGHT_SHIFT, 1), Key(SHIFT, 0), *tap(30), *tap(ENTER)]
    assert texts(read(US, keys)) == ["A"]


def test_caps_lock_changes_letters_and_not_digits():
    keys = [*tap(CAPS_LOCK), *tap(30), *tap(2), *tap(CAPS_LOCK), *tap(30), *tap(ENTER)]
    assert texts(read(US, keys)) == ["A1a"]


def test_caps_lock_gives_digits_on_azerty():
    assert texts(read(FR, [*tap(CAPS_LOCK), *tap(2), *tap(3), *tap(ENTER)])) == ["12"]


def test_altgr_gives_the_bar_on_azerty_and_qwertz():
    assert texts(read(FR, [Key(ALTGR, 1), *tap(7), Key(ALTGR, 0), *tap(ENTER)])) == ["|"]
    assert texts(read(DE, [Key(ALTGR, 1), *tap(86), Key(ALTGR, 0), *tap(ENTER)])) == ["|"]


def test_uk_and_us_differ_where_they_do():
    keys = [Key(SHIFT, 1), *tap(3), *tap(40), Key(SHIFT, 0), *tap(ENTER)]
    assert texts(read(US, keys)) == ['@"']
    assert texts(read(UK, keys)) == ['"@']


def test_the_keypad_types_digits_and_enters():
    keys = [key for digit in "046099123456" for key in tap(KEYPAD[digit])] + tap(KEYPAD_ENTER)
    assert texts(read(FR, keys)) == ["046099123456"]


def test_the_keypad_point_is_a_comma_in_german():
    assert texts(read(DE, [*tap(83), *tap(ENTER)])) == [","]


@pytest.mark.parametrize("end", [ENTER, KEYPAD_ENTER, TAB])
def test_a_suffix_ends_a_scan_and_repeated_suffixes_end_nothing(end):
    keys = [*tap(30), *tap(end), *tap(end), *tap(48), *tap(end)]
    assert texts(read(US, keys)) == ["a", "b"]


def test_autorepeat_is_no_typing():
    assert texts(read(US, [Key(30, 1), Key(30, 2), Key(30, 2), Key(30, 0), *tap(ENTER)])) == ["a"]


def test_control_and_bracket_is_the_group_separator():
    assert read(US, [*tap(30), Key(LEFT_CTRL, 1), *tap(27), Key(LEFT_CTRL, 0), *tap(ENTER)]) == (Line(b"a\x1d"),)


def alt(number):
    return [Key(LEFT_ALT, 1), *(key for digit in number for key in tap(KEYPAD[digit])), Key(LEFT_ALT, 0)]


def test_alt_codes_give_unicode_letters_and_bytes():
    assert texts(read(US, [*alt("7877"), *alt("0225"), *alt("65"), *tap(ENTER)])) == ["ễáA"]


def test_alt_codes_that_spell_utf_8_are_utf_8():
    keys = [key for byte in "Ngô Ễ".encode() for key in alt(f"0{byte}")]
    assert texts(read(US, keys + tap(ENTER))) == ["Ngô Ễ"]


def test_a_scan_that_never_ends_is_one_too_long_and_the_next_one_is_whole():
    decoder = KeyDecoder(US)
    assert decoder.feed(tap(30) * 1_000_000) == ()
    assert decoder.feed(tap(ENTER)) == (TOO_LONG,)
    assert decoder.feed([*tap(48), *tap(ENTER)]) == (Line(b"b"),)


def test_the_longest_scan_is_not_too_long():
    assert read(US, tap(30) * LONGEST + tap(ENTER)) == (Line(b"a" * LONGEST),)


def test_after_a_pause_within_a_scan_the_rest_of_it_is_torn_and_never_a_number_of_its_own():
    keys = [*type_text(US, "046", at=1.0), *type_text(US, "123", at=2.5), *tap(ENTER, 2.5)]
    whole = [*type_text(US, "046123", at=9.0), *tap(ENTER, 9.0)]
    assert read(US, keys + whole) == (KEYS_LOST, Line(b"046123"))


def test_an_end_that_comes_after_a_pause_says_that_the_scan_was_lost():
    decoder = KeyDecoder(US, gap=1.0)
    decoder.feed(type_text(US, "046"))
    assert [decoder.silence(0.25) for _ in range(8)] == [()] * 8
    assert decoder.feed(tap(ENTER, 2.0)) == (KEYS_LOST,)


def test_keys_that_are_read_late_are_one_scan():
    decoder = KeyDecoder(US, gap=1.0)
    decoder.feed(type_text(US, "04609", at=5.0))
    decoder.silence(0.9)
    decoder.feed(type_text(US, "3000", at=5.1))
    decoder.silence(0.9)
    assert decoder.feed([*type_text(US, "001", at=5.2), *tap(ENTER, 5.2)]) == (Line(b"046093000001"),)


def test_a_scanner_without_suffix_is_read_by_its_pause():
    decoder = KeyDecoder(US, gap=0.2, suffix=False)
    assert decoder.feed(type_text(US, "abc", at=1.0)) == ()
    assert decoder.silence(0.1) == ()
    assert decoder.silence(decoder.patience) == (Line(b"abc"),)
    assert (decoder.silence(9.0), decoder.patience) == ((), inf)
    assert decoder.feed([*type_text(US, "d", at=2.0), *type_text(US, "e", at=3.0)]) == (Line(b"d"),)


@pytest.mark.parametrize("letter", [36, 50, 23], ids=["J", "M", "I"])
def test_a_suffix_typed_with_control_ends_a_scan(letter):
    end = [Key(LEFT_CTRL, 1), *tap(letter), Key(LEFT_CTRL, 0)]
    assert read(US, [*tap(30), *end, *tap(48), *end]) == (Line(b"a"), Line(b"b"))


@pytest.mark.parametrize("suffix", [True, False])
def test_carriage_return_and_line_feed_end_one_scan(suffix):
    decoder = KeyDecoder(US, suffix=suffix)
    end = [*tap(ENTER), Key(LEFT_CTRL, 1), *tap(36), Key(LEFT_CTRL, 0)]
    assert decoder.feed([*tap(30), *end, *tap(48), *end]) == (Line(b"a"), Line(b"b"))
    assert decoder.silence(9.0) == ()


def test_a_scan_of_which_keys_were_lost_is_said_to_be_and_never_read():
    keys = [*type_text(US, "046"), Key(0, 1), *type_text(US, "99123456"), *tap(ENTER), *tap(48), *tap(ENTER)]
    assert read(US, keys) == (KEYS_LOST, Line(b"b"))


def test_a_scan_of_which_the_end_was_lost_too_is_said_to_be_after_the_pause():
    decoder = KeyDecoder(US)
    decoder.feed([*type_text(US, "046", at=1.0), Key(0, 1, 1.0)])
    assert decoder.feed([*type_text(US, "abc", at=9.0), *tap(ENTER, 9.0)]) == (KEYS_LOST, Line(b"abc"))


def test_a_shift_whose_release_was_lost_is_up_again():
    assert read(US, [Key(SHIFT, 1), Key(0, 1), *tap(ENTER), *tap(30), *tap(ENTER)]) == (KEYS_LOST, Line(b"a"))


def test_a_replugged_scanner_begins_afresh():
    decoder = KeyDecoder(US)
    decoder.feed([Key(SHIFT, 1), *tap(30), *tap(CAPS_LOCK)])
    decoder.reset()
    assert decoder.feed([*tap(48), *tap(ENTER)]) == (Line(b"b"),)


def test_what_was_typed_is_in_no_repr():
    (line,) = read(US, type_text(US, "046099123456") + tap(ENTER))
    assert "046" not in repr(line)
