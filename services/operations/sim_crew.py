"""What a simulated fleet needs from a running stack: carts with passwords, and its phones' one-time codes."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from firmware_sim.cart import CartCredential
from services.stack.folder import write_privately
from shared.db.carts import add_carts, list_cart_credentials, list_carts
from shared.db.stores import ensure_store
from shared.db.types import Tx
from shared.domain.device_secret import secret_matches

KEPT_FILE = "sim-carts.json"


def hire_carts(tx: Tx, kept_file: Path, store: str, count: int) -> list[CartCredential]:
    """`count` carts of the store that nobody uses: those of earlier runs first, then new ones.

    Call `keep_carts` after the commit: a password that is not kept is lost.
    """
    ensure_store(tx, store)
    free = {cart.cart_id for cart in list_carts(tx, store) if not cart.in_use and cart.revoked_at is None}
    hashes = {credential.cart_id: credential.secret_hash for credential in list_cart_credentials(tx, None)}
    hired = [
        cart
        for cart in read_kept(kept_file)
        if cart.store == store and cart.cart_id in free and secret_matches(cart.password, hashes[cart.cart_id])
    ][:count]
    if len(hired) < count:
        added = add_carts(tx, store, count - len(hired))
        hired += [CartCredential(cart.cart_id, cart.store, cart.username, cart.password) for cart in added]
    return hired


def keep_carts(kept_file: Path, carts: Sequence[CartCredential]) -> None:
    """Add these passwords to the file, readable by the owner only."""
    kept = {(cart.store, cart.cart_id): cart for cart in [*read_kept(kept_file), *carts]}
    write_privately(kept_file, json.dumps([asdict(cart) for cart in kept.values()], indent=1))


def read_kept(kept_file: Path) -> list[CartCredential]:
    """The carts of earlier runs; none when there is no readable file."""
    try:
        return [CartCredential(**cart) for cart in json.loads(kept_file.read_text(encoding="utf-8"))]
    except (FileNotFoundError, ValueError, TypeError):
        return []


class LoggedCodes:
    """Reads one-time codes where a developer does: in the gateway's log, which tells the last two digits of the number.

    Two numbers with the same end must not log in at the same time.
    """

    def __init__(self, gateway_log: Path) -> None:
        self._log = gateway_log
        self._position = self._size()
        self._codes: dict[str, str] = {}

    def forget(self, mobile_number: str) -> None:
        """Codes logged so far no longer count."""
        self._read_on()
        self._codes.pop(mobile_number[-2:], None)

    def read(self, mobile_number: str) -> str | None:
        """The newest code for a number with this end, or None."""
        self._read_on()
        return self._codes.get(mobile_number[-2:])

    def _read_on(self) -> None:
        if self._size() < self._position:
            self._position = 0  # the log was begun anew
        with self._log.open("rb") as log:
            log.seek(self._position)
            for line in log:
                if not line.endswith(b"\n"):
                    break  # still being written
                self._position += len(line)
                if b"one_time_code" in line:
                    self._note(line)

    def _note(self, line: bytes) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            return
        if said.get("event") == "one_time_code":
            self._codes[str(said["number_ends"])] = str(said["code"])

    def _size(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0
