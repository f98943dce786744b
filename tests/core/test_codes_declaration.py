"""Signed declarations (TQ1): round trips, another library's word on both sides, and no way to bend one."""

import base64
from datetime import UTC, datetime, timedelta

import base45
import cbor2
import pytest
import segno
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cwt import COSE, COSEKey
from hypothesis import given
from hypothesis import strategies as st

from core.codes import cose, declaration, parse
from core.codes.trust import Trust, TrustedKey, Usage
from core.model import (
    Area,
    CodeKind,
    Credential,
    DeclarationKind,
    Scheme,
    SignatureState,
    Signed,
    Subject,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY_ID = bytes.fromhex("a1b2c3d4e5f60718")
TRUST = Trust({KEY_ID: TrustedKey(KEY.public_key(), Usage.DECLARATION)})
ISSUED = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
EXPIRES = ISSUED + timedelta(days=7)
PERSON = bytes(range(0xA0, 0xB0))
HUE = Area("63", "46", "474", "19753")


def issue(**changes) -> str:
    told = {
        "key_id": KEY_ID,
        "issuer": "hue-cdc",
        "issued": ISSUED,
        "expires": EXPIRES,
        "subject": PERSON,
        "kind": DeclarationKind.ENTRY,
        "symptoms": True,
        "origin": HUE,
    }
    return declaration.issue(KEY, **(told | changes))


def read(code: str, trust: Trust = TRUST) -> Credential:
    return parse(code.encode(), trust, ISSUED)


def forge(claims: object, *, protected: object = None, unprotected: object = None, key=KEY) -> str:
    """A message in any shape, signed by whatever key."""
    head = cbor2.dumps({1: -8, 4: KEY_ID} if protected is None else protected)
    payload = cbor2.dumps(claims)
    signature = key.sign(cbor2.dumps(["Signature1", head, b"", payload]))
    return wrap(cbor2.CBORTag(18, [head, unprotected or {}, payload, signature]))


def wrap(message: object) -> str:
    return "TQ1:" + base45.b45encode(cbor2.dumps(message)).decode()


def claims(**changes) -> dict:
    told = {
        1: "hue-cdc",
        2: base64.urlsafe_b64encode(PERSON).rstrip(b"=").decode(),
        4: int(EXPIRES.timestamp()),
        6: int(ISSUED.timestamp()),
        -65537: [1, True, 63, 46, 474, 19753],
    }
    return told | {int(key.lstrip("_").replace("minus", "-")): value for key, value in changes.items()}


REFUSED = Credential(CodeKind.DECLARATION, signed=Signed(SignatureState.REFUSED, "", None, None, None))


def test_what_was_issued_is_read_again():
    assert read(issue()) == Credential(
        CodeKind.DECLARATION,
        Subject(Scheme.PERSON, PERSON.hex()),
        signed=Signed(SignatureState.VERIFIED, KEY_ID.hex(), ISSUED, EXPIRES, DeclarationKind.ENTRY, True, HUE),
    )


areas = st.one_of(
    st.builds(Area, st.just("34"), st.just("46"), st.just(""), st.integers(1, 32_000).map("{:05}".format)),
    st.builds(
        Area,
        st.just("63"),
        st.integers(1, 96).map("{:02}".format),
        st.one_of(st.just(""), st.integers(1, 999).map("{:03}".format)),
        st.one_of(st.just(""), st.integers(1, 32_999).map("{:05}".format)),
    ),
)
moments = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)).map(  # noqa: DTZ001 (hypothesis wants them naive)
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)


@given(
    moments,
    st.timedeltas(timedelta(seconds=1), timedelta(days=999)).map(lambda d: timedelta(days=d.days, seconds=d.seconds)),
    st.binary(min_size=16, max_size=16),
    st.booleans(),
    st.one_of(st.none(), areas),
)
def test_reading_undoes_issuing_and_the_picture_stays_within_version_9(issued, lasts, person, symptoms, origin):
    lasts = max(lasts, timedelta(seconds=1))
    kind = DeclarationKind.ENTRY if origin else DeclarationKind.HEALTH
    code = issue(issued=issued, expires=issued + lasts, subject=person, kind=kind, symptoms=symptoms, origin=origin)
    signed = Signed(SignatureState.VERIFIED, KEY_ID.hex(), issued, issued + lasts, kind, symptoms, origin)
    assert read(code) == Credential(CodeKind.DECLARATION, Subject(Scheme.PERSON, person.hex()), signed=signed)
    assert len(base45.b45decode(code[4:])) <= 150
    assert segno.make_qr(code, error="l", boost_error=False).version <= 9


def test_an_entry_with_the_widest_codes_fits_beside_a_name_of_seven_letters():
    code = issue(issuer="hue-cdc", origin=Area("63", "96", "973", "32248"), expires=datetime(2105, 1, 1, tzinfo=UTC))
    assert read(code).signed.state is SignatureState.VERIFIED


def test_another_library_reads_what_we_issue():
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    # That library knows arrays in tags as lists only, its CBOR library has gone over to tuples.
    protected, unprotected, payload, signature = cbor2.loads(base45.b45decode(issue()[4:])).value
    message = cbor2.CBORTag(18, [protected, dict(unprotected), payload, signature])
    verified = COSE.new(verify_kid=True).decode(message, COSEKey.from_pem(pem, kid=KEY_ID))
    assert cbor2.loads(verified) == claims()


def test_we_read_what_another_library_signs():
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    signer = COSE.new(alg_auto_inclusion=False, kid_auto_inclusion=False)
    message = signer.encode_and_sign(
        cbor2.dumps(claims()), COSEKey.from_pem(pem, kid=KEY_ID), protected={1: -8, 4: KEY_ID}
    )
    assert read("TQ1:" + base45.b45encode(message).decode()) == read(issue())


def test_no_single_flipped_bit_is_verified():
    code = issue().encode()
    for place in range(8 * len(code)):
        bent = bytearray(code)
        bent[place // 8] ^= 1 << place % 8
        found = parse(bytes(bent), TRUST, ISSUED)
        assert found.signed is None or found.signed.state is not SignatureState.VERIFIED, place


def test_no_single_flipped_bit_inside_the_message_is_verified():
    message = base45.b45decode(issue()[4:])
    for place in range(8 * len(message)):
        bent = bytearray(message)
        bent[place // 8] ^= 1 << place % 8
        found = read("TQ1:" + base45.b45encode(bytes(bent)).decode())
        assert found.signed.state is not SignatureState.VERIFIED, place


def test_an_unknown_signer_is_not_a_refused_one_and_the_claims_stay():
    found = read(issue(), Trust())
    assert found.signed.state is SignatureState.SIGNER_UNKNOWN
    assert (found.subject, found.signed.expires) == (Subject(Scheme.PERSON, PERSON.hex()), EXPIRES)


def test_a_signature_by_another_key_under_a_trusted_id_is_refused():
    found = read(forge(claims(), key=Ed25519PrivateKey.generate()))
    assert found.signed.state is SignatureState.REFUSED
    assert found.subject == Subject(Scheme.PERSON, PERSON.hex())


def test_only_the_named_key_is_tried():
    other = Trust({b"another!": TRUST.keys[KEY_ID]})
    assert read(issue(), other).signed.state is SignatureState.SIGNER_UNKNOWN


@pytest.mark.parametrize(
    "protected", [{4: KEY_ID}, {1: -7, 4: KEY_ID}, {1: -37, 4: KEY_ID}, {1: 5, 4: KEY_ID}, {1: "EdDSA", 4: KEY_ID}]
)
def test_the_algorithm_is_protected_and_eddsa_alone(protected):
    found = read(forge(claims(), protected=protected, unprotected={1: -8}))
    assert found.signed.state is SignatureState.REFUSED


def test_expiry_is_told_and_not_judged():
    found = parse(issue().encode(), TRUST, EXPIRES + timedelta(days=999))
    assert (found.signed.state, found.signed.expires) == (SignatureState.VERIFIED, EXPIRES)


@pytest.mark.parametrize(
    "code",
    [
        "TQ1:",
        "TQ1:không phải",
        "TQ1:" + "A" * 226,
        "TQ1:" + "A" * 4_000,
        wrap(None),
        wrap([b"", {}, b"", b""]),
        wrap(cbor2.CBORTag(18, [cbor2.dumps({1: -8, 4: KEY_ID}), {}, None, b""])),
        wrap(cbor2.CBORTag(98, [cbor2.dumps({1: -8, 4: KEY_ID}), {}, b"", []])),
        wrap(cbor2.CBORTag(61, cbor2.loads(base45.b45decode(issue()[4:])))),
        wrap(cbor2.loads(base45.b45decode(issue()[4:])).value),
        "TQ1:" + base45.b45encode(base45.b45decode(issue(issuer="a")[4:]) + b"\0").decode(),
        forge(claims(), unprotected={99: 0}),
        forge(claims(), protected={1: -8, 4: "text"}),
        forge([]),
        forge({}),
        forge({1: "hue"}),
        forge(claims(_1=7)),
        forge(claims(_2="AAAA")),
        forge(claims(_2="*" * 22)),
        forge(claims(_2="_" * 22)),  # spare bits set: a second spelling of one key
        forge(claims(_4=-1)),
        forge(claims(_4=2**63)),
        forge(claims(_6=True)),
        forge(claims(_6=1.5)),
        forge(claims(minus65537=[2, True])),
        forge(claims(minus65537=[0, 1])),
        forge(claims(minus65537=[0, True, 63, 46, 474, 19753])),
        forge(claims(minus65537=[1, True, 63])),
        forge(claims(minus65537=[1, True, 62, 46, 474, 19753])),
        forge(claims(minus65537=[1, True, 63, 0, 474, 19753])),
        forge(claims(minus65537=[1, True, 63, 100, 474, 19753])),
        forge(claims(minus65537=[1, True, 63, 46, -1, 19753])),
        forge(claims(minus65537=[1, True, 63, 46, 474, 100_000])),
    ],
)
def test_what_is_no_declaration_is_refused_and_names_nobody(code):
    assert read(code) == REFUSED


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"subject": b"short"}, "16 bytes"),
        ({"expires": ISSUED}, "after it begins"),
        ({"issued": ISSUED.replace(tzinfo=None)}, "compare|time zone"),
        ({"kind": DeclarationKind.HEALTH}, "only an entry"),
        ({"origin": Area("63", "6", "474", "19753")}, "official codes"),
        ({"origin": Area("63", "46", "474", "1975x")}, "official codes"),
        ({"origin": Area("63", "", "", "19753")}, "province"),
        ({"origin": Area("62", "46")}, "edition"),
        ({"issuer": "a very long name of an issuer"}, "shorten"),
    ],
)
def test_what_cannot_be_read_again_is_not_issued(changes, words):
    with pytest.raises((ValueError, TypeError), match=words):
        issue(**changes)


def test_no_cbor_tag_builds_an_object_of_its_own():
    wanted = {0: 0}
    for tag in range(66_000):
        head = b"\xd9" + tag.to_bytes(2) if tag < 65_536 else b"\xda" + tag.to_bytes(4)
        value = cose.decode(head + b"\x00")
        if value != 0:
            assert value == cbor2.CBORTag(tag, 0)
            wanted.pop(tag, None)
    assert wanted == {0: 0}
