"""Structured logs for every program: one JSON object a line on standard error.

An event has a name and keys; control characters are escaped by JSON, and long values are cut, so that a
hostile payload stays one line. Never log a token, a code or a phone number.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

FIELD_MAX = 256  # docs/reliability.md S22: a field's length is capped


def _cut_long_values(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if key != "exception" and isinstance(value, str) and len(value) > FIELD_MAX:
            event[key] = value[:FIELD_MAX] + "…"
    return event


def configure_logs(program: str, level: str = "info") -> None:
    """Send structlog and the standard library's logging to standard error as JSON lines, once per process."""
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _cut_long_values,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(program=program)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _cut_long_values,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.stdlib.add_logger_name,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(threshold)
    for noisy in ("amqtt", "transitions", "httpx", "websockets", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(threshold, logging.WARNING))
