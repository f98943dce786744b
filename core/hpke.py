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

_VERSION = b"HPKE-v1"
_KEM = b"KEM\x00\x20"  # DHKEM(X25519, HKDF-SHA256)
_SUITE = b"HPKE\x00\x20\x00\x01\x00\x03"  # that, HKDF-SHA256, ChaCha20Poly1305
_BASE = b"\x00"


class Agreement:
    """One fresh key agreement with the holder of ``public``; forgotten with this object."""

    def __init__(self, public: X25519PublicKey) -> None:
        ephemeral = X25519PrivateKey.generate()
        self._sent = ephemeral.public_key().public_bytes_raw()
        prk = _extract(_KEM, b"", b"eae_prk", ephemeral.exchange(public))
        shared = _expand(_KEM, prk, b"shared_secret", self._sent + public.public_bytes_raw(), 32)
        self._secret = _extract(_SUITE, shared, b"secret", b"")
        self._used: set[bytes] = set()

    def seal(self, plain: bytes, info: bytes) -> bytes:
        """32 bytes of the agreement, then ciphertext and tag; ``ValueError`` for an info that came before."""
        if info in self._used:
            raise ValueError("one agreement seals once only in the same context")
        self._used.add(info)
        schedule = _SCHEDULE + _extract(_SUITE, b"", b"info_hash", info)
        key = _expand(_SUITE, self._secret, b"key", schedule, 32)
        nonce = _expand(_SUITE, self._secret, b"base_nonce", schedule, 12)
        return self._sent + ChaCha20Poly1305(key).encrypt(nonce, plain, None)


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt, _VERSION + suite + label + material, "sha256")


def _expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """As much as one block of SHA-256 gives, which is all that is needed here."""
    message = length.to_bytes(2, "big") + _VERSION + suite + label + info + b"\x01"
    return hmac.digest(prk, message, "sha256")[:length]


_SCHEDULE = _BASE + _extract(_SUITE, b"", b"psk_id_hash", b"")
