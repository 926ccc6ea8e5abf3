"""A hostile value stays one line of JSON, and a short one (docs/reliability.md S22)."""

import json
import subprocess
import sys

HOSTILE = ["a\r\nb", "\x1b[31mred", "{}%s%(x)s", '","level":"error', "\u2028\u202e", "x" * 5_000]

PROGRAM = """
import json, logging, sys, structlog
from shared.logs import configure_logs
configure_logs("test")
for value in json.loads(sys.argv[1]):
    structlog.get_logger().warning("happened", value=value)
    logging.getLogger("library").warning("library said %s", value)
"""


def test_whatever_is_logged_each_event_is_one_line_that_parses_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(HOSTILE)], capture_output=True, text=True, timeout=60, check=True
    )
    lines = [json.loads(line) for line in done.stderr.split("\n") if line]
    assert len(lines) == 2 * len(HOSTILE)
    assert [line["value"][:50] for line in lines[::2]] == [value[:50] for value in HOSTILE]
    assert all(len(value) <= 300 for line in lines for value in line.values())
    assert "\x1b" not in done.stderr
