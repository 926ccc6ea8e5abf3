"""A phone's token names one shopper for a short time, and nothing else passes for one.

Reasons: RFC 8725, docs/reliability.md S10.
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.mqtt_tokens import mint_mqtt_token, read_mqtt_grant, read_mqtt_token

UNHURRIED = settings(deadline=None)  # the machine may be busy with other tests

SECRET = "a-secret-of-at-least-thirty-two-bytes"
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "iss": "smartcart",
    "aud": "mqtt",
    "sub": "7",
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 900,
    "jti": "once",
}


def signed(
    claims: dict[str, Any], *, secret: str = SECRET, algorithm: str = "HS256", typ: str | None = "mqtt+jwt"
) -> str:
    return jwt.encode(claims, secret, algorithm=algorithm, headers={"typ": typ} if typ else {})


@UNHURRIED
@given(st.integers(1, 10**18 - 1), st.integers(30, 3600))
def test_a_token_names_its_shopper_until_it_ends(shopper_id: int, ttl_s: int) -> None:
    token = mint_mqtt_token(SECRET, shopper_id, NOW, ttl_s)
    end = NOW + timedelta(seconds=ttl_s)
    assert read_mqtt_token(SECRET, token, NOW) == shopper_id
    assert read_mqtt_grant(SECRET, token, NOW) == (shopper_id, end, None)
    assert read_mqtt_token(SECRET, token, end - timedelta(seconds=1)) == shopper_id
    assert read_mqtt_token(SECRET, token, end) is None


def test_two_tokens_of_one_moment_differ() -> None:
    assert mint_mqtt_token(SECRET, 7, NOW, 60) != mint_mqtt_token(SECRET, 7, NOW, 60)


def test_the_hand_made_good_token_is_good() -> None:
    assert read_mqtt_token(SECRET, signed(GOOD), NOW) == 7


@pytest.mark.parametrize("claim", GOOD)
def test_every_claim_is_required(claim: str) -> None:
    assert read_mqtt_token(SECRET, signed({k: v for k, v in GOOD.items() if k != claim}), NOW) is None


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "someone"},
        {"aud": "api"},
        {"aud": ["api"]},
        {"exp": int(NOW.timestamp())},
        {"exp": True},
        {"exp": 10**30},
        {"exp": "9999999999"},
        {"iat": int(NOW.timestamp()) + 31},
        {"sub": "0"},
        {"sub": "007"},
        {"sub": "-7"},
        {"sub": "٧"},
        {"sub": "7/+"},
        {"sub": ""},
        {"sub": "cart-7"},
        {"sub": "9" * 19},
    ],
    ids=str,
)
def test_a_wrong_claim_is_refused(change: dict[str, Any]) -> None:
    assert read_mqtt_token(SECRET, signed({**GOOD, **change}), NOW) is None


def test_a_clock_that_is_half_a_minute_behind_is_forgiven() -> None:
    assert read_mqtt_token(SECRET, signed({**GOOD, "iat": int(NOW.timestamp()) + 30}), NOW) == 7


def unsigned(header: dict[str, Any]) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part(header)}.{part(GOOD)}."


@pytest.mark.parametrize(
    "token",
    [
        signed(GOOD, secret="another-secret-of-thirty-two-bytes!!"),
        signed(GOOD, algorithm="HS512", secret=SECRET * 2),
        signed(GOOD, typ="JWT"),
        signed(GOOD, typ="at+jwt"),
        unsigned({"alg": "none", "typ": "mqtt+jwt"}),
        unsigned({"alg": "None", "typ": "mqtt+jwt", "kid": "../../dev/null"}),
        unsigned({"alg": "HS256", "typ": "mqtt+jwt", "jku": "http://evil.example/keys"}),
        signed(GOOD)[:-1],
        signed(GOOD) + ".",
        "",
        ".",
        "..",
    ],
)
def test_a_token_of_another_kind_or_key_is_refused(token: str) -> None:
    assert read_mqtt_token(SECRET, token, NOW) is None


@UNHURRIED
@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}", fullmatch=True))
def test_no_text_makes_reading_raise(text: str) -> None:
    assert read_mqtt_token(SECRET, text, NOW) is None
