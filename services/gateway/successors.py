"""The next refresh token, sealed under the one that it replaces: a phone whose answer got lost asks again with the old
one and gets the same next one. The database alone opens nothing, because it has no token in the clear.
"""

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


def seal_successor(presented: str, successor: str) -> bytes:
    """The successor as it is kept beside the token that was presented (AES-256-GCM)."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _key(presented).encrypt(nonce, successor.encode(), None)


def open_successor(presented: str, sealed: bytes) -> str | None:
    """The successor again; None for what was sealed under another token."""
    try:
        return _key(presented).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()
    except InvalidTag:
        return None


def _key(presented: str) -> AESGCM:
    """256 random bits need no stretching; the prefix keeps it apart from the hash that is stored."""
    return AESGCM(hashlib.sha256(b"smartcart/refresh-successor/" + presented.encode()).digest())
