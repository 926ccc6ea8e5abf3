"""The state never outgrows the contract, whatever is in the cart."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.cart_ingest.state_message import to_state_message
from shared.contracts.channels import MAX_PAYLOAD_BYTES
from shared.contracts.state import CartState
from shared.db.cart_states import CartSnapshot, NamedLine, NoticeLine
from shared.domain.notices import NOTICES_SHOWN
from shared.domain.session_cart import Line, SessionCart

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def snapshot(names: list[str], notices: list[str], *, shopper_id: int | None = None) -> CartSnapshot:
    lines = tuple(
        NamedLine(Line(number, number, "9" * 64, 999, 10**9, 10**9, 10**6), name, "9" * 14)
        for number, name in enumerate(names, 1)
    )
    return CartSnapshot(
        cart_id=2**31 - 1,
        store="main",
        version=2**62,
        published_version=0,
        ack_epoch=2**62,
        ack_seq=2**62,
        pairing_code="123456",
        session_id=UUID(int=1),
        shopper_id=shopper_id,
        incomplete=True,
        is_closed=False,
        cart=SessionCart(tuple(one.line for one in lines), len(lines) + 1, 10**6),
        lines=lines,
        notices=tuple(NoticeLine(2**62, 2**62, "unknown_code", detail) for detail in notices),
    )


names = st.lists(st.text(st.characters(codec="utf-8"), max_size=80), max_size=300)
notices = st.lists(st.text(st.characters(codec="utf-8"), max_size=100), max_size=NOTICES_SHOWN)


@settings(max_examples=60, deadline=None)
@given(names, notices)
def test_a_state_fits_and_counts_what_it_leaves_out(names: list[str], notices: list[str]) -> None:
    one = snapshot(names, notices)

    payload = to_state_message(one, "EUR", NOW, for_phone=False)

    state = CartState.model_validate_json(payload)
    assert len(payload) <= MAX_PAYLOAD_BYTES
    assert len(state.lines) + state.lines_omitted == len(names)
    assert [line.line for line in state.lines] == list(range(len(names) - len(state.lines) + 1, len(names) + 1))
    assert state.total_items == 999 * len(names)


def test_the_pairing_code_is_for_the_cart_alone_and_only_while_nobody_holds_it() -> None:
    free, held = snapshot([], []), snapshot([], [], shopper_id=5)

    def code(one: CartSnapshot, *, for_phone: bool) -> str | None:
        return CartState.model_validate_json(to_state_message(one, "EUR", NOW, for_phone=for_phone)).pairing_code

    assert code(free, for_phone=False) == "123456"
    assert code(free, for_phone=True) is None
    assert code(held, for_phone=False) is None
    assert code(held, for_phone=True) is None


def test_a_cart_that_is_held_hears_word_for_word_what_its_shopper_hears() -> None:
    """The publisher makes one payload for both."""
    held = snapshot(["milk"], ["unknown"], shopper_id=5)

    for_cart, for_phone = (to_state_message(held, "EUR", NOW, for_phone=phone) for phone in (False, True))

    assert for_cart == for_phone
