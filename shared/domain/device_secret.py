"""A cart's secret: 256 random bits, shown once, stored as a SHA-256 hash.

A plain hash is enough at this entropy, and checking it costs microseconds (docs/reliability.md S3): a slow hash on
the connect path would let anyone stall the broker with wrong passwords.
"""

import hashlib
import hmac
import secrets

SECRET_BYTES = 32


def new_secret() -> str:
    """A fresh secret, 64 hexadecimal digits."""
    return secrets.token_hex(SECRET_BYTES)


def hash_secret(secret: str) -> bytes:
    """What is stored of a secret, 32 bytes."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def secret_matches(secret: str, stored: bytes) -> bool:
    """Whether `secret` hashes to `stored`, in constant time."""
    return hmac.compare_digest(hash_secret(secret), stored)
