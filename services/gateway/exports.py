"""The export of everything that is linked to one shopper."""

from uuid import UUID

from services.gateway.errors import Refusal, Refused
from services.gateway.fields import Answer, Moment, Money, money
from services.gateway.order_views import OrderBody, order_body
from services.gateway.profiles import ProfileBody, profile_body
from services.gateway.wiring import Gateway
from shared.db.checklists import list_checklist
from shared.db.orders import list_orders
from shared.db.shoppers import find_shopper, list_sessions_of_shopper, list_traces
from shared.db.types import Tx

EVERY_ORDER = 1_000_000


class ExportedItem(Answer):
    """A product on the checklist."""

    product_id: int
    quantity: int


class ExportedTrip(Answer):
    """A trip with a cart."""

    session_id: UUID
    cart_id: int
    store_id: int
    status: str
    total_items: int
    total: Money
    opened_at: Moment
    closed_at: Moment | None


class ExportedLogin(Answer):
    """A login of a phone."""

    family_id: UUID
    first_at: Moment
    last_at: Moment
    ended: bool


class ExportedPairingTry(Answer):
    """A pairing code that was typed."""

    cart_id: int
    tried_at: Moment


class ExportedRequest(Answer):
    """A request with an Idempotency-Key, kept for a day."""

    key: str
    route: str
    status: int
    created_at: Moment


class ExportedCode(Answer):
    """A one-time code that was sent, kept for a day."""

    sent_at: Moment
    used_at: Moment | None


class ExportBody(Answer):
    """Everything held about a shopper."""

    profile: ProfileBody
    created_at: Moment
    checklist: list[ExportedItem]
    trips: list[ExportedTrip]
    orders: list[OrderBody]
    logins: list[ExportedLogin]
    pairing_tries: list[ExportedPairingTry]
    keyed_requests: list[ExportedRequest]
    codes_sent: list[ExportedCode]


def export_shopper(here: Gateway, tx: Tx, shopper_id: int) -> ExportBody:
    """Read it all in one transaction. Raises Refused for a shopper who is gone."""
    shopper = find_shopper(tx, shopper_id)
    if shopper is None:
        raise Refused(Refusal.NOT_AUTHENTICATED)
    traces = list_traces(tx, shopper_id)
    return ExportBody(
        profile=profile_body(shopper, here.phones),
        created_at=shopper.created_at,
        checklist=[
            ExportedItem(product_id=item.product_id, quantity=item.quantity) for item in list_checklist(tx, shopper_id)
        ],
        trips=[
            ExportedTrip(
                session_id=trip.session_id,
                cart_id=trip.cart_id,
                store_id=trip.store_id,
                status=trip.status,
                total_items=trip.total_items,
                total=money(trip.total_minor),
                opened_at=trip.opened_at,
                closed_at=trip.closed_at,
            )
            for trip in list_sessions_of_shopper(tx, shopper_id)
        ],
        orders=[order_body(order, lines, shopper_id) for order, lines in list_orders(tx, shopper_id, EVERY_ORDER)],
        logins=[ExportedLogin(**row) for row in traces.logins],
        pairing_tries=[ExportedPairingTry(**row) for row in traces.pairing_tries],
        keyed_requests=[ExportedRequest(**row) for row in traces.keyed_requests],
        codes_sent=[ExportedCode(**row) for row in traces.code_sends],
    )
