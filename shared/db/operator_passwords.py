"""Passwords of operators: scrypt with a salt for each. Slow on purpose; no transaction is open meanwhile."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

# OWASP's password storage cheat sheet: N=2**14, r=8, p=5 is as hard as its first choice, with 16 MiB instead of 128.
_N, _R, _P = 2**14, 8, 5
_MAXMEM_BYTES = 64 * 1024**2
SALT_BYTES = 16
HASH_BYTES = 32
MIN_PASSWORD_CHARACTERS = 12
MAX_PASSWORD_CHARACTERS = 128
_DRAWN_BYTES = 15  # 20 characters


@dataclass(frozen=True, slots=True)
class HashedPassword:
    """What is kept of a password."""

    salt: bytes
    hash: bytes


# Compared with when there is no such operator, so that the answer takes as long.
NOBODYS = HashedPassword(bytes(SALT_BYTES), bytes(HASH_BYTES))


def draw_password() -> str:
    """A password to hand to somebody: 120 random bits."""
    return secrets.token_urlsafe(_DRAWN_BYTES)


def hash_password(password: str) -> HashedPassword:
    """With a fresh salt."""
    salt = secrets.token_bytes(SALT_BYTES)
    return HashedPassword(salt, _scrypt(password, salt))


def is_password(password: str, kept: HashedPassword) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(_scrypt(password, kept.salt), kept.hash)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=salt, n=_N, r=_R, p=_P, maxmem=_MAXMEM_BYTES, dklen=HASH_BYTES
    )
