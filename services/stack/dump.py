"""Runs pg_dump and pg_restore, which carry a database from one server to another of the same or a newer version.

Nothing secret is in their arguments: the address is handed over in the variables that libpq reads.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from psycopg.pq import Conninfo

from services.stack.errors import PostgresFailed
from services.stack.postgres import find_tool

# Its rows are in the manifest: until they are there, no program of ours starts on restored tables.
LEFT_OUT = "schema_migration"
_LOCK_WITHIN_MS = 30_000
_LOOK_EVERY_S = 0.2
_COMPLAINT_MAX = 400


def dump(database_url: str, target: Path, snapshot: str, progress: Callable[[int], None]) -> None:
    """Write the database as that snapshot sees it; carts go on meanwhile. `progress` gets the bytes written so far.
    Raises PostgresFailed."""
    target.touch(mode=0o600)
    # fmt: off
    arguments = [
        "--format=custom", "--no-owner", "--no-privileges", f"--exclude-table-data={LEFT_OUT}",
        f"--snapshot={snapshot}", f"--lock-wait-timeout={_LOCK_WITHIN_MS}", f"--file={target}",
    ]
    # fmt: on
    _run("pg_dump", arguments, database_url, lambda: progress(target.stat().st_size))


def load(database_url: str, source: Path, progress: Callable[[], None]) -> None:
    """Make everything that the dump holds, or nothing: it is one transaction. Raises PostgresFailed."""
    database = _variables(database_url).get("PGDATABASE", "")
    arguments = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={database}"]
    _run("pg_restore", [*arguments, str(source)], database_url, progress)


def _run(tool: str, arguments: list[str], database_url: str, look: Callable[[], None]) -> None:
    environment = {"PATH": os.defpath, "LC_ALL": "C", **_variables(database_url)}
    with tempfile.TemporaryFile() as said:
        running = subprocess.Popen(
            [str(find_tool(tool)), "--no-password", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            while running.poll() is None:
                look()
                time.sleep(_LOOK_EVERY_S)
            look()
        finally:
            if running.poll() is None:
                running.kill()
            running.wait()
        if running.returncode != 0:
            said.seek(0)
            complaint = " ".join(said.read().decode(errors="replace").split())
            raise PostgresFailed(f"{tool} failed: {complaint[:_COMPLAINT_MAX]}")


def _variables(database_url: str) -> dict[str, str]:
    """PGHOST, PGPASSWORD and so on, for everything that the URL says."""
    given = Conninfo.parse(database_url.encode())
    return {one.envvar.decode(): one.val.decode() for one in given if one.envvar and one.val}
