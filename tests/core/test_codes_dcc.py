"""EU DCC: certificates of synthetic people by synthetic signers, in the shapes that the official vectors try."""

import zlib
from datetime import UTC, datetime, timedelta
from functools import cache

import base45
import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from cwt import COSE, COSEKey, load_pem_hcert_dsc

from core.codes import identity, parse
from core.codes.trust import Trust, read_pem
from core.model import CodeKind, Credential, Scheme, SignatureState, Signed

ISSUED = datetime(2026, 1, 10, tzinfo=UTC)
EXPIRES = ISSUED + timedelta(days=180)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SINCE, UNTIL = NOW - timedelta(days=300), NOW + timedelta(days=300)
UVCI = "URN:UVCI:01:VN:SYNTHETIC0001#Q"
VERIFIED, REFUSED, UNKNOWN = SignatureState
NO_CERTIFICATE = Credential(CodeKind.EU_DCC, signed=Signed(REFUSED, "", None, None, None))

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@cache
def key(kind: str, which: int = 0) -> Key:
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ES256" else rsa.generate_private_key(65537, 2048)


def certificate(signer: Key, since=SINCE, until=UNTIL, purposes=()) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "synthetic signer")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(signer.public_key())
    builder = builder.serial_number(7).not_valid_before(since).not_valid_after(until)
    if purposes:
        oids = [x509.ObjectIdentifier(purpose) for purpose in purposes]
        builder = builder.add_extension(x509.ExtendedKeyUsage(oids), critical=False)
    return builder.sign(signer, SHA256()).public_bytes(Encoding.PEM)


def claims(**changes) -> dict:
    hcert = {
        "ver": "1.3.0",
        "nam": {"fn": "Nguyễn Văn", "fnt": "NGUYEN<VAN", "gn": "An", "gnt": "AN"},
        "dob": "1993-01-01",
        "v": [{"tg": "840539006", "co": "VN", "dn": 2, "sd": 2, "dt": "2025-11-01", "is": "Synthetic", "ci": UVCI}],
    }
    hcert = {name: value for name, value in (hcert | changes).items() if value is not None}
    return {1: "VN", 4: int(EXPIRES.timestamp()), 6: int(ISSUED.timestamp()), -260: {1: hcert}}


def cose(signer: Key, payload: bytes, protected: dict, unprotected: dict | None = None, alg: str = "ES256") -> list:
    """A COSE_Sign1 made by python-cwt."""
    pem = signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    maker = COSE.new(alg_auto_inclusion=False, kid_auto_inclusion=False)
    signed = maker.encode_and_sign(
        payload, COSEKey.from_pem(pem, alg=alg), protected, unprotected or {}, out="cbor2/CBORTag"
    )
    return signed.value


def dress(message: object) -> str:
    return "HC1:" + base45.b45encode(zlib.compress(cbor2.dumps(message), 9)).decode()


def sign1(parts: list) -> cbor2.CBORTag:
    return cbor2.CBORTag(18, parts)


class Signer:
    """A signer with its certificate, as a country has one."""

    def __init__(self, alg: str = "ES256", **options) -> None:
        self.alg, self.key = alg, key(alg)
        self.pem = certificate(self.key, **options)
        self.trust = Trust(dict(read_pem(self.pem, "ignored")))
        (self.kid,) = self.trust.keys
        self.number = {"ES256": -7, "PS256": -37}[alg]

    def parts(self, told: object = None, protected: dict | None = None, unprotected: dict | None = None) -> list:
        head = {1: self.number, 4: self.kid} if protected is None else protected
        return cose(self.key, cbor2.dumps(claims() if told is None else told), head, unprotected, self.alg)

    def issue(self, told: object = None) -> str:
        return dress(sign1(self.parts(told)))


def read(code: str, trust: Trust, now: datetime = NOW) -> Credential:
    return parse(code.encode(), trust, now)


def state(code: str, trust: Trust) -> SignatureState:
    signed = read(code, trust).signed
    assert signed is not None
    return signed.state


@pytest.mark.parametrize("alg", ["ES256", "PS256"])
def test_a_certificate_is_verified_and_reduced_to_hash_masked_name_and_dates(alg):
    signer = Signer(alg)
    assert read(signer.issue(), signer.trust) == Credential(
        CodeKind.EU_DCC,
        identity.certificate(UVCI),
        "N***** V** An",
        signed=Signed(VERIFIED, signer.kid.hex(), ISSUED, EXPIRES, None),
    )


def test_our_key_id_of_a_certificate_is_the_other_librarys():
    signer = Signer()
    assert load_pem_hcert_dsc(signer.pem).kid == signer.kid


def test_the_identifier_counts_without_prefix_checksum_and_case():
    same = {identity.certificate(ci) for ci in (UVCI, UVCI.lower(), "01:VN:SYNTHETIC0001", " 01:vn:synthetic0001#7 ")}
    assert len(same) == 1
    (subject,) = same
    assert subject.scheme is Scheme.CERTIFICATE
    assert subject != identity.certificate("01:VN:SYNTHETIC0002")


@pytest.mark.parametrize("group", ["v", "t", "r"])
def test_every_group_of_certificate_has_its_holder(group):
    signer = Signer()
    told = claims(**({"v": None} | {group: [{"ci": UVCI}]}))
    assert read(signer.issue(told), signer.trust).subject == identity.certificate(UVCI)


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ({"fn": "Trần", "gn": "Thị Bích"}, "T*** T** Bích"),
        ({"fn": "Trần"}, "T***"),
        ({"gn": "Bích"}, "B***"),
        ({"fnt": "TRAN<THI"}, "T*** THI"),
    ],
)
def test_a_holder_may_have_one_name_only(name, masked):
    signer = Signer()
    assert read(signer.issue(claims(nam=name)), signer.trust).name_masked == masked


class TestKeyIds:
    def test_in_the_unprotected_header_alone(self):
        signer = Signer()
        assert (
            state(dress(sign1(signer.parts(protected={1: -7}, unprotected={4: signer.kid}))), signer.trust) is VERIFIED
        )

    def test_the_protected_one_goes_before_the_unprotected_one(self):
        signer = Signer()
        right, wrong = {1: -7, 4: signer.kid}, {1: -7, 4: b"nobody's"}
        assert (
            state(dress(sign1(signer.parts(protected=right, unprotected={4: b"nobody's"}))), signer.trust) is VERIFIED
        )
        assert state(dress(sign1(signer.parts(protected=wrong, unprotected={4: signer.kid}))), signer.trust) is UNKNOWN

    def test_without_any_the_signer_is_unknown(self):
        signer = Signer()
        assert state(dress(sign1(signer.parts(protected={1: -7}))), signer.trust) is UNKNOWN

    def test_no_other_key_is_tried(self):
        signer = Signer()
        assert state(signer.issue(), Trust({b"another!": signer.trust.keys[signer.kid]})) is UNKNOWN


class TestAlgorithms:
    def test_the_algorithm_must_suit_the_key(self):
        signer = Signer()
        other = Signer("PS256")
        mixed = Trust({signer.kid: other.trust.keys[other.kid]})
        assert state(signer.issue(), mixed) is REFUSED

    def test_a_ps256_salt_as_long_as_the_hash_is_what_the_standard_asks(self):
        signer = Signer("PS256")
        protected, _, payload, _ = parts = signer.parts()
        parts[3] = signer.key.sign(
            cbor2.dumps(["Signature1", protected, b"", payload]), padding.PSS(padding.MGF1(SHA256()), 32), SHA256()
        )
        assert state(dress(sign1(parts)), signer.trust) is VERIFIED

    @pytest.mark.parametrize("alg", [None, -8, -35, -257, "ES256"])
    def test_only_es256_and_ps256_in_the_protected_header(self, alg):
        signer = Signer()
        protected = {4: signer.kid} | ({} if alg is None else {1: alg})
        assert state(dress(sign1(signer.parts(protected=protected, unprotected={1: -7}))), signer.trust) is REFUSED

    def test_a_key_for_declarations_signs_no_certificate(self):
        signer = Signer()
        pem = ed25519.Ed25519PrivateKey.generate().public_key()
        ours = Trust({signer.kid: type(signer.trust.keys[signer.kid])(pem, "declaration")})
        assert state(signer.issue(), ours) is UNKNOWN


def test_a_header_that_demands_what_we_do_not_know_is_refused():
    signer = Signer()
    demanding = {1: -7, 2: [99], 4: signer.kid, 99: 1}
    assert read(dress(sign1(signer.parts(protected=demanding))), signer.trust) == NO_CERTIFICATE


class TestTags:
    def test_with_or_without_the_tags_of_cose_and_cwt(self):
        signer = Signer()
        parts = signer.parts()
        dressed = [parts, sign1(parts), cbor2.CBORTag(61, sign1(parts)), cbor2.CBORTag(61, parts)]
        assert {state(dress(message), signer.trust) for message in dressed} == {VERIFIED}

    @pytest.mark.parametrize("tag", [17, 98, 16])
    def test_another_kind_of_message_is_no_certificate(self, tag):
        signer = Signer()
        assert read(dress(cbor2.CBORTag(tag, signer.parts())), signer.trust) == NO_CERTIFICATE

    def test_maps_of_open_length_are_read_as_javas_library_writes_them(self):
        signer = Signer()
        told = claims()
        payload = b"\xbf" + b"".join(cbor2.dumps(k) + cbor2.dumps(v) for k, v in told.items()) + b"\xff"
        parts = cose(signer.key, payload, {1: -7, 4: signer.kid})
        assert state(dress(sign1(parts)), signer.trust) is VERIFIED


class TestForgeries:
    def test_another_name_under_a_signature_is_refused(self):
        signer = Signer()
        parts = signer.parts()
        parts[2] = cbor2.dumps(claims(nam={"fn": "Người", "gn": "Khác"}))
        found = read(dress(sign1(parts)), signer.trust)
        assert (found.signed.state, found.subject) == (REFUSED, identity.certificate(UVCI))

    @pytest.mark.parametrize("signature", [b"", b"\0" * 64, b"\xff" * 64, b"\0" * 63, b"\0" * 5_000])
    @pytest.mark.parametrize("alg", ["ES256", "PS256"])
    def test_a_signature_of_any_other_bytes_is_refused(self, alg, signature):
        signer = Signer(alg)
        parts = signer.parts()
        parts[3] = signature
        assert state(dress(sign1(parts)), signer.trust) is REFUSED

    def test_a_signature_by_another_key_under_a_trusted_id_is_refused(self):
        signer = Signer()
        parts = cose(key("ES256", 1), cbor2.dumps(claims()), {1: -7, 4: signer.kid})
        assert state(dress(sign1(parts)), signer.trust) is REFUSED

    def test_a_flipped_bit_never_changes_what_is_verified(self):
        signer = Signer()
        code = signer.issue()
        honest = read(code, signer.trust)
        for place in range(0, 8 * len(code), 7):
            bent = bytearray(code.encode())
            bent[place // 8] ^= 1 << place % 8
            found = parse(bytes(bent), signer.trust, NOW)
            assert found == honest or found.signed is None or found.signed.state is not VERIFIED


class TestDates:
    """The signature's state is never a matter of dates; what the gate is told of dates is."""

    def test_an_ended_certificate_is_verified_and_says_when_it_ended(self):
        signer = Signer(until=UNTIL + timedelta(days=999))
        found = read(signer.issue(), signer.trust, EXPIRES + timedelta(days=30))
        assert (found.signed.state, found.signed.expires) == (VERIFIED, EXPIRES)

    def test_a_signer_out_of_date_ends_what_it_signed(self):
        until = NOW - timedelta(days=1)
        signer = Signer(until=until)
        found = read(signer.issue(), signer.trust)
        assert (found.signed.state, found.signed.expires) == (VERIFIED, until)
        assert read(signer.issue(), signer.trust, until).signed.expires == EXPIRES

    def test_a_signer_not_yet_begun_has_signed_nothing_yet(self):
        since = NOW + timedelta(days=1)
        signer = Signer(since=since)
        found = read(signer.issue(), signer.trust)
        assert (found.signed.state, found.signed.issued) == (VERIFIED, since)

    @pytest.mark.parametrize("date", [0, 1.7e9, None])
    def test_dates_may_be_fractions_or_absent(self, date):
        signer = Signer()
        told = claims() | ({4: date} if date is not None else {})
        if date is None:
            del told[4]
        assert state(signer.issue(told), signer.trust) is VERIFIED

    @pytest.mark.parametrize("date", [True, "2026", -1, 2**70, float("nan"), float("inf"), []])
    def test_a_date_that_is_none_is_no_certificate(self, date):
        signer = Signer()
        assert read(signer.issue(claims() | {4: date}), signer.trust) == NO_CERTIFICATE


class TestPurposes:
    @pytest.mark.parametrize("root", ["1.3.6.1.4.1.1847.2021.1", "1.3.6.1.4.1.0.1847.2021.1"])
    def test_a_signer_limited_to_tests_signs_no_vaccination(self, root):
        signer = Signer(purposes=(f"{root}.1",))
        assert state(signer.issue(), signer.trust) is REFUSED
        assert state(signer.issue(claims(v=None, t=[{"ci": UVCI}])), signer.trust) is VERIFIED

    def test_purposes_of_another_trade_are_no_limit(self):
        signer = Signer(purposes=("1.3.6.1.5.5.7.3.1",))
        assert state(signer.issue(), signer.trust) is VERIFIED


MISSHAPEN = [
    {},
    [],
    None,
    "text",
    {-260: {}},
    {-260: {1: []}},
    {-260: {1: {"nam": {"fn": "An"}}}},
    {-260: {1: {"nam": {}, "v": [{"ci": UVCI}]}}},
    claims(v=[]),
    claims(v=[{"ci": 7}]),
    claims(v=[{"ci": ""}]),
    claims(v=[{"ci": "x" * 201}]),
    claims(v=[{"ci": "#Q"}]),
    claims(v=[{"ci": UVCI}, {"ci": UVCI}]),
]


@pytest.mark.parametrize("told", MISSHAPEN)
def test_a_signed_message_that_is_no_certificate_names_nobody(told):
    signer = Signer()
    code = dress(sign1(signer.parts([] if told is None else told)))
    assert read(code, signer.trust) == NO_CERTIFICATE


@pytest.mark.parametrize(
    "code",
    [
        "HC1:",
        "HC1:không phải",
        "HC1:" + base45.b45encode(b"not zlib").decode(),
        "HC1:" + base45.b45encode(zlib.compress(b"")).decode(),
        "HC1:" + base45.b45encode(cbor2.dumps(claims())).decode(),
        "HC1:" + base45.b45encode(zlib.compress(b"\x00" * 16_385)).decode(),
        "HC1:" + base45.b45encode(zlib.compress(cbor2.dumps([b"", {}, b"", b""]))[:-2]).decode(),
        "HC1:" + base45.b45encode(zlib.compress(cbor2.dumps([b"", {}, b"", b""])) + b"more").decode(),
    ],
)
def test_what_is_no_certificate_at_all_is_refused_and_names_nobody(code):
    assert read(code, Trust()) == NO_CERTIFICATE
