"""Pure pieces of the gateway: codes, phones, money in JSON, receipts, spelling, image names, Accept."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from services.gateway.errors import MEANINGS, Refusal, refusals
from services.gateway.fields import Money, money
from services.gateway.images import find_image
from services.gateway.phones import PhoneVault
from services.gateway.receipts import prefers_html
from services.gateway.tokens import parse_keys
from shared.domain.one_time_code import draw_code, hash_code
from shared.domain.receipt import tax_shares
from shared.domain.spelling import build_vocabulary, list_corrections, one_slip_away

VAULT = PhoneVault("pepper")


class _Price(BaseModel):
    amount: Money


@given(st.integers(-(2**50), 2**50))
def test_money_in_json_reads_back_as_the_same_amount(minor: int) -> None:
    text = _Price(amount=money(minor)).model_dump_json()
    number = text.removeprefix('{"amount":').removesuffix("}")
    assert Decimal(number) == Decimal(minor).scaleb(-2)


@given(st.lists(st.tuples(st.sampled_from([0, 700, 1900, 2550]), st.integers(0, 10**7)), max_size=30))
def test_tax_shares_add_up_to_what_was_paid(lines: list[tuple[int, int]]) -> None:
    shares = tax_shares(lines)
    assert sum(share.gross_minor for share in shares) == sum(gross for _, gross in lines)
    assert all(share.net_minor + share.tax_minor == share.gross_minor for share in shares)
    assert all(share.tax_minor == 0 for share in shares if share.rate_bp == 0)
    assert shares == tax_shares(list(reversed(lines)))


def test_codes_are_uniform() -> None:
    """100,000 codes: chi-squared over each position's ten digits stays below the 0.1 % point (27.9 at 9 degrees)."""
    codes = [draw_code() for _ in range(100_000)]
    assert {len(code) for code in codes} == {6}
    for place in range(6):
        counts = Counter(code[place] for code in codes)
        chi2 = sum((counts[digit] - 10_000) ** 2 / 10_000 for digit in "0123456789")
        assert chi2 < 35, (place, chi2)  # six positions at once: 0.00006


def test_a_code_hash_fits_one_challenge_one_phone_and_one_pepper() -> None:
    challenge = uuid4()
    known = hash_code("pepper", challenge, b"phone", "123456")
    assert known == hash_code("pepper", challenge, b"phone", "123456")
    others = [
        hash_code("pepper", uuid4(), b"phone", "123456"),
        hash_code("pepper", challenge, b"other", "123456"),
        hash_code("other", challenge, b"phone", "123456"),
        hash_code("pepper", challenge, b"phone", "123457"),
    ]
    assert known not in others


@given(st.from_regex(r"\A\+?[0-9]{10,15}\Z"))
def test_a_sealed_number_opens_and_never_looks_the_same(number: str) -> None:
    digits = number.removeprefix("+")
    sealed = VAULT.seal_number(number)
    assert VAULT.open_number(sealed) == digits
    assert sealed != VAULT.seal_number(number)
    assert digits.encode() not in sealed
    assert PhoneVault("another").open_number(sealed) is None
    assert VAULT.hash_number(number) == VAULT.hash_number("+" + digits)


def test_an_ipv6_network_counts_as_one_address() -> None:
    assert VAULT.hash_address("2001:db8::1") == VAULT.hash_address("2001:db8::ffff:2")
    assert VAULT.hash_address("2001:db8::1") != VAULT.hash_address("2001:db8:0:1::1")
    assert VAULT.hash_address("192.0.2.1") != VAULT.hash_address("192.0.2.2")


def test_keys_are_read_with_and_without_names() -> None:
    assert parse_keys("one-secret") == {"default": "one-secret"}
    assert list(parse_keys("b:new,a:old")) == ["b", "a"]


def test_every_refusal_has_a_meaning_and_they_group_by_status() -> None:
    assert set(MEANINGS) == set(Refusal)
    listed = refusals(Refusal.NO_CART, Refusal.NOT_IN_CART, Refusal.GAP_OPEN)
    assert {status: len(one["content"]["application/json"]["examples"]) for status, one in listed.items()} == {
        404: 2,
        409: 1,
    }


WORDS = build_vocabulary({"milk": 500, "silk": 5, "chocolate": 90, "choclate": 1, "yogurt": 40})


def test_words_one_slip_away_are_corrected_commonest_first() -> None:
    assert list_corrections(WORDS, "mlik") == ["milk"]
    assert list_corrections(WORDS, "ilk") == ["milk", "silk"]
    assert list_corrections(WORDS, "yogrt") == ["yogurt"]
    assert list_corrections(WORDS, "milk") == []
    assert list_corrections(WORDS, "choclate") == ["chocolate"]
    assert list_corrections(WORDS, "zzzzz") == []
    assert list_corrections(WORDS, "mi") == []


@given(st.text("abcdefgh", min_size=1, max_size=8), st.data())
def test_one_slip_goes_both_ways(word: str, data: st.DataObject) -> None:
    slip = data.draw(st.sampled_from(sorted(one_slip_away(word))))
    assert word == slip or word in one_slip_away(slip)


@given(st.text(max_size=40))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    found = find_image(Path("/nonexistent"), name)
    assert found is None


def test_accept_decides_between_page_and_json() -> None:
    assert prefers_html("text/html")
    assert prefers_html("text/html,application/xhtml+xml,*/*;q=0.8")
    assert not prefers_html("")
    assert not prefers_html("*/*")
    assert not prefers_html("application/json, text/html;q=0.5")
    assert not prefers_html("text/html;q=x")
