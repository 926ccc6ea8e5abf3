"""A PostgreSQL that refuses to store events: one code always, and all of them while its disk counts as full."""

import queue
import threading
import time

import psycopg

REFUSALS = """
CREATE FUNCTION refuse_event() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF NEW.code = '{poison}' THEN RAISE EXCEPTION 'poison' USING ERRCODE = 'data_exception'; END IF;
        IF to_regclass('disk_is_full') IS NOT NULL THEN
            RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full';
        END IF;
        RETURN NEW;
    END $$;
CREATE TRIGGER refuse_event BEFORE INSERT ON cart_event FOR EACH ROW EXECUTE FUNCTION refuse_event();
"""
RETRY_S = 0.1


class Disk:
    """Fills and clears in a thread of its own: the server may be dead or stopped just then, and nobody waits for it."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._orders: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._obey, name="disk", daemon=True)
        self._thread.start()

    def fill(self) -> None:
        self._orders.put("CREATE TABLE IF NOT EXISTS disk_is_full ()")

    def clear(self) -> None:
        self._orders.put("DROP TABLE IF EXISTS disk_is_full")

    @property
    def is_busy(self) -> bool:
        """Something was ordered and is not done."""
        return self._orders.unfinished_tasks > 0

    def close(self) -> None:
        """After everything that was ordered."""
        self._orders.put(None)
        self._thread.join(30)

    def _obey(self) -> None:
        while (order := self._orders.get()) is not None:
            while not self._is_done(order):
                time.sleep(RETRY_S)
            self._orders.task_done()

    def _is_done(self, order: str) -> bool:
        try:
            with psycopg.connect(self._url, autocommit=True, connect_timeout=2) as connection:
                connection.execute(order)
        except psycopg.Error:
            return False
        return True
