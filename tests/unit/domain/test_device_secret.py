"""Cart secrets: long, different, kept only as a hash, and compared whole."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.device_secret import hash_secret, new_secret, secret_matches

ANY_TEXT = st.text(st.characters())  # lone surrogates too: a broker may hand over anything


def test_a_thousand_secrets_are_all_different_and_256_bits_long() -> None:
    issued = [new_secret() for _ in range(1000)]
    assert len(set(issued)) == 1000
    assert all(len(bytes.fromhex(secret)) == 32 for secret in issued)


def test_a_secret_is_stored_as_its_sha256() -> None:
    assert hash_secret("abc") == hashlib.sha256(b"abc").digest()


def test_a_secret_matches_its_own_hash_and_no_other() -> None:
    secret = new_secret()
    assert secret_matches(secret, hash_secret(secret))
    assert not secret_matches(new_secret(), hash_secret(secret))
    assert not secret_matches("", hash_secret(secret))


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_is_compared_without_an_error(given_secret: str, stored: str) -> None:
    assert secret_matches(given_secret, hash_secret(stored)) == (given_secret == stored)


@given(st.binary(max_size=64))
def test_a_stored_value_that_is_no_hash_matches_nothing(stored: bytes) -> None:
    secret = new_secret()
    assert not secret_matches(secret, stored)
