"""A login that is over is over everywhere: access tokens, MQTT tokens, every gateway (docs/reliability.md S11, S24)."""

from dataclasses import replace

import httpx

from services.gateway.app import make_app, make_gateway
from services.gateway.login_ends import LoginEnds
from shared.mqtt_tokens import read_mqtt_grant
from tests.eventually import eventually
from tests.integration.gateway.shop import LoggedIn, Shop, serve, settings_for


def _status(client: httpx.Client, phone: LoggedIn, method: str = "GET", path: str = "/user/checklist") -> int:
    return client.request(method, path, headers=phone.headers).status_code


def test_after_logout_no_token_of_this_login_is_taken_and_the_other_phone_goes_on(shop: Shop, ada: LoggedIn) -> None:
    other = shop.log_in()
    assert ada.post("/auth/logout").status_code == 204
    for method, path in (("GET", "/user/checklist"), ("POST", "/mqtt/token"), ("GET", "/cart/view")):
        assert _status(shop.client, ada, method, path) == 401
    assert _status(shop.client, other) == 200
    assert _status(shop.client, other, "POST", "/mqtt/token") == 200


def test_after_erasure_no_token_of_any_phone_is_taken(shop: Shop, ada: LoggedIn) -> None:
    other = shop.log_in()
    assert ada.request("DELETE", "/user").status_code == 204
    for phone in (ada, other):
        assert _status(shop.client, phone) == 401
        assert _status(shop.client, phone, "POST", "/mqtt/token") == 401


def test_a_reused_refresh_token_ends_the_access_token_too(shop: Shop, ada: LoggedIn) -> None:
    renewed = shop.client.post("/auth/refresh", json={"refresh_token": ada.refresh_token}).json()
    shop.clock.advance(seconds=6)
    shop.client.post("/auth/refresh", json={"refresh_token": ada.refresh_token})
    assert _status(shop.client, replace(ada, token=renewed["token"])) == 401


def test_another_gateway_process_learns_it_within_seconds(shop: Shop, ada: LoggedIn) -> None:
    another = replace(make_gateway(settings_for(shop.database_url)), now=shop.clock)
    with serve(make_app(another)) as url, httpx.Client(base_url=url, trust_env=False) as elsewhere:
        assert _status(elsewhere, ada) == 200
        ada.post("/auth/logout")
        assert _status(elsewhere, ada, "POST", "/mqtt/token") == 401, "no way round by the one that was not told yet"
        eventually(lambda: _status(elsewhere, ada) == 401, within_s=5)


def test_no_token_is_taken_before_it_is_known_who_is_out(shop: Shop, ada: LoggedIn) -> None:
    blind = replace(make_gateway(settings_for(shop.database_url)), now=shop.clock)
    app = make_app(replace(blind, login_ends=_NeverRead(blind.pool, blind.phone_accounts)))
    with serve(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
        assert _status(client, ada) == 503


class _NeverRead(LoginEnds):
    def do_round(self) -> float:
        return 60.0


def test_the_mqtt_token_names_its_login(shop: Shop, ada: LoggedIn) -> None:
    password = ada.post("/mqtt/token").json()["password"]
    grant = read_mqtt_grant(shop.gateway.settings.mqtt_token_secret.get_secret_value(), password, shop.clock())
    assert grant is not None
    assert shop.execute("SELECT DISTINCT family_id FROM refresh_token") == [(grant.family_id,)]


def test_the_list_of_ended_logins_stays_short(shop: Shop, ada: LoggedIn) -> None:
    from services.gateway.chores import delete_what_is_old

    ada.post("/auth/logout")
    delete_what_is_old(shop.gateway)
    assert shop.execute("SELECT count(*) FROM ended_login") == [(1,)]
    shop.execute("UPDATE ended_login SET ended_at = ended_at - interval '3 hours'")
    delete_what_is_old(shop.gateway)
    assert shop.execute("SELECT count(*) FROM ended_login") == [(0,)]
