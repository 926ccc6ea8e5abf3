"""Entry point of cart-ingest: reads the settings, starts the threads, watches them, stops within 5 s."""

import gc
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable

import structlog

from services.cart_ingest.database import Database, Stopping
from services.cart_ingest.health import serve_health
from services.cart_ingest.housekeeper import Housekeeper
from services.cart_ingest.listener import Listener
from services.cart_ingest.metrics import Metrics
from services.cart_ingest.missing import Missing
from services.cart_ingest.pipeline import Pipeline
from services.cart_ingest.presence_buffer import PresenceBuffer
from services.cart_ingest.publisher import Publisher
from services.cart_ingest.service_client import EX_SOFTWARE
from shared.db.migrate import DatabaseIsNewer, MigrationChanged, require_known_schema
from shared.db.server import require_durable_commits
from shared.logs import configure_logs
from shared.open_files import allow_open_files
from shared.settings import IngestSettings, read_settings, refuse_to_start

log = structlog.get_logger()

CANARY_EVERY_S = 10.0
CANARY_MISSING_S = 30.0  # docs/reliability.md R12
STUCK_S = 30.0  # no statement or confirmation may take this long: each has a timeout of its own
COMMIT_WITHIN_S = 2.5  # of the 5 s that stopping may take: for the batch in hand …
STOP_WITHIN_S = 4.0  # … and, counted from the start as well, for goodbyes; the rest is the interpreter's
# Python looks for circles of garbage whenever 700 objects are new; a batch makes tens of thousands and no circle. It
# took a fifth of the worker's time (measured).
GARBAGE_AFTER_OBJECTS = 200_000


def main() -> None:
    """Run until SIGTERM or SIGINT; a second signal ends at once."""
    settings = read_settings(IngestSettings)
    configure_logs("cart-ingest", settings.log_level)
    allow_open_files()
    stopping = threading.Event()
    _stop_on_signals(stopping)
    gc.set_threshold(GARBAGE_AFTER_OBJECTS)
    program = _Program(settings, stopping)
    try:
        program.run()
    except Stopping:
        log.info("ingest_stopped", clean=True)
    except (DatabaseIsNewer, MigrationChanged) as misfit:
        refuse_to_start(str(misfit))
    except Exception:
        log.critical("ingest_failed", exc_info=True)
        sys.exit(EX_SOFTWARE)


class _Program:
    """All parts of one worker, wired."""

    def __init__(self, settings: IngestSettings, stopping: threading.Event) -> None:
        self._settings = settings
        self._stopping = stopping
        self._threads: list[threading.Thread] = []
        self._metrics = metrics = Metrics()
        password = settings.mqtt_service_password.get_secret_value()
        ca_file = str(settings.mqtt_ca_file) if settings.mqtt_ca_file else None
        self.publisher = Publisher(
            url=settings.mqtt_url,
            name=settings.ingest_name.replace("ingest", "publisher"),
            password=password,
            ca_file=ca_file,
            database_url=settings.database_url,
            currency=settings.currency,
            metrics=metrics,
            stopping=stopping,
        )
        self.listener = Listener(
            url=settings.mqtt_url,
            name=settings.ingest_name,
            password=password,
            ca_file=ca_file,
            share=settings.ingest_share,
            inbox_max=settings.inbox_max,
            metrics=metrics,
            on_forgetful_broker=self.publisher.say_everything_again,
        )
        self._presence = PresenceBuffer(metrics)
        missing = Missing(self.listener, metrics)
        self.pipeline = Pipeline(
            name=settings.ingest_name,
            listener=self.listener,
            database=self._database("worker"),
            presence=self._presence,
            missing=missing,
            metrics=metrics,
            batch_max=settings.batch_max,
            on_change=self.publisher.tell,
            stopping=stopping,
        )
        self.housekeeper = Housekeeper(
            database=self._database("housekeeper"),
            presence=self._presence,
            missing=missing,
            metrics=metrics,
            gap_timeout_s=settings.gap_timeout_s,
            session_idle_s=settings.session_idle_s,
            pairing_rotate_s=settings.pairing_rotate_s,
            dead_letter_days=settings.dead_letter_days,
            on_change=self.publisher.wake,
            stopping=stopping,
            round_s=settings.telemetry_flush_s,
        )

    def run(self) -> None:
        settings = self._settings
        serve_health(settings.ingest_http_host, settings.ingest_http_port, self._metrics.registry, self._complaints)
        database = self._database("start-up check")
        database.run(require_known_schema)
        database.run(require_durable_commits)
        database.close()
        worker = self._start("worker", self.pipeline.run)
        others = [self._start("publisher", self.publisher.run), self._start("housekeeper", self.housekeeper.run)]
        self.listener.start()
        log.info("ingest_started", name=settings.ingest_name)
        self._watch()
        asked_s = time.monotonic()
        worker.join(COMMIT_WITHIN_S)
        self.listener.stop(within_s=1.0)
        for thread in others:
            thread.join(max(0.0, asked_s + STOP_WITHIN_S - time.monotonic()))
        log.info("ingest_stopped", clean=not any(thread.is_alive() for thread in (worker, *others)))

    def _database(self, part: str) -> Database:
        name = f"{self._settings.ingest_name} {part}"
        return Database(self._settings.database_url, name, self._stopping, self._metrics)

    def _watch(self) -> None:
        """Send canaries until asked to stop; silence that nobody notices is the worst failure."""
        nonce = secrets.token_hex(8)
        count = 0
        next_canary_s = time.monotonic()
        while not self._stopping.wait(0.5):
            now_s = time.monotonic()
            if now_s >= next_canary_s:
                count += 1
                next_canary_s = now_s + CANARY_EVERY_S
                self.listener.send_canary(count, nonce)
            if now_s - self.publisher.took_a_breath_s > STUCK_S:
                _die("publisher_stuck")
            if self.listener.silent_for_s > CANARY_MISSING_S:
                _die("canary_missing")

    def _complaints(self) -> list[str]:
        found = []
        if not self.listener.is_connected:
            found.append("not connected to the broker")
        if not self.publisher.is_connected:
            found.append("publisher not connected to the broker")
        if time.monotonic() - self.pipeline.took_a_breath_s > 15:
            found.append("the worker waits for the database")
        if time.monotonic() - self.publisher.took_a_breath_s > 15:
            found.append("the publisher waits for the database or the broker")
        found += self.housekeeper.chores.complaints()
        found += [f"the thread {thread.name} has ended" for thread in self._threads if not thread.is_alive()]
        return found

    def _start(self, name: str, run: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                run()
            except BaseException:
                log.critical("thread_failed", thread=name, exc_info=True)
                os._exit(EX_SOFTWARE)

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        thread.start()
        self._metrics.threads.labels(name).set_function(thread.is_alive)
        self._threads.append(thread)
        return thread


def _die(event: str) -> None:
    log.critical(event)
    os._exit(EX_SOFTWARE)


def _stop_on_signals(stopping: threading.Event) -> None:
    def stop(number: int, _frame: object) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


if __name__ == "__main__":
    main()
