"""A gateway whose connections to PostgreSQL are all taken says so: no silent death (docs/reliability.md R12)."""

import time
from contextlib import ExitStack
from http import HTTPStatus

from tests.eventually import eventually
from tests.integration.gateway.shop import open_shop

SAYS_SO_WITHIN_S = 15.0
ANSWERS_WITHIN_S = 4.0  # two seconds of waiting for a connection (H14), and the machine's noise


def test_a_gateway_without_a_free_connection_is_not_ready_and_lets_nobody_hang(database_url: str) -> None:
    with open_shop(database_url) as shop:
        ada = shop.log_in()
        pool = shop.gateway.pool
        with ExitStack() as taken:
            for _ in range(pool.max_size):
                taken.enter_context(pool.connection())

            eventually(
                lambda: shop.client.get("/readyz").status_code == HTTPStatus.SERVICE_UNAVAILABLE,
                within_s=SAYS_SO_WITHIN_S,
            )
            began_s = time.monotonic()
            answer = ada.get("/cart/view")
            assert time.monotonic() - began_s < ANSWERS_WITHIN_S
            assert (answer.status_code, answer.headers["Retry-After"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "1")
            assert shop.client.get("/healthz").status_code == HTTPStatus.OK, "alive: restarting it is not what helps"

        eventually(lambda: shop.client.get("/readyz").status_code == HTTPStatus.OK, within_s=SAYS_SO_WITHIN_S)
        assert ada.get("/cart/view").status_code == HTTPStatus.NOT_FOUND, "nobody holds a cart"
