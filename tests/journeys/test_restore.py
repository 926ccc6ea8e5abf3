"""A store is lost in mid-run and brought back from a backup: carts that know more than the backup go on."""

import os
import shutil
import signal
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from services.stack.background import stack_in_background
from services.stack.folder import StackFolder
from services.stack.up import Ports
from shared.db.restoring import VERSIONS
from tests.conftest import folder_for_postgres
from tests.eventually import eventually
from tests.journeys.carts import Cart, carts_on_thread
from tests.journeys.stack import ONE_TIME_CODE, Stack, own_environment

BEFORE, LOST, AFTER = 5, 25, 7
GAP_TIMEOUT_S = "2"
SECONDS = 90


def scan_some(cart: Cart, code: str, count: int) -> list[tuple[int, int]]:
    """Scan so many pieces one after the other; gives their numbers."""
    return [cart.scan(code).key for _ in range(count)]


def logged(stack: Stack, cart_id: int) -> dict[tuple[int, int], str]:
    """Every event of a cart in the log, with its verdict."""
    with psycopg.connect(stack.address.database_url) as connection:
        rows = connection.execute(
            "SELECT epoch, seq, verdict FROM cart_event WHERE cart_id = %s", (cart_id,)
        ).fetchall()
    return {(epoch, seq): verdict for epoch, seq, verdict in rows}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_after_a_restore_no_cart_is_stuck_every_event_counts_once_and_what_is_lost_is_named() -> None:
    environment = {**own_environment(), "FIXED_OTP": ONE_TIME_CODE, "GAP_TIMEOUT_S": GAP_TIMEOUT_S}
    with folder_for_postgres() as root:
        data, kept = root / "store", root / "backup"
        with stack_in_background(data, environment) as address:
            stack = Stack(StackFolder.at(data), address, environment)
            stack.must("import", "demo")
            credentials = stack.add_carts(3)
            code = next(product.codes[0] for product in stack.products() if product.codes)
            ports = Ports(http=0, mqtt=urlsplit(address.mqtt_url).port or 0, ws=0)
            with carts_on_thread(address.mqtt_url, credentials) as carts:
                busy, starts_later, quiet = carts
                known = {cart.cart_id: scan_some(cart, code, BEFORE) for cart in (busy, quiet)}
                for cart in carts:
                    cart.wait_until_settled()
                assert "10 events" in stack.must("backup", str(kept))

                lost = {cart.cart_id: scan_some(cart, code, LOST) for cart in (busy, starts_later)}
                for cart in carts:
                    cart.wait_until_settled()
                shown = {cart.cart_id: cart.wait_for(lambda _: True).version for cart in carts}
                lose_everything(stack, data)
                # What the carts do meanwhile is in their journals, on trips that the backup does not know.
                saved = {cart.cart_id: scan_some(cart, code, AFTER) for cart in carts}

                said = stack.must("restore", str(kept), within_s=SECONDS)
                assert "events=10 sessions=2 orders=0 carts=3 differences=0" in said
                assert "2 trips were open" in said

                with stack_in_background(data, environment, ports) as again:
                    stack = Stack(StackFolder.at(data), again, environment)
                    for cart in carts:
                        eventually(
                            lambda cart=cart: cart.sim.unsettled == 0,  # type: ignore[misc]
                            within_s=SECONDS,
                            message=f"cart {cart.cart_id} is settled",
                        )
                        saved[cart.cart_id] += scan_some(cart, code, AFTER)
                        cart.wait_until_settled()
                        state = cart.wait_for(lambda state: state.version > VERSIONS)
                        assert state.version > shown[cart.cart_id]
                    for cart in carts:
                        held = logged(stack, cart.cart_id)
                        assert set(held) == {*known.get(cart.cart_id, []), *saved[cart.cart_id]}
                        assert set(held.values()) == {"applied"}
                        assert not set(lost.get(cart.cart_id, [])) & set(held)
                    assert_named(stack, {busy.cart_id, starts_later.cart_id, quiet.cart_id})
                    verified = stack.must("replay", "--verify")
                    assert "differences=0" in verified


def lose_everything(stack: Stack, data: Path) -> None:
    """Every process is killed and the disk is gone."""
    supervisor = int((data / "run" / "lock").read_text())
    parts = [pid for name in ("postgres", "broker", "ingest", "gateway") if (pid := stack.pid(name))]
    for pid in (supervisor, *parts):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not stack.folder.is_held(), within_s=10)
    shutil.rmtree(data)


def assert_named(stack: Stack, cart_ids: set[int]) -> None:
    """Each trip that misses something is flagged, and staff are called to its cart."""
    with psycopg.connect(stack.address.database_url) as connection:
        flagged = connection.execute("SELECT cart_id, incomplete FROM cart_session WHERE status = 'open'").fetchall()
        called = connection.execute("SELECT cart_id FROM alert WHERE kind = 'gap' AND resolved_at IS NULL").fetchall()
    assert {(cart_id, True) for cart_id in cart_ids} == set(flagged)
    assert cart_ids <= {cart_id for (cart_id,) in called}
