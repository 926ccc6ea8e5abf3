"""Refresh tokens: 256 random bits that mean nothing by themselves, kept as a hash only."""

import hashlib
import secrets


def draw_refresh_token() -> str:
    """A fresh token, 43 characters."""
    return secrets.token_urlsafe(32)


def hash_refresh_token(token: str) -> bytes:
    """What is stored of a token, 32 bytes; a plain hash is enough at this entropy."""
    return hashlib.sha256(token.encode()).digest()
