"""Keys from PEM: their ids, and what is not trusted."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.codes.trust import KeyRefused, Trust, Usage, key_id, read_pem

PEM = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("name", "spelt"),
    [
        ("a1b2c3d4e5f60718", "a1b2c3d4e5f60718"),
        ("A1B2C3D4E5F60718", "a1b2c3d4e5f60718"),
        ("obLD1OX2Bxg", "a1b2c3d4e5f60718"),
        ("obLD1OX2Bxg=", "a1b2c3d4e5f60718"),
        ("-_8", "fbff"),
        ("01", "01"),
    ],
)
def test_a_file_name_spells_a_key_id(name, spelt):
    assert key_id(name) == bytes.fromhex(spelt)


@pytest.mark.parametrize("name", ["", "=", "khóa", "a b", "a1 b2", "A", "ab" * 33, "a" * 1_000])
def test_a_file_name_that_spells_none_is_refused(name):
    with pytest.raises(KeyRefused, match="key id"):
        key_id(name)


def test_a_key_serves_its_usage_alone():
    ((spelt, key),) = read_pem(PEM, "a1b2c3d4e5f60718")
    trust = Trust({spelt: key})
    assert trust.find(spelt, Usage.DECLARATION) is key
    assert trust.find(spelt, Usage.DCC) is None
    assert trust.find(b"", Usage.DECLARATION) is None


def test_a_key_of_an_unknown_kind_is_refused_in_words():
    der = bytes.fromhex("300d300506032a0304030400aabbcc")
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(der) + b"\n-----END PUBLIC KEY-----\n"
    with pytest.raises(KeyRefused, match="neither"):
        read_pem(pem, "a1b2c3d4e5f60718")


@pytest.mark.parametrize("pem", [b"", b"\0" * 100, b"\xff\xfe", b"-----BEGIN CERTIFICATE-----"])
def test_what_is_no_pem_is_refused_in_words(pem):
    with pytest.raises(KeyRefused, match="neither"):
        read_pem(pem, "a1b2c3d4e5f60718")


def test_no_key_shows_in_a_repr():
    ((spelt, key),) = read_pem(PEM, "a1b2c3d4e5f60718")
    assert "public" not in repr(Trust({spelt: key}))
