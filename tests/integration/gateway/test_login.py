"""Logging in: one-time codes, tokens, refresh, and what an attacker gets of them.

Reasons: docs/reliability.md H6 to H9, S10 to S15.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import jwt
import psycopg
import pytest

from services.gateway.successors import open_successor
from services.gateway.tokens import ALGORITHM, AUDIENCE, ISSUER, TYPE, AccessTokens, parse_keys
from shared.db.one_time_codes import FAILURE_WINDOW, MAX_FAILURES
from shared.db.running_time import advance_running_time
from shared.mqtt_tokens import mint_mqtt_token
from tests.integration.gateway.shop import ADA, BEN, LoggedIn, Shop, open_shop

WRONG = {"detail": "The code is wrong or has expired.", "code": "wrong_otp"}


def _verify(shop: Shop, code: str, number: str = ADA) -> Any:
    return shop.client.post("/auth/verify_otp", json={"mobile_number": number, "otp": code})


def _send(shop: Shop, number: str = ADA) -> Any:
    return shop.client.post("/auth/verify_mobile", json={"mobile_number": number})


def _another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_known_and_unknown_numbers_get_the_same_answer(shop: Shop, ada: LoggedIn) -> None:
    known, unknown = _send(shop, ADA), _send(shop, BEN)
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert _verify(shop, "000000", "+491799999999").json() == WRONG


def test_a_number_is_the_same_with_and_without_plus(shop: Shop, ada: LoggedIn) -> None:
    _send(shop, ADA.removeprefix("+"))
    code = shop.codes.newest(ADA.removeprefix("+"))
    assert _verify(shop, code).json()["user_id"] == ada.user_id


def test_a_code_works_once(shop: Shop) -> None:
    _send(shop)
    code = shop.codes.newest(ADA)
    assert _verify(shop, code).status_code == 200
    again = _verify(shop, code)
    assert (again.status_code, again.json()) == (400, WRONG)


def test_a_code_expires_after_five_minutes(shop: Shop) -> None:
    _send(shop)
    shop.clock.advance(seconds=301)
    assert _verify(shop, shop.codes.newest(ADA)).json() == WRONG


def test_a_newer_code_replaces_the_older_one(shop: Shop) -> None:
    _send(shop)
    older = shop.codes.newest(ADA)
    shop.clock.advance(seconds=1)
    _send(shop)
    assert _verify(shop, older).json() == WRONG
    assert _verify(shop, shop.codes.newest(ADA)).status_code == 200


def test_a_code_of_another_number_is_wrong(shop: Shop) -> None:
    _send(shop, ADA)
    _send(shop, BEN)
    assert _verify(shop, shop.codes.newest(BEN), ADA).json() == WRONG


def test_after_five_wrong_tries_even_the_right_code_is_refused(shop: Shop) -> None:
    _send(shop)
    code = shop.codes.newest(ADA)
    for _ in range(5):
        assert _verify(shop, _another(code)).status_code == 400
    sixth = _verify(shop, code)
    assert (sixth.status_code, sixth.json()["code"]) == (429, "too_many_otp_tries")
    assert 0 < int(sixth.headers["Retry-After"]) <= 300


@pytest.mark.parametrize("code", ["1234567", "12345", "", "12345a", "١٢٣٤٥٦", " 12345", "123456\n"])
def test_a_code_of_another_shape_has_the_wrong_shape(shop: Shop, code: str) -> None:
    assert _verify(shop, code).status_code == 422


def test_of_fifty_phones_with_the_right_code_at_once_one_logs_in(shop: Shop) -> None:
    _send(shop)
    code = shop.codes.newest(ADA)
    with ThreadPoolExecutor(16) as threads:
        statuses = sorted(answer.status_code for answer in threads.map(lambda _: _verify(shop, code), range(50)))
    assert statuses == [200] + [400] * 49


def test_a_hundred_wrong_codes_in_a_month_lock_the_number(shop: Shop) -> None:
    _send(shop)
    code = shop.codes.newest(ADA)
    _verify(shop, _another(code))
    shop.execute("UPDATE otp_failure SET failures = %s", MAX_FAILURES)
    locked = _verify(shop, code)
    assert (locked.status_code, locked.json()["code"]) == (429, "too_many_otp_tries")
    shop.clock.advance(seconds=FAILURE_WINDOW.total_seconds() + 1)
    _send(shop)
    assert _verify(shop, shop.codes.newest(ADA)).status_code == 200


def test_a_number_gets_five_codes_an_hour_and_a_restart_does_not_forget(shop: Shop, database_url: str) -> None:
    for _ in range(5):
        assert _send(shop).status_code == 200
    sixth = _send(shop)
    assert (sixth.status_code, sixth.json()["code"]) == (429, "too_many_otp_sends")
    assert 0 < int(sixth.headers["Retry-After"]) <= 3600
    assert _send(shop, BEN).status_code == 200
    with psycopg.connect(database_url) as tx:
        tx.execute("DELETE FROM product_code")
        tx.execute("DELETE FROM product_allergen")
        tx.execute("DELETE FROM product")
    with open_shop(database_url) as restarted:
        restarted.clock.moment = shop.clock.moment
        assert _send(restarted).status_code == 429
        restarted.clock.advance(seconds=int(sixth.headers["Retry-After"]) + 1)
        assert _send(restarted).status_code == 200


def test_between_two_codes_to_a_number_lie_thirty_seconds(database_url: str) -> None:
    with open_shop(database_url, otp_seconds_between_sends=30) as shop:
        assert _send(shop).status_code == 200
        shop.clock.advance(seconds=10)
        hasty = _send(shop)
        assert (hasty.status_code, hasty.json()["code"]) == (429, "too_many_otp_sends")
        assert hasty.headers["Retry-After"] == "20"
        assert _send(shop, BEN).status_code == 200
        shop.clock.advance(seconds=20)
        assert _send(shop).status_code == 200


def test_a_number_gets_ten_codes_a_day(shop: Shop) -> None:
    for _ in range(2):
        assert [_send(shop).status_code for _ in range(5)] == [200] * 5
        shop.clock.advance(hours=2)
    eleventh = _send(shop)
    assert eleventh.status_code == 429
    assert eleventh.headers["Retry-After"] == str(20 * 3600)
    shop.clock.advance(hours=20)
    assert _send(shop).status_code == 200


def test_all_numbers_together_have_a_budget_each_minute(database_url: str) -> None:
    """However many numbers and addresses a thief of text messages has (docs/reliability.md S14)."""
    with open_shop(database_url, otp_sends_per_minute=3, trusted_proxies=("127.0.0.1",)) as shop:

        def send(number: int) -> Any:
            asked = {"mobile_number": f"+49170000010{number}"}
            return shop.client.post(
                "/auth/verify_mobile", json=asked, headers={"X-Forwarded-For": f"203.0.113.{number}"}
            )

        assert [send(number).status_code for number in range(3)] == [200, 200, 200]
        shop.clock.advance(seconds=15)
        over = send(4)
        assert (over.status_code, over.headers["Retry-After"]) == (429, "45")
        shop.clock.advance(seconds=45)
        assert send(4).status_code == 200


def test_fifty_sends_at_once_do_not_slip_through_the_limit(shop: Shop) -> None:
    with ThreadPoolExecutor(16) as threads:
        statuses = [answer.status_code for answer in threads.map(lambda _: _send(shop), range(50))]
    assert statuses.count(200) == 5
    assert len(shop.codes.messages) == 5


def test_an_address_gets_its_share_and_a_forged_forwarded_for_does_not_help(database_url: str) -> None:
    with open_shop(database_url, otp_sends_per_address_per_hour=3) as shop:
        statuses = [
            shop.client.post(
                "/auth/verify_mobile",
                json={"mobile_number": f"+49170000010{number}"},
                headers={"X-Forwarded-For": f"203.0.113.{number}"},
            ).status_code
            for number in range(5)
        ]
        assert statuses == [200, 200, 200, 429, 429]


def test_behind_a_trusted_proxy_each_client_has_its_own_share(database_url: str) -> None:
    with open_shop(database_url, otp_sends_per_address_per_hour=1, trusted_proxies=("127.0.0.1",)) as shop:
        for number in range(3):
            answer = shop.client.post(
                "/auth/verify_mobile",
                json={"mobile_number": f"+49170000010{number}"},
                headers={"X-Forwarded-For": f"198.51.100.9, 203.0.113.{number}"},
            )
            assert answer.status_code == 200


def test_codes_are_kept_as_keyed_hashes_only(shop: Shop) -> None:
    _send(shop)
    code = shop.codes.newest(ADA)
    row = shop.execute("SELECT otp_challenge::text FROM otp_challenge")[0][0]
    assert code not in row
    assert ADA.removeprefix("+") not in row


def test_refresh_rotates_and_the_old_token_ends_the_login(shop: Shop, ada: LoggedIn) -> None:
    second = shop.client.post("/auth/refresh", json={"refresh_token": ada.refresh_token}).json()
    assert set(second) == {"token", "user_id", "is_profile_complete", "refresh_token", "expires_in"}
    shop.clock.advance(seconds=10)
    reused = shop.client.post("/auth/refresh", json={"refresh_token": ada.refresh_token})
    assert (reused.status_code, reused.json()["code"]) == (401, "not_authenticated")
    sibling = shop.client.post("/auth/refresh", json={"refresh_token": second["refresh_token"]})
    assert sibling.status_code == 401


def _refresh(shop: Shop, token: str) -> Any:
    return shop.client.post("/auth/refresh", json={"refresh_token": token})


def test_of_twenty_refreshes_at_once_all_get_the_same_successor_and_nobody_is_logged_out(
    shop: Shop, ada: LoggedIn
) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: _refresh(shop, ada.refresh_token), range(20)))
    assert {answer.status_code for answer in answers} == {200}
    (successor,) = {answer.json()["refresh_token"] for answer in answers}
    assert shop.execute("SELECT count(*) FROM refresh_token") == [(2,)]
    assert _refresh(shop, successor).status_code == 200


def test_a_refresh_whose_answer_got_lost_is_answered_again(shop: Shop, ada: LoggedIn) -> None:
    lost = _refresh(shop, ada.refresh_token).json()
    shop.clock.advance(seconds=4)
    again = _refresh(shop, ada.refresh_token).json()
    assert again["refresh_token"] == lost["refresh_token"]
    assert shop.client.get("/user/profile", headers={"Authorization": f"Bearer {again['token']}"}).status_code == 200


def test_a_token_whose_successor_was_used_gets_nothing_and_later_ends_the_login(shop: Shop, ada: LoggedIn) -> None:
    """Two hold the successor, the shopper and a thief: whoever comes second after the grace ends it for both."""
    successor = _refresh(shop, ada.refresh_token).json()["refresh_token"]
    newest = _refresh(shop, successor).json()["refresh_token"]
    assert _refresh(shop, ada.refresh_token).status_code == 401
    shop.clock.advance(seconds=6)
    assert _refresh(shop, successor).status_code == 401
    assert _refresh(shop, newest).status_code == 401


@pytest.mark.parametrize("step_s", [-3600, 3600])
def test_a_clock_that_is_set_hides_no_reuse(shop: Shop, ada: LoggedIn, step_s: int) -> None:
    successor = _refresh(shop, ada.refresh_token).json()["refresh_token"]
    shop.clock.advance(seconds=step_s)
    assert _refresh(shop, ada.refresh_token).status_code == 401
    assert _refresh(shop, successor).status_code == 401


def test_a_successor_is_no_use_without_the_token_it_replaced(shop: Shop, ada: LoggedIn) -> None:
    successor = _refresh(shop, ada.refresh_token).json()["refresh_token"]
    ((sealed,),) = shop.execute("SELECT successor_sealed FROM refresh_token WHERE successor_sealed IS NOT NULL")
    assert open_successor(ada.refresh_token, sealed) == successor
    assert open_successor(successor, sealed) is None


@pytest.mark.parametrize("back", [{"minutes": 3}, {"hours": 1}, {"days": 400}])
def test_a_clock_that_is_set_back_stops_no_code(database_url: str, back: dict[str, float]) -> None:
    with open_shop(database_url, otp_seconds_between_sends=30) as shop:
        for _ in range(4):
            assert _send(shop).status_code == 200
            shop.clock.advance(seconds=31)
        before = shop.codes.newest(ADA)
        shop.clock.advance(**{unit: -much for unit, much in back.items()})
        assert _send(shop).status_code == 200, "what was sent in a future that is undone counts for nothing"
        assert _verify(shop, before).json() == WRONG, "a newer code replaces it"
        assert _verify(shop, shop.codes.newest(ADA)).status_code == 200


def test_a_clock_that_is_set_back_lengthens_no_codes_life(shop: Shop) -> None:
    _send(shop)
    shop.clock.advance(hours=-1)
    with psycopg.connect(shop.database_url) as tx:
        advance_running_time(tx, 301.0)
    assert _verify(shop, shop.codes.newest(ADA)).json() == WRONG


def test_logout_ends_the_refresh_family_of_this_login_only(shop: Shop, ada: LoggedIn) -> None:
    other_phone = shop.log_in(ADA)
    assert ada.post("/auth/logout").status_code == 204
    assert shop.client.post("/auth/refresh", json={"refresh_token": ada.refresh_token}).status_code == 401
    assert shop.client.post("/auth/refresh", json={"refresh_token": other_phone.refresh_token}).status_code == 200


def test_a_refresh_token_ends(shop: Shop, ada: LoggedIn) -> None:
    shop.clock.advance(days=31)
    assert shop.client.post("/auth/refresh", json={"refresh_token": ada.refresh_token}).status_code == 401


def test_tokens_and_secrets_are_not_stored_in_the_clear(shop: Shop, ada: LoggedIn) -> None:
    dump = "".join(row[0] for row in shop.execute("SELECT refresh_token::text FROM refresh_token"))
    assert ada.refresh_token not in dump
    assert ada.refresh_token.encode().hex() not in dump


KEY = "development-access-token-secret-00000000"


def _claims(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "1",
        "sid": "00000000-0000-4000-8000-000000000000",
        "jti": "x",
        "iat": now,
        "exp": now + timedelta(minutes=5),
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def _token(key: str = KEY, algorithm: str = ALGORITHM, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(_claims(**changes), key, algorithm, headers={"typ": TYPE, "kid": "default", **(headers or {})})


PAST = datetime.now(UTC) - timedelta(hours=1)
BAD_TOKENS = {
    "expired": _token(exp=PAST),
    "issued in the future": _token(iat=datetime.now(UTC) + timedelta(hours=1)),
    "alg none": jwt.encode(_claims(), None, "none", headers={"typ": TYPE, "kid": "default"}),
    "other algorithm": _token(key=KEY * 2, algorithm="HS512"),
    "other key": _token(key="another-secret-of-enough-length-00000000"),
    "other audience": _token(aud="mqtt"),
    "several audiences": _token(aud=[AUDIENCE, "mqtt"]),
    "other issuer": _token(iss="somebody"),
    "other type": _token(headers={"typ": "JWT"}),
    "kid as a path": _token(headers={"kid": "../../dev/null"}),
    "kid not a string": jwt.encode(_claims(), KEY, ALGORITHM, headers={"typ": TYPE}),
    "key from the header": _token(key="attacker-key-attacker-key-attacker-key", headers={"jku": "http://x", "jwk": {}}),
    "no subject": _token(sub=None),
    "no id": _token(jti=None),
    "no expiry": _token(exp=None),
    "subject not a number": _token(sub="1 OR 1=1"),
    "no login": _token(sid=None),
    "login not an id": _token(sid="x"),
    "mqtt token": mint_mqtt_token(KEY, 1, datetime.now(UTC), 300),
    "not a token": "abc",
    "binary": "ÿþ",
    "huge": "x" * 4000,
}


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_a_token_that_is_not_ours_gets_401_without_a_reason(shared_shop: Shop, name: str) -> None:
    answer = shared_shop.client.get(
        "/user/profile", headers={"Authorization": f"Bearer {BAD_TOKENS[name]}".encode("latin-1")}
    )
    assert (answer.status_code, answer.json()) == (401, {"detail": "Log in first.", "code": "not_authenticated"})


def test_the_forgeries_fail_for_what_they_forge(shared_shop: Shop) -> None:
    """The same token without a forgery is let in: by its shape, its shopper being unknown aside."""
    answer = shared_shop.client.get("/user/checklist", headers={"Authorization": f"Bearer {_token()}"})
    assert answer.status_code == 200


def test_a_key_can_be_rotated_and_then_removed(database_url: str) -> None:
    old, new = "old-secret-old-secret-old-secret-0000", "new-secret-new-secret-new-secret-0000"
    issued = AccessTokens(parse_keys(f"a:{old}"), 900)
    from uuid import uuid4

    token = issued.mint(1, uuid4(), datetime.now(UTC))
    with open_shop(database_url, access_token_secret=f"b:{new},a:{old}") as shop:
        ada = shop.log_in()
        assert jwt.get_unverified_header(ada.token)["kid"] == "b"
        for accepted in (token, ada.token):
            status = shop.client.get("/user/checklist", headers={"Authorization": f"Bearer {accepted}"}).status_code
            assert status == 200
    assert set(parse_keys(f"b:{new}")) == {"b"}
    from services.gateway.tokens import BadToken

    with pytest.raises(BadToken):
        AccessTokens(parse_keys(f"b:{new}"), 900).read(token)


def test_the_time_of_an_answer_does_not_tell_whether_a_number_is_known(shared_shop: Shop) -> None:
    """Both take the same path (docs/reliability.md S15): of two answers, the slower is the known number's in about half
    of all pairs. Pairs are asked in turn and compared by rank, so that a busy machine disturbs both alike."""
    shared_shop.log_in(ADA)
    unknown = "+491788888888"
    took_s: dict[str, list[float]] = {ADA: [], unknown: []}
    for turn in range(200):
        for number in (ADA, unknown) if turn % 2 else (unknown, ADA):
            began = time.perf_counter()
            _send(shared_shop, number)
            took_s[number].append(time.perf_counter() - began)
    # By chance 0.5 with a deviation of 0.03; whoever is told apart by time gives nearly 0 or 1.
    assert 0.35 < _share_slower(took_s[ADA], took_s[unknown]) < 0.65


def test_the_comparison_of_times_would_see_a_tenth_more() -> None:
    drawn = Random(1)
    fast, slow = ([drawn.gauss(mean, 0.3) for _ in range(200)] for mean in (5.0, 5.5))
    assert _share_slower(slow, fast) > 0.65
    assert 0.35 < _share_slower(fast, [drawn.gauss(5.0, 0.3) for _ in range(200)]) < 0.65


def _share_slower(ones: list[float], others: list[float]) -> float:
    """Of all pairs of one and another, the share in which the one took longer (Mann and Whitney's statistic)."""
    return sum(one > other for one in ones for other in others) / (len(ones) * len(others))
