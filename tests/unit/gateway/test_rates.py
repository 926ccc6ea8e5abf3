"""Token buckets: so many at once, so many again within a minute, and no key's calls are another's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway import rates
from services.gateway.rates import Kind, TokenBuckets, kind_of, network_of


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_holds_a_minutes_worth_and_says_how_long_to_wait() -> None:
    clock = Clock()
    buckets = TokenBuckets(30, clock)
    assert [buckets.take("ada") for _ in range(30)] == [0.0] * 30
    assert buckets.take("ada") == pytest.approx(2.0)
    assert buckets.take("ben") == 0.0
    clock.now += 2.001
    assert buckets.take("ada") == 0.0
    assert buckets.take("ada") > 0


@given(st.lists(st.floats(0, 5), max_size=300), st.integers(1, 60))
def test_in_no_time_are_more_let_in_than_the_bucket_and_its_refill(gaps: list[float], per_minute: int) -> None:
    clock = Clock()
    buckets = TokenBuckets(per_minute, clock)
    let_in = 0
    for gap in gaps:
        clock.now += gap
        let_in += buckets.take("ada") == 0.0
    assert let_in <= per_minute + (clock.now - 1000.0) * per_minute / 60 + 1e-6


def test_a_crowd_of_strangers_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "KEYS_MAX", 10)
    clock = Clock()
    buckets = TokenBuckets(60, clock)
    for stranger in range(1000):
        clock.now += 0.01
        assert buckets.take(stranger) == 0.0
        assert len(buckets._left) <= 10


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("testclient", "testclient"),
    ],
)
def test_one_customers_ipv6_addresses_are_one_key(address: str, network: str) -> None:
    assert network_of(address) == network


def test_logging_in_counts_apart_from_other_writing() -> None:
    assert kind_of("GET", "/cart/view") is Kind.READ
    assert kind_of("POST", "/cart/item/add") is Kind.WRITE
    assert kind_of("POST", "/auth/verify_otp") is Kind.LOGIN
    assert kind_of("DELETE", "/user") is Kind.WRITE
