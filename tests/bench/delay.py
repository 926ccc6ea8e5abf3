"""How long a scan takes to its shopper's phone, at several rates, each with a broker, a worker and trips of its own."""

import json
import subprocess
import sys
from datetime import UTC, datetime

from shared.db.sessions import Connected, connect_cart
from shared.mqtt_tokens import mint_mqtt_token
from tests.bench.figures import Latency
from tests.bench.rig import TOKEN_SECRET, Rig, Stock, codes
from tests.builders import Shop

CARTS = 200
WARM_UP_S = 2.0
TOKEN_LIFE_S = 3_600


def measure_delay(rig: Rig, broker_name: str, per_s: float, seconds: float, carts: int = CARTS) -> Latency:
    """See phones. Raises RuntimeError when an event did not arrive."""
    with rig.database(Stock(carts, shoppers=carts)) as shop:
        _begin_trips(shop)
        with rig.broker(broker_name, shop) as broker, rig.worker("ours", shop, broker):
            order = {
                "port": broker.port,
                "codes": codes(),
                "first_seq": 1,
                "events_each": int(4 * per_s * (seconds + WARM_UP_S) / carts) + 50,
                "per_s": per_s,
                "seconds": seconds,
                "warm_up_s": WARM_UP_S,
                "pairs": [
                    (cart, shop.passwords[cart], shopper, _phone_password(broker_name, shopper))
                    for cart, shopper in zip(shop.carts, shop.shoppers, strict=True)
                ],
            }
            command = [sys.executable, "-m", "tests.bench.phones"]
            done = subprocess.run(command, input=json.dumps(order), text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"phones: {done.stderr[-800:]}")
    return Latency(**json.loads(done.stdout))


def _begin_trips(shop: Shop) -> None:
    for cart_id, shopper_id in zip(shop.carts, shop.shoppers, strict=True):
        with shop.connect() as tx:
            taken = connect_cart(tx, cart_id, shopper_id, None, False, datetime.now(UTC))
            assert isinstance(taken, Connected), taken


def _phone_password(broker_name: str, shopper_id: int) -> str:
    """Mosquitto knows the phones by an account of their own, our broker by a token."""
    if broker_name == "mosquitto":
        return TOKEN_SECRET
    return mint_mqtt_token(TOKEN_SECRET, shopper_id, datetime.now(UTC), TOKEN_LIFE_S)
