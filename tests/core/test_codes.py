"""Plain codes: each family by its shape, reduced to one identity; wrong codes say what they are."""

import unicodedata
from datetime import UTC, datetime

import pytest

from core.codes import parse, place
from core.codes.trust import Trust
from core.model import CodeKind, Credential, Hint, Reason, Scheme, Subject

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CCCD = "046093000001|191234567|Nguyễn Văn An|01011993|Nam|Tổ 1, Phú Hội, Huế, Thừa Thiên Huế|01052021"
NATIONAL = "046093000001|NGUYEN VAN AN|1993-01-01|0|162979388586171100|<1<00<0900000000"
BHYT_FIELDS = (
    *("GD4460123456789", "Nguyễn Văn An".encode().hex(), "01/01/1993", "1", "-", "46 - 001", "01/01/2026", "-"),
    *("01/01/2026", "4600000000000", "-", "4", "01/01/2020", "0123456789abcdef", "$"),
)
BHYT = "|".join(BHYT_FIELDS)
CITIZEN = Subject(Scheme.CITIZEN, "046093000001")


def read(code: str | bytes) -> Credential:
    return parse(code.encode() if isinstance(code, str) else code, Trust(), NOW)


@pytest.mark.parametrize(
    ("code", "kind", "subject"),
    [
        ("046093000001", CodeKind.CITIZEN_NUMBER, CITIZEN),
        ("046 093 000 001", CodeKind.CITIZEN_NUMBER, CITIZEN),
        ("046.093.000-001\r\n", CodeKind.CITIZEN_NUMBER, CITIZEN),
        ("\uff10\uff14\uff16\uff10\uff19\uff13\uff10\uff10\uff10\uff10\uff10\uff11", CodeKind.CITIZEN_NUMBER, CITIZEN),
        ("191234567", CodeKind.CMND, Subject(Scheme.CMND, "191234567")),
        ("C1234567", CodeKind.PASSPORT, Subject(Scheme.PASSPORT, "C1234567")),
        ("c 1234567", CodeKind.PASSPORT, Subject(Scheme.PASSPORT, "C1234567")),
        ("12345678", CodeKind.PASSPORT, Subject(Scheme.PASSPORT, "12345678")),
        (CCCD, CodeKind.CCCD, CITIZEN),
        (NATIONAL, CodeKind.NATIONAL, CITIZEN),
        (BHYT, CodeKind.BHYT, Subject(Scheme.INSURANCE, "0123456789")),
        ("|".join(BHYT_FIELDS[:9]), CodeKind.BHYT, Subject(Scheme.INSURANCE, "0123456789")),
        ("|".join(("0123456789", *BHYT_FIELDS[1:])), CodeKind.BHYT, Subject(Scheme.INSURANCE, "0123456789")),
        ("a7Kx-opaque token", CodeKind.OPAQUE, Subject(Scheme.TOKEN, "a7Kx-opaque token")),
        ('{"id": "not ours"}', CodeKind.OPAQUE, Subject(Scheme.TOKEN, '{"id": "not ours"}')),
        ("0900000000", CodeKind.OPAQUE, Subject(Scheme.TOKEN, "0900000000")),  # a phone number is nobody's document
        ("٠٤٦٠٩٣٠٠٠٠٠١", CodeKind.OPAQUE, None),  # digits, but not those of a document
    ],
)
def test_a_code_becomes_its_kind_and_one_identity(code, kind, subject):
    found = read(code)
    assert (found.kind, found.wrong, found.remark, found.signed) == (kind, None, None, None)
    assert subject is None or found.subject == subject


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("00020101021138540010A000000727QRIBFTTA53037045802VN6304ABCD", CodeKind.PAYMENT, Reason.IS_PAYMENT),
        ("https://example.vn/?id=046093000001", CodeKind.URL, Reason.IS_LINK),
        ("HTTP://EXAMPLE.VN", CodeKind.URL, Reason.IS_LINK),
        ("intent://scan/#Intent;scheme=zxing;end", CodeKind.URL, Reason.IS_LINK),
        ("file:///etc/passwd", CodeKind.URL, Reason.IS_LINK),
        ("javascript:alert(1)", CodeKind.URL, Reason.IS_LINK),
        ("tel:+84900000000", CodeKind.URL, Reason.IS_LINK),
        ("www.example.vn", CodeKind.URL, Reason.IS_LINK),
        ("WIFI:T:WPA;S:quan ca phe;P:12345678;;", CodeKind.WIFI, Reason.IS_WIFI),
        ("BEGIN:VCARD\r\nVERSION:3.0\r\nN:An\r\nEND:VCARD", CodeKind.VCARD, Reason.IS_CONTACT),
        ("MECARD:N:An;TEL:0900000000;;", CodeKind.VCARD, Reason.IS_CONTACT),
        ("https://qr.tokhaiyte.vn/abc", CodeKind.PLACE, Reason.IS_PLACE),
        (place.issue("cho-dong-ba"), CodeKind.PLACE, Reason.IS_PLACE),
        ("TQP1:CHO-DONG-BA:XXXX", CodeKind.PLACE, Reason.IS_PLACE),
        ("", CodeKind.UNREADABLE, Reason.IS_UNREADABLE),
        (" \r\n\t", CodeKind.UNREADABLE, Reason.IS_UNREADABLE),
        ("\x1b\x07\u202e", CodeKind.UNREADABLE, Reason.IS_UNREADABLE),
        ("token with a l\ufffdst letter", CodeKind.UNREADABLE, Reason.IS_UNREADABLE),
    ],
)  # fmt: skip
def test_a_wrong_code_says_what_it_is_and_names_nobody(code, kind, reason):
    assert read(code) == Credential(kind, wrong=reason)


@pytest.mark.parametrize("number", ["000000000", "000000000000", "111111111", "999999", "000 000 000", "xxxxxx"])
def test_a_placeholder_is_never_a_key(number):
    found = read(number)
    assert (found.subject, found.remark, found.wrong) == (None, Reason.PLACEHOLDER_NUMBER, None)


def test_a_number_that_merely_repeats_is_a_key():
    assert read("000000001").subject == Subject(Scheme.CMND, "000000001")


class TestNational:
    def test_the_published_sample_reads_as_its_document_number_with_a_hint(self):
        found = read("001093029317|NGUYEN VAN A|1987-01-18|0|162979388586171100|<1<00<0123232422")
        assert found.subject == Subject(Scheme.CITIZEN, "001093029317")
        assert found.hints == {Hint.BIRTH_DIFFERS}
        assert found.name_masked == "N***** V** A"

    @pytest.mark.parametrize(
        ("document", "qid", "subject", "remark"),
        [
            ("191234567", "162979388586171100", Subject(Scheme.CMND, "191234567"), None),
            ("C1234567", "162979388586171100", Subject(Scheme.PASSPORT, "C1234567"), None),
            ("000000000", "162979388586171100", Subject(Scheme.NATIONAL, "162979388586171100"), None),
            ("", "162979388586171100", Subject(Scheme.NATIONAL, "162979388586171100"), None),
            ("0460********", "162979388586171100", Subject(Scheme.NATIONAL, "162979388586171100"), None),
            ("0460********", "1629**************", None, Reason.MASKED_NUMBER),
            ("000000000", "****", None, Reason.MASKED_NUMBER),
            ("000000000", "000000000000", None, Reason.PLACEHOLDER_NUMBER),
            ("", "", None, Reason.PLACEHOLDER_NUMBER),
        ],
    )
    def test_one_identity_is_the_key_the_document_before_the_qid(self, document, qid, subject, remark):
        found = read(f"{document}|TRAN THI B|1990-02-03|0|{qid}|<2<00<0900000000")
        assert (found.kind, found.subject, found.remark) == (CodeKind.NATIONAL, subject, remark)

    def test_a_code_for_another_person_says_so(self):
        found = read(NATIONAL.replace("|0|", "|1|"))
        assert (found.subject, found.hints) == (CITIZEN, {Hint.DECLARED_FOR_ANOTHER})

    @pytest.mark.parametrize("born", ["****-**-**", "1993-**-**", "**********", ""])
    def test_a_masked_or_absent_birth_date_is_no_difference(self, born):
        found = read(NATIONAL.replace("1993-01-01", born))
        assert (found.kind, found.hints) == (CodeKind.NATIONAL, frozenset())

    def test_a_sex_that_differs_from_the_number_is_a_hint(self):
        assert read(NATIONAL.replace("<1<", "<2<")).hints == {Hint.SEX_DIFFERS}

    @pytest.mark.parametrize("ext", ["", "<", "<0<00<", "x"])
    def test_an_empty_or_unknown_extension_is_no_difference(self, ext):
        assert read(NATIONAL.rpartition("|")[0] + "|" + ext).hints == frozenset()


class TestChipCard:
    def test_the_name_is_masked_and_the_rest_dropped(self):
        found = read(CCCD)
        assert found == Credential(CodeKind.CCCD, CITIZEN, "N***** V** An")

    def test_later_cards_fields_are_dropped_with_a_hint(self):
        found = read(CCCD + "||Nguyễn Văn Cha|Trần Thị Mẹ|")
        assert (found.subject, found.hints) == (CITIZEN, {Hint.EXTRA_FIELDS})

    @pytest.mark.parametrize(
        ("old", "new", "hints"),
        [
            ("01011993", "01011994", {Hint.BIRTH_DIFFERS}),
            ("|Nam|", "|Nữ|", {Hint.SEX_DIFFERS}),
            ("|Nam|", "|N?|", {Hint.SEX_DIFFERS}),
            ("|Nam|", "||", frozenset()),
            ("01011993", "", frozenset()),
            ("046093", "046393", {Hint.BIRTH_DIFFERS, Hint.SEX_DIFFERS}),
        ],
    )
    def test_what_differs_from_the_number_is_a_hint(self, old, new, hints):
        assert read(CCCD.replace(old, new)).hints == hints

    @pytest.mark.parametrize("separator", ["\\", "~"])
    def test_bars_typed_without_shift_or_by_another_layout_are_bars(self, separator):
        assert read(CCCD.replace("|", separator)).subject == CITIZEN


class TestInsuranceCard:
    def test_the_hex_name_is_masked(self):
        assert read(BHYT).name_masked == "N***** V** An"

    def test_the_card_keeps_its_identity_when_its_letters_change(self):
        assert read(BHYT.replace("GD446", "hs479")).subject == read(BHYT).subject

    def test_a_tail_of_nuls_does_not_count(self):
        assert read(BHYT + "\0" * 40) == read(BHYT)

    @pytest.mark.parametrize("name", ["4e67zz", "4e6", "không phải hex"])
    def test_a_name_that_is_no_hex_is_left_out_with_a_hint(self, name):
        found = read(BHYT.replace(BHYT_FIELDS[1], name))
        assert (found.subject, found.name_masked, found.hints) == (read(BHYT).subject, "", {Hint.DAMAGED_TEXT})

    def test_a_placeholder_code_is_never_a_key(self):
        found = read("|".join(("0000000000", *BHYT_FIELDS[1:])))
        assert (found.kind, found.subject, found.remark) == (CodeKind.BHYT, None, Reason.PLACEHOLDER_NUMBER)


class TestWhatScannersDo:
    @pytest.mark.parametrize(
        "around", ["{}\r\n", "\ufeff{}", "\x02{}\x03", "{}\x1d", "]Q1{}", "\x02]Q1{}\r", "\t{}\x04", " {}\0\0"]
    )
    @pytest.mark.parametrize("code", [CCCD, NATIONAL, BHYT, "046093000001", "c1234567", "my-token-0001"])
    def test_what_a_scanner_adds_does_not_count(self, around, code):
        assert read(around.format(code)) == read(code)

    def test_decomposed_letters_are_the_same_name(self):
        assert read(unicodedata.normalize("NFD", CCCD)) == read(CCCD)

    def test_the_windows_page_for_vietnamese_is_read_with_a_hint(self):
        name = "Nguyê\u0303n Văn An".encode("cp1258")
        found = read(b"046093000001||" + name + b"|01011993|Nam||")
        assert (found.name_masked, found.subject, found.hints) == ("N***** V** An", CITIZEN, {Hint.DAMAGED_TEXT})

    @pytest.mark.parametrize("codec", ["latin-1", "cp1252"])
    def test_utf8_read_as_a_western_page_is_mended_with_a_hint(self, codec):
        mangled = "Lê Thị Bích".encode().decode(codec)
        found = read(CCCD.replace("Nguyễn Văn An", mangled))
        assert (found.name_masked, found.hints) == ("L* T** Bích", {Hint.DAMAGED_TEXT})

    def test_letters_that_were_lost_are_shown_as_unknown_with_a_hint(self):
        found = read(CCCD.replace("Nguyễn Văn An", "Nguy?n V\ufffdn Ho\ufffdng"))
        assert (found.name_masked, found.hints) == ("N***** V** Ho*ng", {Hint.DAMAGED_TEXT})

    def test_one_broken_byte_leaves_the_rest_of_the_name_alone(self):
        found = read(CCCD.encode().replace("ễ".encode(), b"\xe1\xbb"))
        assert (found.subject, found.name_masked, found.hints) == (CITIZEN, "N***** V** An", {Hint.DAMAGED_TEXT})


class TestToken:
    def test_a_token_of_bytes_is_its_hash(self):
        found = read(b"\x80\x01binary")
        assert found.subject is not None
        assert found.subject.value.startswith("sha256:")
        assert found.subject != read(b"\x80\x02binary").subject

    def test_a_token_cannot_pass_for_the_hash_of_another(self):
        hashed = read(b"\x80\x01binary").subject
        assert hashed is not None
        assert read(hashed.value).subject != hashed

    def test_a_token_keeps_its_case_and_its_inner_blanks(self):
        assert read("aB  c-d_e.f+g").subject == Subject(Scheme.TOKEN, "aB  c-d_e.f+g")

    def test_a_long_or_foreign_token_is_its_hash(self):
        for code in ("x" * 513, "mã của tôi", "line\nline"):
            subject = read(code).subject
            assert subject is not None
            assert len(subject.value) == len("sha256:") + 64


class TestPlace:
    def test_a_place_code_gives_its_place_again_however_it_is_typed(self):
        code = place.issue("cho-dong-ba")
        assert place.place_of(code) == place.place_of(f" {code.lower()}\n") == "cho-dong-ba"

    def test_a_slip_of_typing_is_noticed(self):
        code = place.issue("cho-dong-ba")
        slips = {code[:i] + "X" + code[i + 1 :] for i in range(len(code)) if code[i] != "X"}
        assert {place.place_of(slip) for slip in slips} == {None}

    @pytest.mark.parametrize("name", ["", "Chợ", "a b", "A", "-a", "a" * 64, "a:b"])
    def test_only_a_place_id_can_be_posted(self, name):
        with pytest.raises(ValueError, match="place id"):
            place.issue(name)


def test_no_identity_shows_in_a_repr():
    for code in (CCCD, NATIONAL, BHYT, "046093000001", "my-token-0001"):
        shown = repr(read(code))
        assert not any(secret in shown for secret in ("046093", "0123456789", "N*****", "my-token"))
