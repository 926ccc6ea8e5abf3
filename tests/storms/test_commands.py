"""A shopper's phone repeats its commands, many at once, while the gateway is killed: each happens once (R17)."""

import asyncio
from collections import Counter
from http import HTTPStatus
from random import Random

import psycopg
import pytest

from firmware_sim.phone import Answer, Door, FixedCode, Phone
from shared.db.catalogue import list_sim_products
from tests.eventually import eventually
from tests.storms.conftest import Tell
from tests.storms.promises import Row
from tests.storms.stage import ONE_TIME_CODE, Stage, open_stage

REPEATS = 10
KILLS = 2
PATIENCE_S = 60.0
PAIRING = "SELECT cart_id, pairing_code FROM cart WHERE cart_id = %s AND pairing_code IS NOT NULL"


async def command(phone: Phone, product_id: int, key: str) -> Answer:
    """Until it is answered: a phone waits while the first of the same is still under way."""
    while True:
        headers = {"Idempotency-Key": key}
        answer = await phone._as_shopper("POST", "/cart/item/add", {"product_id": product_id}, headers)
        if answer.status != HTTPStatus.CONFLICT:
            return answer
        await asyncio.sleep(0.05)


async def press_again_and_again(stage: Stage, commands: int, products: list[int]) -> tuple[list[list[Answer]], int]:
    """The answers to each command, and how many pieces are in the cart at the end."""
    door = Door(stage.address.http_url)
    phone = Phone(door, "+99912345678", FixedCode(ONE_TIME_CODE), Random(1), PATIENCE_S)
    with psycopg.connect(stage.address.database_url, autocommit=True) as connection:
        (cart,) = stage.credentials
        cart_id, code = eventually(lambda: connection.execute(PAIRING, (cart.cart_id,)).fetchone() or ())
    taken = await phone.connect_cart(cart_id, code)
    assert taken.status == HTTPStatus.OK, taken
    pressed = [
        asyncio.gather(*(command(phone, products[number % len(products)], f"k-{number}") for _ in range(REPEATS)))
        for number in range(commands)
    ]
    for _ in range(KILLS):
        await asyncio.sleep(2.0)
        stage.kill("gateway", 0.2)
        stage.tend()
        await asyncio.sleep(0.3)
        stage.tend()
    answers = [await one for one in pressed]
    pieces = await phone.cart_pieces()
    door.close()
    return answers, (pieces or Counter()).total()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_command_repeated_while_the_gateway_is_killed_happens_once(full: bool, tell: Tell) -> None:
    commands = 10_000 if full else 200
    with open_stage("embedded", carts=1) as stage:
        with psycopg.connect(stage.address.database_url) as connection:
            products = [product.product_id for product in list_sim_products(connection)][:25]
        answers, pieces = asyncio.run(press_again_and_again(stage, commands, products))
    tell(Row("R17", f"{commands} commands x {REPEATS} at once, {KILLS} gateway kills: {pieces} effects"))
    assert {answer.status for same in answers for answer in same} == {HTTPStatus.OK}
    assert all(answer.body == same[0].body for same in answers for answer in same)
    assert pieces == commands
