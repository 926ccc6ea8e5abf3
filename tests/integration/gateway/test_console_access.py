"""Who gets into the console: nobody without an operator's cookie, and staff not where a manager is needed."""

import threading
from base64 import b64encode
from collections import Counter

import httpx
import pytest

from services.gateway.console import login
from services.gateway.console.staff import BROWSER_COOKIE, CONSOLE_HEADER, COOKIE
from shared.db.operators import (
    MAX_TRIES_FOR_NAME,
    MAX_TRIES_OF_BOTH,
    SESSION_LIFE,
    SLOW_TRY_EVERY,
    TRY_WINDOW,
    hash_name,
)
from tests.integration.gateway.matrix import CALLS, AdasThings
from tests.integration.gateway.operators import PASSWORD, LoggedInOperator, add, log_in
from tests.integration.gateway.shop import Shop

OF_CONSOLE = [route for route, call in CALLS.items() if call.caller in ("operator", "manager")]
OF_MANAGERS = [route for route, call in CALLS.items() if call.caller == "manager"]
CHANGES = [route for route in OF_CONSOLE if route[0] != "GET"]


def _name(route: tuple[str, str]) -> str:
    return f"{route[0]} {route[1]}"


@pytest.fixture(scope="module")
def shop(shared_shop: Shop) -> Shop:
    return shared_shop


@pytest.fixture(scope="module")
def shoppers_token(shop: Shop) -> str:
    return shop.log_in().token


@pytest.fixture(scope="module")
def staff(shop: Shop) -> LoggedInOperator:
    return log_in(shop, "sam", "staff")


def _call(shop: Shop, route: tuple[str, str], headers: dict[str, str]) -> httpx.Response:
    call, things = CALLS[route], AdasThings(shop.carts[0].cart_id, 1, 1)
    path = call.path(shop, things) if call.path else route[1]
    return shop.client.request(
        route[0], path, params=call.query, json=call.body(shop, things) if call.body else None, headers=headers
    )


def test_every_call_of_the_console_but_the_login_needs_an_operator() -> None:
    public = [path for (_, path), call in CALLS.items() if path.startswith("/console/") and call.caller == "public"]
    assert public == ["/console/api/login"]
    assert len(OF_CONSOLE) > 10


@pytest.mark.parametrize("route", OF_CONSOLE, ids=_name)
@pytest.mark.parametrize("credential", ["shopper", "shopper_in_cookie", "cart", "nonsense", "empty", "endless"])
def test_the_credentials_of_shoppers_and_carts_open_nothing(
    shop: Shop, shoppers_token: str, route: tuple[str, str], credential: str
) -> None:
    cart = shop.carts[0]
    headers = {CONSOLE_HEADER: "1"} | {
        "shopper": {"Authorization": f"Bearer {shoppers_token}"},
        "shopper_in_cookie": {"Cookie": f"{COOKIE}={shoppers_token}"},
        "cart": {"Authorization": "Basic " + b64encode(f"{cart.cart_id}:{cart.password}".encode()).decode()},
        "nonsense": {"Cookie": f"{COOKIE}=nonsense"},
        "empty": {"Cookie": f"{COOKIE}="},
        "endless": {"Cookie": f"{COOKIE}={'x' * 4000}"},
    }[credential]
    answer = _call(shop, route, headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("route", CHANGES, ids=_name)
def test_nothing_is_changed_without_the_consoles_header_or_from_another_site(
    shop: Shop, staff: LoggedInOperator, route: tuple[str, str]
) -> None:
    cookie = {"Cookie": f"{COOKIE}={staff.token}"}
    for headers in (cookie, {**cookie, CONSOLE_HEADER: "1", "Sec-Fetch-Site": "cross-site"}):
        answer = _call(shop, route, headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_from_console")
    assert staff.get("/me").status_code == 200


@pytest.mark.parametrize("route", OF_MANAGERS, ids=_name)
def test_staff_may_not_do_what_managers_do(shop: Shop, staff: LoggedInOperator, route: tuple[str, str]) -> None:
    answer = _call(shop, route, {CONSOLE_HEADER: "1", "Cookie": f"{COOKIE}={staff.token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "manager_only")


def _log_in(shop: Shop, name: str, password: str, **headers: str) -> httpx.Response:
    with httpx.Client(base_url=shop.client.base_url, trust_env=False, timeout=30) as client:
        asked = {"name": name, "password": password}
        return client.post("/console/api/login", json=asked, headers={CONSOLE_HEADER: "1", **headers})


def test_a_login_sets_a_cookie_that_scripts_cannot_read_and_other_sites_cannot_send(shop: Shop) -> None:
    add(shop, "vera", "manager")
    answer = _log_in(shop, "Vera", PASSWORD)
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["role"]) == ("vera", "manager")
    flags = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/console/api"} <= flags
    assert "secure" not in flags  # plain HTTP on a developer's own machine
    assert PASSWORD not in answer.text
    cookie = answer.headers["set-cookie"].split(";")[0]
    assert shop.client.get("/console/api/me", headers={"Cookie": cookie}).json()["name"] == "vera"


def test_the_cookie_is_secure_for_every_other_host(shop: Shop) -> None:
    add(shop, "walt", "staff")
    answer = _log_in(shop, "walt", PASSWORD, Host="store.example:8000")
    assert "secure" in answer.headers["set-cookie"].lower()


def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(shop: Shop) -> None:
    add(shop, "xena", "staff")
    wrong, unknown = _log_in(shop, "xena", "not her password"), _log_in(shop, "nobody", "not her password")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "wrong_password")
    assert wrong.content == unknown.content
    assert "set-cookie" not in wrong.headers


def test_logging_out_ends_the_login_at_once(shop: Shop) -> None:
    yuri = log_in(shop, "yuri")
    answer = yuri.post("/logout")
    assert answer.status_code == 204
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    assert yuri.get("/me").status_code == 401


def test_a_login_ends_with_the_shift_and_with_the_account(shop: Shop) -> None:
    zoe, removed = log_in(shop, "zoe"), log_in(shop, "removed")
    shop.execute("UPDATE operator SET removed_at = now() WHERE name = 'removed'")
    assert removed.get("/live").status_code == 401
    shop.clock.advance(seconds=SESSION_LIFE.total_seconds() - 1)
    assert zoe.get("/me").status_code == 200
    shop.clock.advance(seconds=1)
    assert zoe.get("/me").status_code == 401


def test_wrong_passwords_are_limited_also_when_they_come_all_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "_COMPARING_WITHIN_S", 60.0)
    add(shop, "una", "staff")
    answers: Counter[int] = Counter()

    def guess() -> None:
        answers[_log_in(shop, "una", "a guess").status_code] += 1

    guesses = [threading.Thread(target=guess) for _ in range(MAX_TRIES_OF_BOTH + 3)]
    for one in guesses:
        one.start()
    for one in guesses:
        one.join()
    assert answers == {400: MAX_TRIES_OF_BOTH, 429: 3}
    refused = _log_in(shop, "una", PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_login_tries")
    assert 0 < int(refused.headers["Retry-After"]) <= SLOW_TRY_EVERY.total_seconds()
    shop.clock.advance(seconds=SLOW_TRY_EVERY.total_seconds())
    assert _log_in(shop, "una", "a guess").status_code == 400
    assert _log_in(shop, "una", PASSWORD).status_code == 429, "slow, one at a time"
    shop.clock.advance(seconds=SLOW_TRY_EVERY.total_seconds())
    assert _log_in(shop, "una", PASSWORD).status_code == 200, "and never shut"


def test_wrong_passwords_of_a_stranger_behind_the_same_address_do_not_slow_the_operators_own_browser(
    shop: Shop,
) -> None:
    add(shop, "tove", "staff")
    browser = _cookie(_log_in(shop, "tove", PASSWORD), BROWSER_COOKIE)
    for _ in range(MAX_TRIES_OF_BOTH):
        assert _log_in(shop, "tove", "a guess").status_code == 400
    assert _log_in(shop, "tove", PASSWORD).status_code == 429
    assert _log_in(shop, "tove", PASSWORD, Cookie=browser).status_code == 200


def test_the_cookie_of_a_browser_is_good_for_its_own_operator_and_a_forged_one_for_nobody(shop: Shop) -> None:
    add(shop, "rosa", "staff")
    add(shop, "sven", "staff")
    of_rosa = _cookie(_log_in(shop, "rosa", PASSWORD), BROWSER_COOKIE)
    for _ in range(MAX_TRIES_OF_BOTH):
        _log_in(shop, "sven", "a guess")
    for cookie in (of_rosa, f"{BROWSER_COOKIE}=made-up.{'0' * 64}", f"{BROWSER_COOKIE}=.", f"{BROWSER_COOKIE}=x"):
        assert _log_in(shop, "sven", PASSWORD, Cookie=cookie).status_code == 429


def test_the_tries_of_a_known_browser_are_limited_too(shop: Shop) -> None:
    add(shop, "quin", "staff")
    browser = _cookie(_log_in(shop, "quin", PASSWORD), BROWSER_COOKIE)
    guesses = [_log_in(shop, "quin", "a guess", Cookie=browser).status_code for _ in range(MAX_TRIES_OF_BOTH + 1)]
    assert guesses == [400] * MAX_TRIES_OF_BOTH + [429]


@pytest.mark.parametrize("name", ["pia", "per"])
def test_a_crowd_of_wrong_passwords_shuts_nobody_out(shop: Shop, name: str) -> None:
    """More than any bound: at one operator from everywhere, and at every name from the operator's own address."""
    add(shop, name, "staff")
    hashed, address, at = hash_name(name), shop.gateway.phones.hash_address("127.0.0.1"), shop.clock()
    for number in range(MAX_TRIES_FOR_NAME):
        of_another = bytes([number]) * 32
        row = (hashed, of_another, at) if name == "pia" else (of_another, address, at)
        shop.execute("INSERT INTO operator_login_try (name_hash, address_hash, tried_at) VALUES (%s, %s, %s)", *row)
    assert _log_in(shop, name, "mistyped").status_code == 400
    assert _log_in(shop, name, PASSWORD).status_code == 429, "slow"
    shop.clock.advance(seconds=SLOW_TRY_EVERY.total_seconds())
    assert _log_in(shop, name, PASSWORD).status_code == 200
    shop.clock.advance(seconds=TRY_WINDOW.total_seconds())


def _cookie(answer: httpx.Response, name: str) -> str:
    found = [one for one in answer.headers.get_list("set-cookie") if one.startswith(f"{name}=")]
    return found[0].split(";")[0]
