"""The shopper's cart: take it, see it, change it, leave it."""

from typing import Annotated, assert_never

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from services.gateway.callers import Shopper
from services.gateway.cart_views import CartView, cart_view
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import Answer, Ask, Id, Message
from services.gateway.item_changes import ItemCall
from services.gateway.keyed import KEY_REFUSALS, Keyed, answer_once, json_answer
from services.gateway.pairing import count_guess, take_cart
from services.gateway.wiring import Here
from shared.db.pairing import forget_pairing_try
from shared.db.phone_changes import ItemChange, NoCart
from shared.db.sessions import Disconnected, GoodsInCart, disconnect_cart

router = APIRouter(prefix="/cart", tags=["cart"])
_ALWAYS = (*EVERYWHERE, Refusal.NOT_AUTHENTICATED)


class CartToConnect(Ask):
    """The cart in front of the shopper."""

    cart_id: Id = Field(examples=[1])
    pairing_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] | None = Field(
        None, description="the six digits on the cart's display", examples=["123456"]
    )


class ConnectedBody(Answer):
    """The cart is yours."""

    cart_id: int
    user_id: int
    message: str
    session_id: str


class ItemToChange(Ask):
    """One piece of this product."""

    product_id: Id = Field(examples=[1])


@router.post(
    "/connect",
    summary="Take a cart",
    response_model=ConnectedBody,
    responses=refusals(
        *_ALWAYS,
        *KEY_REFUSALS,
        Refusal.CART_UNKNOWN,
        Refusal.CART_IN_USE,
        Refusal.HOLDS_ANOTHER_CART,
        Refusal.WRONG_PAIRING_CODE,
        Refusal.TOO_MANY_PAIRING_TRIES,
    ),
)
def connect(here: Here, shopper: Shopper, keyed: Keyed, asked: CartToConnect) -> Response:
    """Of two phones at one cart one wins. Taking a cart that is mine already is fine."""
    me = shopper.shopper_id

    def act() -> ConnectedBody:
        connected = take_cart(here, connection, me, asked.cart_id, asked.pairing_code)
        message = "This cart is yours already." if connected.already else "The cart is yours."
        return ConnectedBody(
            cart_id=connected.cart_id, user_id=me, message=message, session_id=str(connected.session_id)
        )

    guess = count_guess(here, me, asked.cart_id, asked.pairing_code)
    guessed_wrong = False
    try:
        with here.pool.connection() as connection, connection.transaction():
            return answer_once(connection, me, keyed, here.now(), act)
    except Refused as refused:
        guessed_wrong = refused.code is Refusal.WRONG_PAIRING_CODE
        raise
    finally:
        if guess is not None and not guessed_wrong:  # a cart in use, or a database that went away, is no guess
            with here.pool.connection() as connection, connection.transaction():
                forget_pairing_try(connection, guess)


@router.get("/view", summary="The cart now", response_model=CartView, responses=refusals(*_ALWAYS, Refusal.NO_CART))
async def view(here: Here, shopper: Shopper) -> Response:
    """A snapshot; what comes after arrives over MQTT with larger versions."""
    held = await here.held_carts.find(shopper.shopper_id)
    if held is None:
        raise Refused(Refusal.NO_CART)
    return json_answer(cart_view(held, shopper.shopper_id, here.settings.currency))


_ITEM_REFUSALS = refusals(
    *_ALWAYS, *KEY_REFUSALS, Refusal.NO_CART, Refusal.NOT_IN_CART, Refusal.UNKNOWN_PRODUCT, Refusal.LINE_LIMIT
)


@router.post("/item/add", summary="One piece more", response_model=Message, responses=_ITEM_REFUSALS)
async def add_item(here: Here, shopper: Shopper, keyed: Keyed, asked: ItemToChange) -> Response:
    """By hand on the phone, at today's price."""
    item = ItemChange(shopper.shopper_id, asked.product_id, 1)
    return await here.item_changes.change(ItemCall(item, keyed.of(shopper.shopper_id), here.now()))


@router.post("/item/remove", summary="One piece less", response_model=Message, responses=_ITEM_REFUSALS)
async def remove_item(here: Here, shopper: Shopper, keyed: Keyed, asked: ItemToChange) -> Response:
    """By hand on the phone; what is not in the cart cannot leave it."""
    item = ItemChange(shopper.shopper_id, asked.product_id, -1)
    return await here.item_changes.change(ItemCall(item, keyed.of(shopper.shopper_id), here.now()))


@router.post(
    "/disconnect",
    summary="Leave the cart",
    response_model=Message,
    responses=refusals(*_ALWAYS, *KEY_REFUSALS, Refusal.NO_CART, Refusal.GOODS_IN_CART),
)
def disconnect(
    here: Here,
    shopper: Shopper,
    keyed: Keyed,
    abandon: Annotated[bool, Query(description="leave although unpaid goods are in it")] = False,
) -> Response:
    """With unpaid goods in it only when you say so."""

    def act() -> Message:
        outcome = disconnect_cart(connection, shopper.shopper_id, abandon, here.now())
        match outcome:
            case Disconnected():
                return Message(message="You have left the cart.")
            case NoCart():
                raise Refused(Refusal.NO_CART)
            case GoodsInCart():
                raise Refused(Refusal.GOODS_IN_CART)
            case _ as never:
                assert_never(never)

    with here.pool.connection() as connection, connection.transaction():
        return answer_once(connection, shopper.shopper_id, keyed, here.now(), act)
