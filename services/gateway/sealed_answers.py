"""Answers kept for repeats, sealed: a profile names a person, and whoever reads the table must not."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.gateway.phones import derive_key
from shared.db.idempotency import KeyedRequest

_NONCE_BYTES = 12
_IN_THE_CLEAR, _SEALED = b"\x00", b"\x01"


class AnswerSeal:
    """Seals an answer for its request (AES-256-GCM), with a key derived from the pepper."""

    def __init__(self, pepper: str) -> None:
        self._seal = AESGCM(derive_key(pepper, "answer-seal"))

    def seal(self, request: KeyedRequest, response: str) -> bytes:
        """What is kept; it opens for the same shopper, key and route only."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _SEALED + nonce + self._seal.encrypt(nonce, response.encode(), _belongs_to(request))

    def open(self, request: KeyedRequest, kept: bytes) -> str | None:
        """The answer again, or None when the pepper was changed since. Before 0.1 answers were kept in the clear."""
        mark, rest = kept[:1], kept[1:]
        if mark == _IN_THE_CLEAR:
            return rest.decode()
        try:
            return self._seal.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _belongs_to(request)).decode()
        except InvalidTag:
            return None


def _belongs_to(request: KeyedRequest) -> bytes:
    return f"{request.shopper_id}\n{request.route}\n{request.key}".encode()
