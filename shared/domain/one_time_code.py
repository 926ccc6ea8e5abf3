"""One-time codes: six random digits, bound to one challenge and one phone, kept as a keyed hash only."""

import hashlib
import hmac
import secrets
from uuid import UUID

DIGITS = 6


def draw_code() -> str:
    """Six digits, each sequence equally likely."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def hash_code(pepper: str, challenge_id: UUID, phone_hash: bytes, code: str) -> bytes:
    """What is stored of a code: 32 bytes that fit this challenge and this phone only.

    Keyed, because a million codes are tried against a bare hash in no time (docs/reliability.md S13).
    """
    message = b"login-code" + challenge_id.bytes + phone_hash + code.encode()
    return hmac.digest(pepper.encode(), message, hashlib.sha256)
