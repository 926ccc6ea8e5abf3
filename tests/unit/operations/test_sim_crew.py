"""Where a simulated fleet finds its one-time codes."""

import json
from pathlib import Path

from services.operations.sim_crew import LoggedCodes


def logged(code: str, ends: str) -> str:
    return json.dumps({"event": "one_time_code", "code": code, "number_ends": ends}) + "\n"


def test_the_newest_code_for_the_end_of_a_number_is_read(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text(logged("000000", "07"))
    codes = LoggedCodes(log)
    codes.forget("+999107")
    assert codes.read("+999107") is None
    with log.open("a") as more:
        more.write(
            "not json one_time_code\n" + logged("111111", "08") + logged("222222", "07") + logged("333333", "07")
        )
    assert codes.read("+999107") == "333333"
    assert codes.read("+999108") == "111111"
    codes.forget("+999107")
    assert codes.read("+999107") is None


def test_a_line_that_is_still_being_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text("")
    codes = LoggedCodes(log)
    line = logged("111111", "07")
    log.write_text(line[:20])
    assert codes.read("+999107") is None
    log.write_text(line)
    assert codes.read("+999107") == "111111"


def test_a_log_that_was_begun_anew_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text("x" * 500 + "\n")
    codes = LoggedCodes(log)
    log.write_text(logged("111111", "07"))
    assert codes.read("+999107") == "111111"
