"""The trust folder: what it makes of files, and how it names the ones at fault."""

import base64
import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from core.codes.trust import Usage
from station.errors import ConfigError
from station.trust import LARGEST, read_folder

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=365)


def public_pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "synthetic signer")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(SINCE).not_valid_after(UNTIL)
    return builder.sign(key, SHA256())


def faults_of(folder: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read_folder(folder)
    assert caught.value.path == str(folder)
    return caught.value.faults


def test_an_empty_folder_is_an_empty_trust(tmp_path):
    assert dict(read_folder(tmp_path).keys) == {}


def test_a_missing_folder_is_an_error_with_its_cure(tmp_path):
    (fault,) = faults_of(tmp_path / "nowhere")
    assert "create the folder" in fault


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path):
    (tmp_path / "trust").write_text("")
    (fault,) = faults_of(tmp_path / "trust")
    assert "folder of PEM files" in fault


@pytest.mark.parametrize("spell", [bytes.hex, lambda i: base64.urlsafe_b64encode(i).decode().rstrip("=")])
def test_a_bare_key_is_known_by_its_file_name(tmp_path, spell):
    key_id = bytes.fromhex("fbefbe0102030405")  # its base64url holds both - and _
    (tmp_path / f"{spell(key_id)}.pem").write_bytes(public_pem(ed25519.Ed25519PrivateKey.generate()))
    trust = read_folder(tmp_path)
    assert {k: v.usage for k, v in trust.keys.items()} == {key_id: Usage.DECLARATION}


def test_a_certificate_is_known_by_the_hash_of_its_der_whatever_its_file_is_called(tmp_path):
    signer = certificate(ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "huế.crt").write_bytes(signer.public_bytes(Encoding.PEM))
    ((key_id, key),) = read_folder(tmp_path).keys.items()
    assert key_id == hashlib.sha256(signer.public_bytes(Encoding.DER)).digest()[:8]
    assert (key.usage, key.since, key.until) == (Usage.DCC, SINCE, UNTIL)


def test_one_file_may_hold_a_bundle_of_certificates(tmp_path):
    signers = [certificate(ec.generate_private_key(ec.SECP256R1())) for _ in range(3)]
    (tmp_path / "bundle.pem").write_bytes(b"# notes\n".join(s.public_bytes(Encoding.PEM) for s in signers))
    assert len(read_folder(tmp_path).keys) == 3


def test_notes_hidden_files_and_folders_are_left_alone(tmp_path):
    (tmp_path / "README.md").write_text("whose keys these are")
    (tmp_path / ".keep").write_text("")
    (tmp_path / "old").mkdir()
    assert dict(read_folder(tmp_path).keys) == {}


def test_every_file_at_fault_is_named_at_once_with_its_cure(tmp_path):
    private = ed25519.Ed25519PrivateKey.generate()
    files = {
        "0000000000000001.pem": private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "0000000000000002.pem": public_pem(ec.generate_private_key(ec.SECP384R1())),
        "0000000000000003.pem": b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "broken.pem": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "large.pem": b"x" * (LARGEST + 1),
        "not a key id!.pem": public_pem(private),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    faults = faults_of(tmp_path)
    assert [fault.split(":")[0] for fault in faults] == list(files)
    words = ["take this file off", "P-256", "neither", "cannot be read", "larger", "name it by the id"]
    assert all(word in fault for word, fault in zip(words, faults, strict=True))


def test_two_files_with_one_key_id_are_both_named(tmp_path):
    pem = public_pem(ed25519.Ed25519PrivateKey.generate())
    (tmp_path / "0102030405060708.pem").write_bytes(pem)
    (tmp_path / "AQIDBAUGBwg.pem").write_bytes(pem)
    (fault,) = faults_of(tmp_path)
    assert "AQIDBAUGBwg.pem" in fault
    assert "0102030405060708.pem" in fault


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_named(tmp_path):
    (tmp_path / "0102030405060708.pem").touch(mode=0)
    (fault,) = faults_of(tmp_path)
    assert "let the station's user read it" in fault


def test_a_link_to_nowhere_is_named(tmp_path):
    (tmp_path / "0102030405060708.pem").symlink_to(tmp_path / "gone")
    (fault,) = faults_of(tmp_path)
    assert fault.startswith("0102030405060708.pem: no such file")


def test_a_small_rsa_key_is_refused(tmp_path):
    (tmp_path / "0102030405060708.pem").write_bytes(public_pem(rsa.generate_private_key(65537, 1024)))
    (fault,) = faults_of(tmp_path)
    assert "2048" in fault
