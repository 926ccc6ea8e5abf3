"""The walking graphs of the stores, built in a thread of their own whenever a layout changes, off the request path."""

import threading
from dataclasses import dataclass

import psycopg
import structlog

from services.gateway.pool import Pool
from shared.db.places import list_layout_versions
from shared.db.stores import find_layout
from shared.navigation import LayoutError, StoreMap, build_store_map, parse_layout

LOOK_EVERY_S = 2.0
FIRST_BUILD_WITHIN_S = 10.0

log = structlog.get_logger("gateway")


@dataclass(frozen=True, slots=True)
class _Built:
    version: int
    store_map: StoreMap | None  # None: this version cannot be walked


class StoreMaps:
    """The newest map of each store. While a new one is built the old one serves."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._built: dict[int, _Built] = {}
        self._stopped = False
        self._look_now = threading.Event()
        self._looked_once = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-maps", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._look_now.set()
        self._thread.join(timeout=0.5)

    def find(self, store_id: int) -> StoreMap | None:
        """The map of a store; None when it has no layout. The first callers after a start wait for the first look."""
        if store_id not in self._built and not self._looked_once.is_set():
            self._look_now.set()
            self._looked_once.wait(FIRST_BUILD_WITHIN_S)
        built = self._built.get(store_id)
        return built.store_map if built is not None else None

    def look(self) -> None:
        """Build what is new. Called by the thread; a test may call it."""
        with self._pool.connection() as connection:
            versions = list_layout_versions(connection)
        for store_id, version in versions.items():
            known = self._built.get(store_id)
            if known is not None and known.version == version:
                continue
            with self._pool.connection() as connection:
                stored = find_layout(connection, store_id)
            if stored is not None:
                self._built[store_id] = _Built(stored.version, _build(store_id, stored.document))

    def _run(self) -> None:
        while not self._stopped:
            try:
                self.look()
                self._looked_once.set()
            except psycopg.Error as problem:
                log.warning("layouts_not_read", error=type(problem).__name__)
            self._look_now.wait(LOOK_EVERY_S)
            self._look_now.clear()


def _build(store_id: int, document: object) -> StoreMap | None:
    try:
        return build_store_map(parse_layout(document))
    except LayoutError as bad:
        log.error("layout_cannot_be_walked", store_id=store_id, code=bad.code)
        return None
