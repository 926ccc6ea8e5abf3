"""The laws of the frontier: it never passes a gap, and says the same as plain sets of numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.frontier import (
    MAX_AHEAD,
    MAX_BEHIND,
    MAX_EPOCH_JUMP,
    MAX_SPANS,
    Admission,
    Frontier,
    admit,
    give_up_gap,
    within_reach,
)
from tests.unit.domain.naive import NaiveFrontier, assert_same_frontier, numbers_in

INT64_MAX = 2**63 - 1


def after(*numbers: int, epoch: int = 1) -> Frontier:
    frontier = Frontier(epoch=epoch)
    for seq in numbers:
        frontier, _ = admit(frontier, epoch, seq)
    return frontier


@given(st.permutations(range(1, 31)), st.lists(st.integers(1, 30), max_size=20))
def test_every_order_and_every_duplication_ends_at_the_same_frontier(order: list[int], repeats: list[int]) -> None:
    assert after(*order, *repeats) == Frontier(epoch=1, seq=30)


@given(st.lists(st.integers(1, 40), max_size=60))
def test_the_frontier_never_passes_a_gap(numbers: list[int]) -> None:
    frontier = after(*numbers)
    assert set(range(1, frontier.seq + 1)) <= set(numbers)
    assert frontier.seq + 1 not in numbers


Step = st.one_of(
    st.tuples(st.integers(1, 3), st.integers(1, 25)),
    st.tuples(st.integers(1, 3), st.sampled_from([MAX_AHEAD - 1, MAX_AHEAD, MAX_AHEAD + 1, MAX_AHEAD + 20, INT64_MAX])),
    st.tuples(st.sampled_from([MAX_EPOCH_JUMP, MAX_EPOCH_JUMP + 1, MAX_EPOCH_JUMP + 3, INT64_MAX]), st.integers(1, 3)),
    st.just("give up"),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(Step, max_size=60))
def test_the_frontier_says_the_same_as_plain_sets_of_numbers(steps: list[tuple[int, int] | str]) -> None:
    frontier, naive = Frontier(), NaiveFrontier()
    for step in steps:
        if isinstance(step, str):
            frontier = give_up_gap(frontier)
            naive.give_up_gap()
        else:
            epoch, seq = step
            before = frontier
            frontier, admission = admit(frontier, epoch, seq)
            assert admission == naive.admit(epoch, seq)
            assert admission.is_new or frontier is before
            assert not admission.is_new or admit(frontier, epoch, seq) == (frontier, Admission.KNOWN)
        assert_same_frontier(frontier, naive)


@given(st.lists(st.one_of(st.integers(1, 30), st.none()), max_size=60))
def test_the_frontier_and_the_head_never_go_backwards_within_an_epoch(steps: list[int | None]) -> None:
    frontier = Frontier(epoch=1)
    for seq in steps:
        before = frontier
        frontier = give_up_gap(frontier) if seq is None else admit(frontier, 1, seq)[0]
        assert frontier.seq >= before.seq
        assert frontier.head_seq >= before.head_seq


def test_the_first_event_of_a_new_cart_is_next() -> None:
    assert admit(Frontier(), 1, 1) == (Frontier(epoch=1, seq=1), Admission.NEXT)


def test_a_number_beyond_a_gap_waits_and_the_missing_one_closes_it() -> None:
    frontier, ahead = admit(after(1), 1, 3)
    assert (frontier.seq, frontier.has_gap, frontier.head_seq, ahead) == (1, True, 3, Admission.AHEAD)
    assert frontier.first_missing == (1, 2)
    frontier, fills = admit(frontier, 1, 2)
    assert (frontier, fills) == (Frontier(epoch=1, seq=3), Admission.FILLS_GAP)


@pytest.mark.parametrize("seq", [MAX_AHEAD + 6, 2**31, INT64_MAX])
def test_a_number_further_ahead_than_the_window_is_not_believed(seq: int) -> None:
    assert admit(after(1, 2, 3, 4, 5), 1, seq) == (after(1, 2, 3, 4, 5), Admission.WINDOW)


def test_the_last_number_of_the_window_is_believed() -> None:
    assert admit(after(1, 2, 3, 4, 5), 1, MAX_AHEAD + 5)[1] is Admission.AHEAD


@pytest.mark.parametrize("seq", [0, -1, -INT64_MAX - 1])
def test_a_number_that_no_cart_counts_to_changes_nothing(seq: int) -> None:
    assert admit(after(1, 2), 1, seq)[0] == after(1, 2)


def test_an_older_epoch_is_stale() -> None:
    assert admit(after(1, epoch=5), 4, 2) == (after(1, epoch=5), Admission.STALE)


@pytest.mark.parametrize(
    ("epoch", "admission"),
    [
        (2, Admission.NEXT),
        (1 + MAX_EPOCH_JUMP, Admission.NEXT),
        (2 + MAX_EPOCH_JUMP, Admission.WINDOW),
        (INT64_MAX, Admission.WINDOW),
    ],
)
def test_a_new_epoch_counts_from_one_unless_it_jumps_too_far(epoch: int, admission: Admission) -> None:
    frontier, said = admit(after(1, 2, 5), epoch, 1)
    assert said is admission
    assert frontier == (Frontier(epoch=epoch, seq=1) if admission.is_new else after(1, 2, 5))


def test_a_new_epoch_whose_first_number_is_beyond_the_window_is_not_believed() -> None:
    assert admit(after(1), 2, MAX_AHEAD + 1) == (after(1), Admission.WINDOW)


def test_a_new_epoch_forgets_the_gaps_of_the_old_one() -> None:
    assert admit(give_up_gap(after(1, 3, 9)), 2, 1)[0] == Frontier(epoch=2, seq=1)


def test_giving_up_a_gap_moves_past_the_first_gap_only() -> None:
    frontier = give_up_gap(after(1, 4, 5, 9))
    assert frontier == Frontier(1, 5, ahead=((9, 9),), skipped=((2, 3),))
    assert frontier.first_missing == (1, 6)


def test_giving_up_without_a_gap_changes_nothing() -> None:
    assert give_up_gap(after(1, 2)) == after(1, 2)


def test_a_number_given_up_may_still_come_once() -> None:
    frontier, came = admit(give_up_gap(after(1, 5)), 1, 3)
    assert (came, numbers_in(frontier.skipped), frontier.seq) == (Admission.FILLS_GAP, {2, 4}, 5)
    assert admit(frontier, 1, 3) == (frontier, Admission.KNOWN)


def test_more_gaps_than_are_remembered_wait_until_the_cart_sends_again_and_nothing_is_lost() -> None:
    frontier = Frontier(1, 0)
    sent = list(range(2, 2 * MAX_SPANS + 100, 2))
    refused = []
    for seq in sent:
        frontier, admission = admit(frontier, 1, seq)
        if admission is Admission.WINDOW:
            refused.append(seq)
    assert (len(frontier.ahead), refused) == (MAX_SPANS, sent[MAX_SPANS:])
    joined, admission = admit(frontier, 1, sent[MAX_SPANS - 1] + 1)
    assert (len(joined.ahead), admission) == (MAX_SPANS, Admission.AHEAD), "what makes no span more is taken"

    for seq in range(1, sent[-1] + 1):
        frontier, admission = admit(frontier, 1, seq)
        assert admission.is_new or admission is Admission.KNOWN, "the oldest first, as a cart sends again"
    assert frontier == Frontier(1, sent[-1])


@given(
    st.lists(st.one_of(st.integers(1, 40), st.integers(MAX_AHEAD - 1_200, MAX_AHEAD - 900)), max_size=40),
    st.integers(MAX_AHEAD + 1, 4 * MAX_AHEAD),
    st.integers(1, 3),
)
def test_a_restored_frontier_takes_in_what_is_far_ahead_and_acknowledges_nothing_that_the_cart_may_still_hold(
    known: list[int], seq: int, epoch: int
) -> None:
    before = after(*known)
    moved = within_reach(before, epoch, seq)

    frontier, admission = admit(moved, epoch, seq)

    assert admission.is_new or seq - before.seq <= MAX_AHEAD
    assert moved.seq < max(seq - MAX_BEHIND, before.seq + 1, max(known, default=0) + 1)
    if epoch == 1:
        promised = frontier.seq - sum(high - low + 1 for low, high in frontier.skipped)
        promised += sum(high - low + 1 for low, high in frontier.ahead)
        assert promised == len({*known, seq}), "it counts exactly the numbers that were heard"
        for passed in range(before.seq + 1, 41):
            assert admit(frontier, epoch, passed)[1].is_new == (passed not in known), "what was passed over may come"


def test_a_restored_frontier_goes_back_to_no_epoch_that_is_over() -> None:
    assert within_reach(Frontier(epoch=4, seq=9), 3, 50_000) == Frontier(epoch=4, seq=9)
    assert within_reach(Frontier(epoch=4, seq=9), 5_000, 3) == Frontier(epoch=5_000)
