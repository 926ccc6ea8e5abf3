"""CartState: the cart as the backend knows it. A receiver drops a state whose `version` is not above the last."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.fields import FromBackend, Minor

StateStatus = Literal["idle", "active", "incomplete", "closed"]
WeightVerdict = Literal["unknown", "match", "too_heavy", "too_light"]


class Ack(FromBackend):
    """The end of the unbroken run: every event up to and including it is settled. `(0, 0)`: none yet."""

    epoch: int = Field(ge=0)
    seq: int = Field(ge=0)


class StateLine(FromBackend):
    """One line of the cart: one product at one price."""

    line: int = Field(ge=1, description="number of the line within the session; stays when others go")
    product_id: int
    gtin: str | None = Field(pattern=r"^[0-9]{14}$", description="GTIN-14; null for a product with a house code only")
    code: str = Field(description="as scanned first")
    name: str
    quantity: int = Field(ge=1)
    unit_price_minor: Minor = Field(description="before discount, as it was at the scan")
    total_minor: Minor = Field(description="what the line costs, discount taken off")
    weight_g: int | None = Field(description="expected weight of one piece, grams; null when unknown")


class WeightCheck(FromBackend):
    """The load cell against what the lines should weigh, grams."""

    expected_g: int
    measured_g: int | None
    tolerance_g: int
    verdict: WeightVerdict


class Notice(FromBackend):
    """Why an event had no effect; the newest few."""

    epoch: int
    seq: int
    code: str = Field(description="stable reason, snake_case")
    detail: str = Field(max_length=200)


class CartState(FromBackend):
    """Snapshot of one cart; also sent to the phone of the shopper who holds it (without the pairing code).

    In its flash a cart keeps every event that no `ack` has reached, and the newest version that it has shown: after a
    power cut it takes no state below that, unless none that is newer comes for a minute.
    """

    v: Literal[1] = 1
    cart_id: int
    session_id: str | None
    version: int = Field(ge=0)
    status: StateStatus
    ack: Ack
    lines: tuple[StateLine, ...]
    lines_omitted: int = Field(
        0,
        ge=0,
        description="lines left out to keep the message within 4 KiB, oldest first; totals count them",
    )
    total_items: int = Field(ge=0)
    subtotal_minor: Minor
    discount_minor: Minor
    total_minor: Minor
    currency: str
    weight: WeightCheck
    notices: tuple[Notice, ...]
    at: int = Field(description="when this was read from the database, milliseconds since 1970")
    pairing_code: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = Field(
        None, description="only on the cart's own topic, while nobody holds the cart"
    )
