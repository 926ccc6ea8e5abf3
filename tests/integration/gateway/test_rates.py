"""How often somebody may call: per address, per shopper, by kind; forged addresses do not help.

Reasons: docs/reliability.md S19.
"""

from typing import Any

from shared.db.carts import CartAdded
from tests.integration.gateway.shop import BEN, open_shop


def _codes(answers: list[Any]) -> list[int]:
    return [answer.status_code for answer in answers]


def test_an_address_that_reads_too_often_is_told_when_to_come_back(database_url: str) -> None:
    with open_shop(database_url, reads_per_address_per_minute=5) as shop:
        answers = [
            shop.client.get("/products/offers", headers={"X-Forwarded-For": f"203.0.113.{number}"})
            for number in range(7)
        ]
        assert _codes(answers) == [200] * 5 + [429] * 2
        assert answers[-1].json() == {"detail": "Too many requests in a short time.", "code": "too_many_requests"}
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 12
        assert answers[-1].headers["X-Content-Type-Options"] == "nosniff"
        # Writing is another kind, and whoever asks whether we live is never refused.
        assert shop.log_in().user_id
        assert _codes([shop.client.get("/healthz") for _ in range(7)]) == [200] * 7


def test_behind_a_configured_proxy_each_address_has_its_own_rate(database_url: str) -> None:
    with open_shop(database_url, reads_per_address_per_minute=2, trusted_proxies=("127.0.0.1",)) as shop:

        def read(address: str) -> int:
            return shop.client.get("/products/offers", headers={"X-Forwarded-For": address}).status_code

        assert [read("203.0.113.1") for _ in range(3)] == [200, 200, 429]
        assert read("203.0.113.2") == 200
        # What a client writes in front of what the proxy adds is not believed.
        assert read("198.51.100.9, 203.0.113.1") == 429


def test_steps_of_logging_in_have_a_rate_of_their_own(database_url: str) -> None:
    with open_shop(database_url, logins_per_address_per_minute=4) as shop:
        ada = shop.log_in()
        wrong = [shop.client.post("/auth/verify_otp", json={"mobile_number": BEN, "otp": "000000"}) for _ in range(4)]
        assert _codes(wrong) == [400, 400, 429, 429]
        assert ada.get("/user/profile").status_code == 200


def test_one_shopper_who_calls_too_often_does_not_slow_another(database_url: str) -> None:
    with open_shop(database_url, reads_per_shopper_per_minute=3, writes_per_shopper_per_minute=2) as shop:
        ada, ben = shop.log_in(), shop.log_in(BEN)
        assert _codes([ada.get("/user/profile") for _ in range(4)]) == [200, 200, 200, 429]
        assert _codes([ada.post("/mqtt/token") for _ in range(3)]) == [200, 200, 429]
        assert ben.get("/user/profile").status_code == 200
        other_token = shop.log_in()
        refused = other_token.get("/user/profile")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert 0 < int(refused.headers["Retry-After"]) <= 20


def test_a_refused_body_does_not_become_the_next_request(database_url: str) -> None:
    """A body that was not read must not be taken for a request: the connection is closed."""
    with open_shop(database_url, writes_per_address_per_minute=1) as shop:
        answers = [shop.client.post("/auth/logout", content=b"GET /metrics HTTP/1.1\r\n\r\n") for _ in range(2)]
        assert answers[-1].status_code == 429
        assert answers[-1].headers["Connection"] == "close"


def test_a_board_that_scans_too_often_waits_and_holds_up_no_other(database_url: str) -> None:
    with open_shop(database_url, scans_per_board_per_minute=3) as shop:
        first, second = shop.carts

        def scan(board: CartAdded, seq: int, password: str | None = None) -> Any:
            asked = {"cart_id": board.cart_id, "barcode": "9520000000011", "epoch": 1, "seq": seq}
            auth = (str(board.cart_id), password or board.password)
            return shop.client.post("/cart/esp32/add_item", json=asked, auth=auth)

        # Who does not know the secret uses up nothing of the cart's.
        assert _codes([scan(first, 1, "wrong") for _ in range(5)]) == [401] * 5
        answers = [scan(first, seq) for seq in range(1, 6)]
        assert _codes(answers) == [200] * 3 + [429] * 2
        assert answers[-1].json()["code"] == "too_many_requests"
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 20
        assert scan(second, 1).status_code == 200
        assert shop.execute("SELECT count(*) FROM cart_event WHERE cart_id = %s", first.cart_id) == [(3,)]
