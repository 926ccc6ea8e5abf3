"""What this backend promises of its events (R1 to R21 but R19, a soak of hours), the target, and what shows it.

`python -m tests.storms` runs them and prints the table. Rows that a test measures itself carry the promise's name as a
property of the test; the proofs named here are counted.
"""

from dataclasses import dataclass

INGEST = "tests/integration/cart_ingest"
DATABASE = "tests/integration/db"
GATEWAY = "tests/integration/gateway"
BROKER = "tests/integration/broker"
STORMS = "tests/storms"


@dataclass(frozen=True)
class Row:
    """One measurement of a promise, for the table."""

    promise: str
    measured: str


@dataclass(frozen=True)
class Promise:
    """`proofs` are tests elsewhere, as `file::name`; with FULL=1 `full_target` counts."""

    name: str
    says: str
    target: str
    full_target: str = ""
    proofs: tuple[str, ...] = ()


def _on_both(test: str) -> tuple[str, str]:
    """A test of the floods in the size of every push; `make test-slow` runs the whole."""
    return f"{test}[embedded-a tenth]", f"{test}[mosquitto-a tenth]"


PROMISES = (
    Promise("R1", "0 events lost or doubled: worker killed", "4,000 events, 15 kills", "100,000 events, 100 kills"),
    Promise("R2", "… PostgreSQL crashes", "3 crashes", "20 crashes"),
    Promise("R3", "… broker killed", "3 kills", "30 kills"),
    Promise("R4", "… everything at once, as in a power cut", "5 cuts", "50 cuts"),
    Promise("R5", "… commits of unknown outcome", "40", "500"),
    Promise("R6", "duplicates and reordering change nothing", "10,000 deliveries == model", "1,000,000 == model"),
    Promise(
        "R7",
        "poison is isolated, kept to the byte, cheap",
        "2 log2(B) + 2 transactions, p99 <= 2x",
        proofs=(
            f"{INGEST}/test_poison.py::test_poisonous_events_are_kept_with_exact_bytes_and_all_others_pass",
            f"{INGEST}/test_poison.py::test_one_poisonous_event_among_many_costs_the_transactions_that_were_promised",
            f"{INGEST}/test_poison.py::test_too_much_poison_stops_the_worker_and_acknowledges_nothing_of_it",
        ),
    ),
    Promise("R8", "retained state converges, never published older", "equal in 2 s, 0 backwards", "the same"),
    Promise(
        "R9", "60 s without PostgreSQL: bounded, nothing lost", "< 64 MB, 0 lost, drains >= 2x", "15 minutes of it"
    ),
    Promise(
        "R10",
        "first commit after ingest, PostgreSQL, broker, power",
        "median 3, 5, 10, 15 s, p95 2x; hung 45",
        proofs=(
            f"{INGEST}/test_life.py::test_a_silent_broker_is_noticed_and_the_worker_comes_back",
            f"{INGEST}/test_database_faults.py::test_a_silent_database_is_noticed_and_work_goes_on_when_it_speaks_again",
        ),
    ),
    Promise(
        "R11",
        "a stop under load leaves nothing half done",
        "<= 5 s, 0 unacknowledged",
        proofs=(
            f"{INGEST}/test_life.py::"
            "test_a_stop_under_load_commits_acknowledges_and_leaves_within_5_s_without_unsubscribing",
            f"{INGEST}/test_life.py::test_a_worker_stops_within_5_s_although_database_and_broker_say_nothing",
        ),
    ),
    Promise(
        "R12",
        "no silent death: the process ends or is not ready",
        "exit, or /readyz false in 15 s",
        proofs=(
            f"{INGEST}/test_life.py::test_a_callback_that_raises_ends_the_process",
            f"{INGEST}/test_life.py::test_a_network_thread_that_ends_by_itself_ends_the_process",
            f"{INGEST}/test_life.py::test_a_canary_that_does_not_come_back_ends_the_process",
            f"{INGEST}/test_life.py::test_a_worker_that_was_suspended_for_a_minute_works_again_or_ends",
            f"{STORMS}/test_exhausted_pool.py::"
            "test_a_gateway_without_a_free_connection_is_not_ready_and_lets_nobody_hang",
        ),
    ),
    Promise(
        "R13",
        "a full disk is an outage, not a loss",
        "0 lost, no restart",
        proofs=(
            f"{INGEST}/test_database_faults.py::"
            "test_nothing_is_acknowledged_while_postgresql_is_away_and_everything_after",
        ),
    ),
    Promise(
        "R14",
        "clocks neither lose nor reorder",
        "+-10 years, +-1 h: only a mark",
        proofs=(
            f"{DATABASE}/test_cart_log.py::test_a_clock_that_cannot_be_right_is_flagged_and_changes_nothing_else",
            f"{STORMS}/test_clocks.py::test_carts_ten_years_off_and_a_server_that_steps_an_hour_leave_the_same_carts",
            f"{STORMS}/test_clocks.py::test_after_a_step_of_the_servers_clock_a_phone_refreshes_its_token_and_goes_on",
        ),
    ),
    Promise(
        "R15",
        "a slow reader hurts only itself",
        "p99 of others < 2x; closed, bounded",
        proofs=(
            *_on_both(
                f"{BROKER}/test_floods.py::test_readers_that_stand_still_leave_a_carts_states_as_fast_as_they_were"
            ),
            f"{BROKER}/test_load.py::TestWithASlowReader::"
            "test_a_reader_that_takes_nothing_is_closed_and_holds_bounded_memory",
        ),
    ),
    Promise(
        "R16",
        "floods keep nobody out",
        "a cart connects in 5 s, < 50 MB",
        proofs=(
            *_on_both(f"{BROKER}/test_floods.py::test_a_crowd_at_the_door_keeps_no_cart_out_and_costs_little_memory"),
            f"{BROKER}/test_floods.py::test_256_mb_announced_are_refused_from_the_header",
            f"{BROKER}/test_load.py::TestWithAShortConnectTimeout::"
            "test_silent_and_half_open_connections_do_not_keep_a_cart_out",
            f"{BROKER}/test_load.py::TestWithFewConnections::test_connections_beyond_the_most_are_closed_at_once",
        ),
    ),
    Promise(
        "R17",
        "a repeated REST command happens once",
        "200 commands x 10, 200 effects",
        "10,000 x 10",
        proofs=(
            f"{GATEWAY}/test_repeats.py::test_twenty_commands_each_sent_ten_times_at_once_have_twenty_effects",
            f"{GATEWAY}/test_repeats.py::test_while_the_first_request_runs_the_second_is_told_so",
            f"{GATEWAY}/test_repeats.py::test_the_same_key_for_something_else_is_refused",
        ),
    ),
    Promise("R18", "no deadlock: 4 workers and checkouts, 200 carts", "0 x 40P01"),
    Promise("R20", "the harness sees bugs", "9 of 9 mutants caught"),
    Promise("R21", "seeded simulation of the pure core", "500 seeds, a seed replays", "20,000 seeds"),
)
