"""CartEvent: what a cart must never lose. Numbered `(epoch, seq)` by the cart and kept in its journal until
a CartState acknowledges it."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from shared.contracts.fields import Code, Epoch, FromCart, Seq, SessionRef, Version

MAX_QUANTITY = 999  # docs/reliability.md M10: one event never moves more than this
MAX_WEIGHT_G = 1_000_000  # a tonne: beyond any load cell, small enough for sums to stay exact


class _Numbered(FromCart):
    v: Version = 1
    epoch: Epoch
    seq: Seq
    at: object = Field(
        None,
        description="the cart's clock, milliseconds since 1970; kept as a fact, never used for order. Anything "
        "that is not a plausible time is applied all the same and flagged",
    )
    session: SessionRef | None = Field(None, description="session id as the cart last saw it in its state")


class Scan(_Numbered):
    """A product was put into the cart."""

    type: Literal["scan"] = "scan"
    code: Code
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)] | None = Field(
        None, description="pieces; when absent, told from weight_g, else 1"
    )
    weight_g: Annotated[int, Field(ge=0, le=MAX_WEIGHT_G)] | None = Field(
        None, description="the load cell's step for this scan, grams"
    )


class Remove(_Numbered):
    """A product was taken out of the cart."""

    type: Literal["remove"] = "remove"
    code: Code
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)] = Field(1, description="pieces")


class Weight(_Numbered):
    """The scale's reading when it stands still."""

    type: Literal["weight"] = "weight"
    total_g: Annotated[int, Field(ge=-MAX_WEIGHT_G, le=MAX_WEIGHT_G, description="grams, tare taken off")]


class Help(_Numbered):
    """The shopper calls for staff."""

    type: Literal["help"] = "help"


CartEvent = Annotated[Scan | Remove | Weight | Help, Field(discriminator="type")]
CART_EVENT: TypeAdapter[Scan | Remove | Weight | Help] = TypeAdapter(CartEvent)
AnyCartEvent = Scan | Remove | Weight | Help
