"""What a stack's folder refuses, each in one line: lost or damaged secrets, folders it cannot use, another pepper."""

import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from services.gateway.pepper import WRONG_PEPPER, find_wrong_pepper
from services.gateway.phones import PhoneVault
from services.stack import server_user
from services.stack.child import end, spawn
from services.stack.errors import StackFailed
from services.stack.folder import StackFolder, secret_names
from services.stack.postgres import Cluster, prepare_cluster, server_command, wait_until_answers
from shared.db.pepper import give_up_old_pepper
from shared.db.shoppers import upsert_shopper
from tests.journeys.stack import own_environment

OLD, NEW = "the-pepper-of-old-00000000000000000", "another-pepper-0000000000000000000"


@pytest.fixture
def folder(stack_dir: Path) -> StackFolder:
    made = StackFolder.at(stack_dir / "stack")
    made.make()
    return made


def with_cluster(folder: StackFolder) -> StackFolder:
    (folder.root / "postgres").mkdir()
    (folder.root / "postgres" / "PG_VERSION").write_text("18\n")
    return folder


def up(folder: Path) -> "subprocess.CompletedProcess[str]":
    ports = ("--http-port", "0", "--mqtt-port", "0", "--ws-port", "0")
    return subprocess.run(
        [sys.executable, "-m", "services.cli", "--data", str(folder), "up", *ports],
        env=own_environment(), capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_a_new_stack_gets_secrets_and_keeps_them(folder: StackFolder) -> None:
    made = folder.secrets()
    assert made.keys() == set(secret_names())
    assert folder.secrets() == made


def test_lost_secrets_beside_a_database_stop_the_stack_in_one_line_that_says_how_to_go_on(folder: StackFolder) -> None:
    ended = up(with_cluster(folder).root)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "secrets.json is lost" in ended.stderr
    assert "--new-secrets" in ended.stderr
    assert not folder.secrets_file.exists()


def test_a_secret_that_a_newer_build_needs_is_added_to_those_of_an_older_one(folder: StackFolder) -> None:
    folder.secrets_file.write_text(json.dumps({"CODE_PEPPER": OLD}))
    kept = with_cluster(folder).secrets()
    assert kept["CODE_PEPPER"] == OLD
    assert kept.keys() >= set(secret_names())


@pytest.mark.parametrize("written", [b"", b"{", b"[]", b'{"CODE_PEPPER": 5}', b'{"CODE_PEPPER": ""}', b"\xff\xfe{"])
def test_a_damaged_file_of_secrets_is_told_in_one_line_and_left_as_it_is(folder: StackFolder, written: bytes) -> None:
    folder.secrets_file.write_bytes(written)
    with pytest.raises(StackFailed, match="is damaged") as refused:
        folder.secrets()
    assert "\n" not in str(refused.value)
    assert folder.secrets_file.read_bytes() == written


def test_secrets_that_are_a_folder_are_told_in_one_line(folder: StackFolder) -> None:
    folder.secrets_file.mkdir()
    with pytest.raises(StackFailed, match="cannot be read: Is a directory"):
        folder.secrets()


def test_a_data_folder_that_is_a_file_is_told_with_the_real_reason(stack_dir: Path) -> None:
    (stack_dir / "file").write_text("")
    for place in (stack_dir / "file", stack_dir / "file" / "below"):
        ended = up(place)
        assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
        assert "File exists" in ended.stderr or "Not a directory" in ended.stderr


def test_a_folder_that_cannot_be_written_to_is_told_with_the_real_reason() -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("needs a folder that takes no files from anybody")
    ended = up(Path("/proc/self"))
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert "cannot be" in ended.stderr


@pytest.fixture
def marked_url(database_url: str) -> str:
    """A database with one shopper, known under OLD."""
    vault = PhoneVault(OLD)
    assert find_wrong_pepper(database_url, OLD) is None
    with psycopg.connect(database_url) as tx:
        upsert_shopper(tx, vault.hash_number("+4915550001"), vault.seal_number("+4915550001"))
    return database_url


def test_a_gateway_with_another_pepper_does_not_start(marked_url: str) -> None:
    assert find_wrong_pepper(marked_url, OLD) is None
    assert find_wrong_pepper(marked_url, NEW) == WRONG_PEPPER
    assert find_wrong_pepper(marked_url, OLD) is None
    ended = subprocess.run(
        [sys.executable, "-m", "services.gateway"],
        env={**own_environment(), "DATABASE_URL": marked_url, "CODE_PEPPER": NEW, "HTTP_PORT": "0"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 78
    assert [line for line in ended.stderr.splitlines() if WRONG_PEPPER in line] == ended.stderr.splitlines()


def test_a_database_from_before_the_mark_is_known_by_its_last_number(marked_url: str) -> None:
    with psycopg.connect(marked_url) as tx:
        tx.execute("DELETE FROM pepper_mark")
    assert find_wrong_pepper(marked_url, NEW) == WRONG_PEPPER
    assert find_wrong_pepper(marked_url, OLD) is None


def test_where_nobody_is_known_any_pepper_will_do(database_url: str) -> None:
    assert find_wrong_pepper(database_url, OLD) is None
    assert find_wrong_pepper(database_url, NEW) is None


def test_whoever_gives_up_the_old_pepper_may_go_on_with_another(marked_url: str) -> None:
    give_up_old_pepper(marked_url, NEW)
    assert find_wrong_pepper(marked_url, NEW) is None
    assert find_wrong_pepper(marked_url, OLD) == WRONG_PEPPER


def test_as_root_nothing_above_the_stacks_own_folder_is_changed(stack_dir: Path) -> None:
    above = stack_dir / "private"
    above.mkdir(mode=0o700)
    cluster = Cluster(above / "stack" / "postgres", above / "stack" / "socket")
    (above / "stack").mkdir(mode=0o700)
    prepare_cluster(cluster)
    server = spawn(server_command(cluster), stack_dir / "log", death_signal=signal.SIGQUIT)
    try:
        wait_until_answers(cluster, server)
    finally:
        end(server, sent=signal.SIGQUIT, within_s=10)
    assert stat.S_IMODE(above.stat().st_mode) == 0o700
    assert (cluster.data_dir / "PG_VERSION").exists()


def test_binaries_that_the_servers_user_cannot_reach_are_copied_and_left_as_they_are(
    stack_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_user, "_COPIES", stack_dir / "copies")
    closed = stack_dir / "closed"
    installed = closed / "package" / "install" / "bin"
    installed.mkdir(parents=True)
    (installed / "postgres").write_text("the server")
    (installed / "postgres").chmod(0o700)
    closed.chmod(0o700)
    assert server_user.reachable_binaries(installed, None) == installed
    copied = server_user.reachable_binaries(installed, "pgserver")
    assert copied.is_relative_to(stack_dir / "copies")
    assert stat.S_IMODE((copied / "postgres").stat().st_mode) == 0o755
    assert server_user.reachable_binaries(installed, "pgserver") == copied
    assert (stat.S_IMODE(closed.stat().st_mode), list(closed.iterdir())) == (0o700, [closed / "package"])
