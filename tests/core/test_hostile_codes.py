"""Hostile codes: any bytes at all give a bounded answer, quickly, and no identity leaks into what is shown."""

import json
import time
import tracemalloc
import zlib
from datetime import UTC, datetime

import base45
import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.codes import cose, names, parse
from core.codes.identity import LONGEST_TOKEN
from core.codes.text import LONGEST
from core.codes.trust import Trust, TrustedKey, Usage
from core.model import CodeKind, Credential, Reason

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEY_ID = b"\x01" * 8
TRUST = Trust({KEY_ID: TrustedKey(KEY.public_key(), Usage.DECLARATION)})

WRONG = {
    CodeKind.PAYMENT: Reason.IS_PAYMENT,
    CodeKind.URL: Reason.IS_LINK,
    CodeKind.WIFI: Reason.IS_WIFI,
    CodeKind.VCARD: Reason.IS_CONTACT,
    CodeKind.PLACE: Reason.IS_PLACE,
    CodeKind.UNREADABLE: Reason.IS_UNREADABLE,
}


def check(data: bytes) -> Credential:
    """Parse and hold the answer to everything that a credential promises."""
    found = parse(data, TRUST, NOW)
    assert found == parse(data, TRUST, NOW)
    assert found.wrong == WRONG.get(found.kind)
    assert len(found.name_masked) <= names.LONGEST
    assert names.mask(found.name_masked) == found.name_masked
    if found.subject is not None:
        assert found.wrong is None
        assert found.remark is None
        assert 0 < len(found.subject.value) <= LONGEST_TOKEN
        assert found.subject.value.isascii()
        assert found.subject.value.isprintable()
        assert repr(found) == repr(replace(found, subject=replace(found.subject, value="somebody else")))
    else:
        assert found.wrong is not None or found.remark is not None or found.signed is not None
    assert (found.signed is not None) == (found.kind in (CodeKind.DECLARATION, CodeKind.EU_DCC))
    return found


alphabet = st.sampled_from(
    [
        *("|", "\\", "~", "*", "0", "1", "2", "046093000001", "Nguyễn", "Nam", "Nữ", "01011993", "1993-01-01", " "),
        *("\ufeff", "\ufffd", "\u202e", "\x1b[2J", "\x1d", "\0", "TQ1:", "HC1:", "TQP1:", "WIFI:", "://", "<", "#"),
        *("GD4", "\n", "4e67", "000201", "BEGIN:VCARD", "ỗ", "o\u0302\u0303", "\U0001f600", "A", "z", ":", "-", "."),
    ]
)
shaped = st.lists(alphabet, max_size=40).map("".join).map(str.encode)


@given(st.one_of(st.binary(max_size=600), st.text(max_size=300).map(str.encode), shaped))
@example(b"000000000")
@example(b"token")
@example(b"\xef\xbb\xbf" * 2_700)
@example("ÃŠ\x81".encode())
@settings(max_examples=1_500)
def test_any_bytes_at_all_give_a_whole_answer(data):
    check(data)


@given(st.sampled_from(["TQ1:", "HC1:"]), st.binary(max_size=200), st.booleans())
def test_any_bytes_behind_a_signed_prefix_are_refused(prefix, body, inflated):
    packed = zlib.compress(body) if inflated else body
    found = check(prefix.encode() + base45.b45encode(packed))
    assert found.signed.state.value != "verified"


cbor_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.binary(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.integers(-300, 10), st.text(max_size=2)), inner, max_size=4),
        st.builds(cbor2.CBORTag, st.integers(0, 300), inner),
    ),
    max_leaves=12,
)
claims = st.dictionaries(st.sampled_from([1, 2, 4, 6, -260, -65537, "x"]), cbor_values, max_size=6)


@given(st.one_of(cbor_values, claims))
def test_any_claims_that_a_trusted_signer_signed_give_a_whole_answer(told):
    payload = cbor2.dumps(told)
    check(b"TQ1:" + base45.b45encode(cose.sign(KEY, KEY_ID, payload)))
    message = cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps({1: -7, 4: KEY_ID}), {}, payload, bytes(64)]))
    check(b"HC1:" + base45.b45encode(zlib.compress(message)))


@given(st.one_of(cbor_values, st.lists(cbor_values, min_size=4, max_size=4)))
def test_any_cbor_in_place_of_a_message_is_refused(message):
    for packed in (cbor2.dumps(message), cbor2.dumps(cbor2.CBORTag(18, message))):
        check(b"TQ1:" + base45.b45encode(packed))
        check(b"HC1:" + base45.b45encode(zlib.compress(packed)))


def certificate(data: bytes) -> bytes:
    return b"HC1:" + base45.b45encode(zlib.compress(data, 9))


BOMBS = {
    "too long": b"x" * (LONGEST + 1),
    "a million keys": b"9" * 1_000_000,
    "100,000 fields": b"|" * 100_000,
    "fields to the brim": b"|" * LONGEST,
    "fields of text": b"a|" * (LONGEST // 2),
    "the longest QR code": b"A" * 4_296,
    "blanks": b" " * LONGEST,
    "NULs": b"\0" * LONGEST,
    "byte order marks": b"\xef\xbb\xbf" * (LONGEST // 3),
    "bad UTF-8": b"\xff" * LONGEST,
    "truncated UTF-8": b"\xe1\xbb" * (LONGEST // 2),
    "combining marks": ("046093000001||A" + "\u0300" * 4_000 + "|01011993|Nam||").encode(),
    "a name to the brim": b"046093000001||" + b"A " * 4_000 + b"|01011993|Nam||",
    "hex to the brim": b"0123456789|" + b"4e" * 4_000 + b"|1993|1|-|x",
    "JSON depth": b"[" * LONGEST,
    "JSON entities": json.dumps({"a" * 100: ["\\u0000" * 1_000]}).encode(),
    "a scheme without end": b"a" * 4_000 + b"://",
    "digits without end": b"1 " * 4_000,
    "base45 to the brim": b"HC1:" + b"0" * (LONGEST - 4),
    "spaces for base45": b"HC1:" + b" " * 3_000 + b"A",
    "a zlib bomb": certificate(bytes(50_000_000))[:LONGEST],
    "a small zlib bomb": certificate(bytes(4_000_000)),
    "CBOR depth": certificate(b"\x81" * 16_000 + b"\x00"),
    "CBOR maps in depth": certificate(b"\xa1\x00" * 8_000 + b"\x00"),
    "CBOR of a promised petabyte": certificate(b"\x5b\x00\x04\x00\x00\x00\x00\x00\x00"),
    "CBOR of promised elements": certificate(b"\x9b\x00\x00\x00\xff\xff\xff\xff\xff" + b"\0" * 16_000),
    "CBOR of a great many elements": certificate(b"\x99\x3e\x80" + b"\x00" * 16_000),
    "a huge number": certificate(b"\xc2\x59\x3e\x00" + b"\xff" * 0x3E00),
    "a huge fraction": certificate(b"\xc4\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01"),
    "a pattern": certificate(b"\xd8\x23\x78\x1e" + b"(a*)*" * 6),
    "a mail": certificate(b"\xd8\x24\x65abcde"),
    "a value that holds itself": certificate(b"\xd8\x1c\x81\xd8\x1d\x00"),
    "doubled keys": certificate(b"\xa2\x01\x02\x01\x03"),
    "keys that collide": certificate(cbor2.dumps({(2**61 - 1) * n: 0 for n in range(1_500)})),
    "a terminal's own language": "\x1b]0;owned\x07\x1b[2J\x1b[31mhello\x9b".encode(),
    "right to left": "\u202e\u2066046093000001\u2069".encode(),
    "surrogates in UTF-8": b"\xed\xa0\x80\xed\xb0\x80",
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_gives_a_bounded_answer_in_bounded_time_and_memory(data):
    check(data)  # what is imported at the first use is no part of the measure
    tracemalloc.start()
    began = time.process_time()
    parse(data, TRUST, NOW)
    seconds = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 0.1
    assert peak < 2 * 1024 * 1024


def test_what_is_longer_than_any_code_is_unreadable_at_once():
    assert parse(b"1" * (LONGEST + 1), TRUST, NOW) == Credential(CodeKind.UNREADABLE, wrong=Reason.IS_UNREADABLE)
    assert parse(b"x" * LONGEST, TRUST, NOW).kind is CodeKind.OPAQUE


def test_hidden_signs_cannot_turn_one_persons_number_into_anothers():
    number = parse(b"046093000001", TRUST, NOW).subject
    for hidden in ("\u202e", "\u200b", "\x1b[D", "\x08", "\u0660", "\0"):
        assert parse(f"0460930{hidden}00001".encode(), TRUST, NOW).subject != number
