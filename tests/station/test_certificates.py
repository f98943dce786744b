"""When the certificates end by which a station knows its hub: told in its health, and left out where there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from station.certificates import Certificates

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def certificate(ends: datetime) -> bytes:
    """A self-signed certificate that ends then."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = made.serial_number(1).not_valid_before(NOW - timedelta(days=1)).not_valid_after(ends)
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_the_first_of_several_to_end_is_told(tmp_path: Path):
    ends = [NOW + timedelta(days=days) for days in (400, 30, 90)]
    hub, broker = tmp_path / "hub.pem", tmp_path / "broker.pem"
    hub.write_bytes(certificate(ends[0]) + certificate(ends[1]))
    broker.write_bytes(certificate(ends[2]))
    assert Certificates([hub, broker]).ends() == ends[1]
    assert Certificates([broker, None]).ends() == ends[2]


def test_without_one_or_with_one_that_cannot_be_read_nothing_is_told(tmp_path: Path):
    (tmp_path / "bad.pem").write_text("no certificate")
    assert Certificates([None, None]).ends() is None
    assert Certificates([tmp_path / "bad.pem", tmp_path / "gone.pem"]).ends() is None
