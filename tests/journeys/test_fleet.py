"""`smartcart sim` as the issue that asked for it says: every line of every trip equal, whatever the radio does and
whoever is killed meanwhile, and the log equal to the tables afterwards."""

from pathlib import Path
from random import Random

import pytest

from tests.journeys.fleet import BAD_RADIO, assert_every_line_is_equal, assert_log_equals_tables, fleet, kill_in_turn
from tests.journeys.stack import Stack

GROCERIES = Path(__file__).parents[2].parent / "shared" / "data" / "groceries-baskets.csv"
SEED = 1
REAL_CARTS, REAL_TRIPS = 50, 400
REAL_WITHIN_S = 300.0
KILL_EVERY_S = (3.0, 6.0)  # all kills fall into the minute or so that the trips take

needs_groceries = pytest.mark.skipif(not GROCERIES.exists(), reason="the data folder is not beside the checkout")


@pytest.fixture
def baskets(stack: Stack, tmp_path: Path) -> Path:
    """A few dozen small baskets from the shelves of the demo store."""
    random, names = Random(SEED), [product.name for product in stack.products() if "," not in product.name]
    file = tmp_path / "baskets.csv"
    file.write_text("\n".join(",".join(random.sample(names, random.randint(1, 4))) for _ in range(60)))
    return file


def test_twenty_carts_on_a_bad_radio_lose_no_line(stack: Stack, baskets: Path) -> None:
    options = (*BAD_RADIO, "--speed", "100")
    with fleet(stack, baskets, carts=20, trips=60, seed=SEED, options=options, within_s=60) as run:
        pass
    assert_every_line_is_equal(run.report, 60)
    assert run.report["radio_lost"] > 0
    assert run.report["resent"] > 0
    assert_log_equals_tables(stack)


@pytest.mark.slow
@pytest.mark.realdata
@needs_groceries
@pytest.mark.timeout(600)
@pytest.mark.parametrize("radio", [(), BAD_RADIO], ids=["good radio", "bad radio"])
def test_four_hundred_real_baskets_lose_no_line(stack: Stack, radio: tuple[str, ...]) -> None:
    with fleet(
        stack, GROCERIES, carts=REAL_CARTS, trips=REAL_TRIPS, seed=SEED, options=radio, within_s=REAL_WITHIN_S
    ) as run:
        pass
    assert_every_line_is_equal(run.report, REAL_TRIPS)
    assert_log_equals_tables(stack)


@pytest.mark.slow
@pytest.mark.realdata
@needs_groceries
@pytest.mark.timeout(600)
@pytest.mark.parametrize("also", [[], ["postgres"]], ids=["ingest and broker", "and PostgreSQL"])
def test_four_hundred_real_baskets_lose_no_line_while_parts_are_killed(stack: Stack, also: list[str]) -> None:
    random = Random(SEED)
    victims = [*["ingest"] * 5, *["broker"] * 2, *also]
    random.shuffle(victims)
    with fleet(
        stack, GROCERIES, carts=REAL_CARTS, trips=REAL_TRIPS, seed=SEED, options=BAD_RADIO, within_s=REAL_WITHIN_S
    ) as run:
        killed = kill_in_turn(stack, run, victims, random, KILL_EVERY_S)
    assert killed == len(victims)
    assert_every_line_is_equal(run.report, REAL_TRIPS)
    assert_log_equals_tables(stack)
