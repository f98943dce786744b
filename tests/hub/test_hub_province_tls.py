"""The line to a province system under TLS: its own authority, the hub's own certificate, nobody in between."""

import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from foreign_system import Foreign, declared, known, settings_file
from hub_stand import SECONDS

from core.model import Scheme, Subject
from hub import config
from hub.logs import Tally
from hub.province.kept import Told
from hub.province.opening import open_desk
from hub.storage import keyring

BINH = "046193990777"
PATIENT = ("whole_ms = 9000", "connect_ms = 5000")


class Authority:
    """Signs certificates for 127.0.0.1."""

    def __init__(self, folder, name):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._signed(self._name, self._key.public_key(), is_authority=True))

    def _signed(self, subject, public, *, is_authority):
        day = datetime.now(UTC) - timedelta(days=1)
        made = x509.CertificateBuilder(
            self._name, subject, public, x509.random_serial_number(), day, day + timedelta(9)
        )
        made = made.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        made = made.add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        own = x509.SubjectKeyIdentifier.from_public_key(public)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        usage = x509.KeyUsage(True, False, False, False, False, is_authority, is_authority, False, False)
        for extension in (own, issuer, usage):
            made = made.add_extension(extension, critical=extension is usage)
        return made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def issue(self, name):
        """One file with a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path = self._folder / f"{name}.pem"
        path.write_bytes(self._signed(subject, key.public_key(), is_authority=False) + private)
        return path


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, "tinh")


@contextmanager
def told(tmp_path, foreign, *lines):
    path = settings_file(tmp_path, foreign.url.replace("http:", "https:"), *PATIENT, *lines)
    desk = open_desk(config.load(path).province, keyring.load(tmp_path / "keys"), Tally())
    thread = threading.Thread(target=desk.run, daemon=True)
    thread.start()
    try:
        yield desk.ask(Subject(Scheme.CITIZEN, BINH)).result(SECONDS)
    finally:
        desk.stop()
        thread.join(SECONDS)


@contextmanager
def serving(authority, *, asks_for=None):
    """A system with a certificate of this authority's, that may ask for one of ours."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("dancu"))
    if asks_for is not None:
        context.load_verify_locations(asks_for.file)
        context.verify_mode = ssl.CERT_REQUIRED
    foreign = Foreign(people={BINH: known("CD-1", khaiBao=declared())})
    foreign.socket = context.wrap_socket(foreign.socket, server_side=True)
    with foreign:
        yield foreign


def test_a_system_of_the_authority_that_is_named_is_asked(tmp_path, authority):
    with serving(authority) as foreign, told(tmp_path, foreign, f'ca_file = "{authority.file}"') as answered:
        assert isinstance(answered, Told)


@pytest.mark.parametrize("named", [True, False])
def test_another_authoritys_is_not_and_no_number_reaches_it(tmp_path, authority, named):
    other = Authority(tmp_path, "other")
    lines = [f'ca_file = "{other.file}"'] if named else []
    with serving(authority) as foreign, told(tmp_path, foreign, *lines) as answered:
        assert str(answered) == "its certificate is not trusted; see province.ca_file"
        assert foreign.asked == []


def test_where_it_asks_for_the_hubs_own_certificate_it_gets_it(tmp_path, authority):
    ours = authority.issue("hub-46")
    lines = [f'ca_file = "{authority.file}"', f'certificate_file = "{ours}"']
    with serving(authority, asks_for=authority) as foreign:
        with told(tmp_path, foreign, *lines) as answered:
            assert isinstance(answered, Told)
        with told(tmp_path, foreign, *lines[:1]) as answered:
            assert not isinstance(answered, Told)
    assert len(foreign.asked) == 1
