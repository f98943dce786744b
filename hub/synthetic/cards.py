"""What is printed on people's cards and shown on their phones: the texts behind the pictures, for invented people.

Serial numbers begin with 99 so that they are nobody's; the signatures are the demonstration's own.
"""

from __future__ import annotations

import unicodedata
import zlib
from datetime import datetime

import base45
import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core import keys
from core.codes import declaration
from core.model import Area, DeclarationKind

ISSUER = "VN-46"


def citizen_number(born: int, female: bool, serial: int) -> str:
    """Twelve digits: Huế, century and sex, year, and a serial of the invented kind."""
    century = (0 if born < 2000 else 2) + female
    return f"046{century}{born % 100:02d}99{serial % 10_000:04d}"


def cccd(number: str, name: str, born: str, female: bool, address: str, old: str = "") -> str:
    """A chip ID card; ``born`` is yyyy-mm-dd."""
    year, month, day = born.split("-")
    return "|".join([number, old, name, f"{day}{month}{year}", "Nữ" if female else "Nam", address, "01052022"])


def bhyt(code: str, name: str, born: str, female: bool) -> str:
    """A health-insurance card with its fifteen-letter code."""
    year, month, day = born.split("-")
    sex = "2" if female else "1"
    head = [code, name.encode().hex(), f"{day}/{month}/{year}", sex, "-", "46 - 001", "01/01/2026", "-"]
    return "|".join([*head, "01/01/2026", code[-10:] + "000", "-", "4", "01/01/2020", "0000000000000000", "$"])


def national(document: str, name: str, born: str, qid: str, declared_for: bool = False) -> str:
    """A national personal QR."""
    return "|".join([document, bare(name).upper(), born, "1" if declared_for else "0", qid, "<1<00<"])


def bare(name: str) -> str:
    """A name without its marks, as the national QR writes it."""
    letters = unicodedata.normalize("NFD", name.replace("Đ", "D").replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def signed_declaration(
    signing_key: bytes,
    person: str,
    kind: DeclarationKind,
    issued: datetime,
    expires: datetime,
    origin: Area | None = None,
    *,
    symptoms: bool = False,
) -> str:
    """A ``TQ1:`` code for a person key in hex, by a raw Ed25519 key."""
    key = Ed25519PrivateKey.from_private_bytes(signing_key)
    return declaration.issue(
        key,
        key_id=bytes.fromhex(keys.key_id(key.public_key().public_bytes_raw())),
        issuer=ISSUER,
        issued=issued,
        expires=expires,
        subject=bytes.fromhex(person),
        kind=kind,
        symptoms=symptoms,
        origin=origin,
    )


def spoilt(code: str) -> str:
    """The same code with one letter of its signature changed."""
    at = len(code) - 6
    return code[:at] + ("A" if code[at] != "A" else "B") + code[at + 1 :]


class HealthAuthority:
    """An invented signer of EU digital COVID certificates (ES256)."""

    def __init__(self, seed: int) -> None:
        self._key = ec.derive_private_key(seed % (1 << 128) + 2, ec.SECP256R1())
        self.pem = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        raw = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key_id = bytes.fromhex(keys.key_id(raw))

    def issue(self, identifier: str, name: str, born: str, issued: datetime, expires: datetime) -> str:
        """An ``HC1:`` vaccination certificate."""
        family, _, given = name.partition(" ")
        vaccination = {"ci": identifier, "co": "VN", "dn": 2, "sd": 2, "dt": issued.date().isoformat(), "is": "Demo"}
        claims = {
            1: "VN",
            4: int(expires.timestamp()),
            6: int(issued.timestamp()),
            -260: {1: {"ver": "1.3.0", "dob": born, "nam": {"fn": family, "gn": given}, "v": [vaccination]}},
        }
        protected, payload = cbor2.dumps({1: -7, 4: self.key_id}), cbor2.dumps(claims)
        signed = cbor2.dumps(["Signature1", protected, b"", payload])
        r, s = decode_dss_signature(self._key.sign(signed, ec.ECDSA(hashes.SHA256())))
        message = cbor2.CBORTag(18, [protected, {}, payload, r.to_bytes(32, "big") + s.to_bytes(32, "big")])
        return "HC1:" + str(base45.b45encode(zlib.compress(cbor2.dumps(message))), "ascii")
