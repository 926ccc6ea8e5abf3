"""The console's calls against generated requests: nothing of 500 or above, and the cookie is never ignored."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from services.gateway.console.staff import CONSOLE_HEADER
from services.gateway.openapi import print_openapi
from tests.integration.gateway.operators import log_in
from tests.integration.gateway.shop import Shop
from tests.integration.gateway.test_schemathesis import CHECKS, CONFIG

PER_OPERATION = os.environ.get("SMARTCART_SCHEMATHESIS_CASES", "15")


@pytest.mark.timeout(300)
def test_generated_requests_of_an_operator_break_nothing(shared_shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(print_openapi(), encoding="utf-8")
    manager = log_in(shared_shop, "mia", "manager")
    # Not as a fixed header: the tool has to be able to leave the cookie out.
    cookie = f'[auth.openapi.operator]\napi_key = "{manager.token}"\n'
    (tmp_path / "schemathesis.toml").write_text(cookie + CONFIG, encoding="utf-8")
    options = [
        *("--config-file", "schemathesis.toml", "run", "openapi.json", "--url", str(shared_shop.client.base_url)),
        *("--header", f"{CONSOLE_HEADER}: 1"),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", PER_OPERATION),
        *("--seed", "7", "--no-shrink", "--warnings", "off", "--suppress-health-check", "all"),
        # Logging in is slow on purpose; logging out would end every later call.
        *("--include-path-regex", "^/console/", "--exclude-path-regex", "/log(in|out)$"),
    ]
    done = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated is not None
    assert int(generated[1]) > 300
