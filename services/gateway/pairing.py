"""Taking a cart: the guess is counted first, then the cart's rules decide."""

from typing import assert_never

from services.gateway.errors import Refusal, Refused
from services.gateway.metrics import PAIRING_FAILURES
from services.gateway.wiring import Gateway
from shared.db.pairing import TooManyGuesses, TryReserved, reserve_pairing_try
from shared.db.sessions import (
    CartInUse,
    CartUnknown,
    Connected,
    HoldsAnotherCart,
    WrongPairingCode,
    connect_cart,
)
from shared.db.types import Tx


def count_guess(here: Gateway, shopper_id: int, cart_id: int, pairing_code: str | None) -> TryReserved | None:
    """Count a guess at the code before it is made; None when there is nothing to guess. Raises Refused."""
    if pairing_code is None or here.settings.pairing == "open":
        return None
    with here.pool.connection() as connection, connection.transaction():
        reserved = reserve_pairing_try(
            connection, shopper_id, cart_id, here.settings.pairing_tries_per_minute, here.now()
        )
    match reserved:
        case TryReserved():
            return reserved
        case TooManyGuesses(retry_after_s=retry_after_s):
            PAIRING_FAILURES.labels("limited").inc()
            raise Refused(Refusal.TOO_MANY_PAIRING_TRIES, retry_after_s=retry_after_s)
        case _ as never:
            assert_never(never)


def take_cart(here: Gateway, tx: Tx, shopper_id: int, cart_id: int, pairing_code: str | None) -> Connected:
    """Give the cart to the shopper, or raise Refused."""
    needed = here.settings.pairing == "code"
    outcome = connect_cart(tx, cart_id, shopper_id, pairing_code, needed, here.now())
    match outcome:
        case Connected():
            return outcome
        case CartUnknown():
            raise Refused(Refusal.CART_UNKNOWN)
        case CartInUse():
            raise Refused(Refusal.CART_IN_USE)
        case HoldsAnotherCart(cart_id=held):
            raise Refused(Refusal.HOLDS_ANOTHER_CART, f"You hold cart {held}; leave it first.")
        case WrongPairingCode():
            PAIRING_FAILURES.labels("wrong").inc()
            raise Refused(Refusal.WRONG_PAIRING_CODE)
        case _ as never:
            assert_never(never)
