"""Many HPKE boxes out of one key agreement (RFC 9180, base mode, X25519 + HKDF-SHA256 + ChaCha20Poly1305).

A box's key and nonce come from the agreement **and** the box's own ``info``, so that boxes of different infos have
nothing in common but the 32 bytes they begin with; each opens by itself, as a box that was sealed alone.  What costs
is the agreement: two multiplications on the curve.  An info may come once only: its second box would have the first
one's key and nonce.
"""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

_VERSION = b"HPKE-v1"
_KEM = b"KEM\x00\x20"  # DHKEM(X25519, HKDF-SHA256)
_SUITE = b"HPKE\x00\x20\x00\x01\x00\x03"  # that, HKDF-SHA256, ChaCha20Poly1305
_BASE = b"\x00"
_NONCE_BYTES = 12
_FIRST_BLOCK = b"\x01"  # of HKDF-Expand, which is all that is needed here: 32 bytes


class Agreement:
    """One fresh key agreement with the holder of ``public``; forgotten with this object."""

    def __init__(self, public: X25519PublicKey) -> None:
        ephemeral = X25519PrivateKey.generate()
        self._sent = ephemeral.public_key().public_bytes_raw()
        prk = _extract(_KEM, b"", b"eae_prk", ephemeral.exchange(public))
        context = self._sent + public.public_bytes_raw()
        shared = hmac.digest(prk, _expanding(_KEM, b"shared_secret", 32) + context + _FIRST_BLOCK, "sha256")
        secret = _extract(_SUITE, shared, b"secret", b"")
        self._key, self._nonce = _begun(secret, b"key", 32), _begun(secret, b"base_nonce", _NONCE_BYTES)
        self._used: set[bytes] = set()

    def seal(self, plain: bytes, info: bytes) -> bytes:
        """32 bytes of the agreement, then ciphertext and tag; ``ValueError`` for an info that came before."""
        if info in self._used:
            raise ValueError("one agreement seals once only in the same context")
        self._used.add(info)
        rest = _ended(_INFO_HASH, info) + _FIRST_BLOCK
        nonce = _ended(self._nonce, rest)[:_NONCE_BYTES]
        return self._sent + ChaCha20Poly1305(_ended(self._key, rest)).encrypt(nonce, plain, None)


def _begun(secret: bytes, label: bytes, length: int) -> HMAC:
    """LabeledExpand as far as it is the same for each ``info`` of an agreement: that is most of what it costs."""
    hashed = HMAC(secret, SHA256())
    hashed.update(_expanding(_SUITE, label, length) + _SCHEDULE)
    return hashed


def _ended(begun: HMAC, rest: bytes) -> bytes:
    hashed = begun.copy()
    hashed.update(rest)
    return hashed.finalize()


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt, _VERSION + suite + label + material, "sha256")


def _expanding(suite: bytes, label: bytes, length: int) -> bytes:
    return length.to_bytes(2, "big") + _VERSION + suite + label


_SCHEDULE = _BASE + _extract(_SUITE, b"", b"psk_id_hash", b"")
_INFO_HASH = HMAC(b"", SHA256())
_INFO_HASH.update(_VERSION + _SUITE + b"info_hash")
