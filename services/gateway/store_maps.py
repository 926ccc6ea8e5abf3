"""The walking graphs of the stores: built once per layout version, in a thread of their own, kept in this process."""

import threading
from dataclasses import dataclass

import psycopg
import structlog

from services.gateway.metrics import ROUNDS_FAILED
from services.gateway.pool import Pool
from shared.db.places import list_layout_versions
from shared.db.stores import find_layout, list_sections
from shared.navigation import LayoutError, StoreMap, build_store_map, parse_layout

LOOK_EVERY_S = 2.0
# A walk asked for right after an import or a start waits this long for the new plan: 800 shelves take 2 s, on a busy
# machine 4.
WAIT_FOR_BUILD_S = 8.0
# Whoever waits holds one of the few threads that answer requests (`THREADS_MAX` in app.py): half of them stay free.
MAX_WAITING = 3

log = structlog.get_logger("gateway")


@dataclass(frozen=True, slots=True)
class WalkableStore:
    """A store's map, and the ids of its sections by floor and name."""

    store_map: StoreMap
    section_ids: dict[tuple[int, str], int]


@dataclass(frozen=True, slots=True)
class StillBuilding:
    """No map of this store is ready yet; one will be soon."""


@dataclass(frozen=True, slots=True)
class CannotBeWalked:
    """The layout in force is one that no map can be built of."""


@dataclass(frozen=True, slots=True)
class _Built:
    version: int
    store: WalkableStore | CannotBeWalked


class StoreMaps:
    """The newest map of each store. Building never stops other requests."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._built: dict[int, _Built] = {}
        self._was_built = threading.Condition()
        self._looking = threading.Lock()
        self._may_wait = threading.Semaphore(MAX_WAITING)
        self._stopped = False
        self._look_now = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-maps", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._look_now.set()
        with self._was_built:
            self._was_built.notify_all()
        self._thread.join(timeout=0.5)

    def complaint(self) -> str | None:
        """What is wrong with the thread that builds, in words; None: nothing."""
        started = self._thread.ident is not None
        return "store-maps has ended" if started and not self._thread.is_alive() and not self._stopped else None

    def find(self, store_id: int, version: int) -> WalkableStore | CannotBeWalked | StillBuilding:
        """The map of a store whose layout in force has this version.

        A few callers wait for a map that is being built; the others, and those who waited in vain, get the map of
        the version before when there is one.
        """
        if not self._has(store_id, version):
            self._look_now.set()
            self._wait_for(store_id, version)
        built = self._built.get(store_id)
        return built.store if built is not None else StillBuilding()

    def look(self) -> None:
        """Build what is new. Called by the thread; a test may call it."""
        with self._looking:
            with self._pool.connection() as connection:
                versions = list_layout_versions(connection)
            for store_id, version in versions.items():
                if not self._has(store_id, version):
                    self._build(store_id)

    def _has(self, store_id: int, version: int) -> bool:
        built = self._built.get(store_id)
        return built is not None and built.version >= version

    def _wait_for(self, store_id: int, version: int) -> None:
        if not self._may_wait.acquire(blocking=False):
            return
        try:
            with self._was_built:
                self._was_built.wait_for(lambda: self._stopped or self._has(store_id, version), WAIT_FOR_BUILD_S)
        finally:
            self._may_wait.release()

    def _build(self, store_id: int) -> None:
        with self._pool.connection() as connection:
            stored = find_layout(connection, store_id)
            # After the layout: sections of a later import are put right when its version is seen, earlier ones never.
            sections = list_sections(connection, store_id)
        if stored is None:
            return
        store_map = _map_of(store_id, stored.document)
        if isinstance(store_map, StoreMap):
            section_ids = {(section.floor, section.name): section_id for section_id, section in sections.items()}
            built = _Built(stored.version, WalkableStore(store_map, section_ids))
        else:
            built = _Built(stored.version, store_map)
        with self._was_built:
            self._built[store_id] = built
            self._was_built.notify_all()

    def _run(self) -> None:
        while not self._stopped:
            try:
                self.look()
            except psycopg.Error as problem:
                log.warning("layouts_not_read", error=type(problem).__name__)
            except Exception:
                ROUNDS_FAILED.labels("store-maps").inc()
                log.exception("round_failed", rounds="store-maps")
            self._look_now.wait(LOOK_EVERY_S)
            self._look_now.clear()


def _map_of(store_id: int, document: object) -> StoreMap | CannotBeWalked:
    try:
        return build_store_map(parse_layout(document))
    except LayoutError as bad:
        log.error("layout_cannot_be_walked", store_id=store_id, code=bad.code)
    except Exception:
        # One store's plan must not end the thread that builds everybody's.
        log.exception("layout_not_built", store_id=store_id)
    return CannotBeWalked()
