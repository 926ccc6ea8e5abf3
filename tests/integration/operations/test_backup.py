"""A database carried into an empty one by the commands, and every backup that must not be restored."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from typer.testing import CliRunner

from services.cli import app
from services.stack.errors import BackupRefused, PostgresFailed
from shared.db.restoring import CARTS, RECEIPTS, SHOPPERS, VERSIONS
from shared.db.sessions import CheckedOut, checkout
from tests.builders import NOW, Shop, build_shop, incoming, scan
from tests.integration.db.trips import apply, paid_trip, take_cart

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def shop(database_url: str) -> Shop:
    """Anna has paid; Ben is on a trip with the second cart."""
    shop = build_shop(database_url, carts=2)
    with shop.connect() as tx:
        paid_trip(tx, shop.carts[0], shop.shoppers[0])
        take_cart(tx, shop.carts[1], shop.shoppers[1])
        apply(tx, incoming(shop.carts[1], scan(1)), incoming(shop.carts[1], b"garbage"))
    return shop


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`smartcart` against a database, with a data folder that holds nothing but secrets."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "secrets.json").write_text('{"CODE_PEPPER": "salt"}')

    def run(database_url: str, *arguments: str | Path) -> tuple[int, str]:
        monkeypatch.setenv("DATABASE_URL", database_url)
        monkeypatch.setenv("SMARTCART_DATA", str(data))
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
        return result.exit_code, result.output

    return run


@pytest.fixture
def made(shop: Shop, run: Run, tmp_path: Path) -> Path:
    """A good backup."""
    folder = tmp_path / "backups" / "monday"
    code, said = run(shop.url, "backup", folder)
    assert (code, "2 carts, 2 sessions, 1 orders, 2 shoppers, 2 events" in said) == (0, True), said
    return folder


def one(url: str, question: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def test_an_empty_database_becomes_what_the_backup_holds_and_the_log_folds_to_it(
    shop: Shop, run: Run, made: Path, empty_database_url: str
) -> None:
    code, said = run(empty_database_url, "restore", made)

    assert code == 0, said
    assert "events=2 sessions=2 orders=1 carts=2 differences=0" in said
    for url in (shop.url, empty_database_url):
        assert one(
            url,
            "SELECT (SELECT count(*) FROM product), (SELECT count(*) FROM cart_event),"
            " (SELECT count(*) FROM cart_line), (SELECT count(*) FROM order_line), (SELECT count(*) FROM dead_letter)",
        ) == (3, 2, 2, 1, 1)
    history = "SELECT array_agg(name || digest ORDER BY name) FROM schema_migration"
    assert one(empty_database_url, history) == one(shop.url, history)


def test_only_the_owner_may_read_a_backup_and_its_secrets_are_in_it(made: Path) -> None:
    assert made.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o077 for path in made.iterdir()} == {
        "database.dump": 0,
        "manifest.json": 0,
        "secrets.json": 0,
    }
    assert [path for path in made.parent.iterdir() if path != made] == [], "no draft is left"


def test_accounts_of_mosquitto_are_kept_when_they_are_named(shop: Shop, run: Run, tmp_path: Path) -> None:
    accounts = tmp_path / "dynamic-security.json"
    accounts.write_text('{"clients": []}')
    assert run(shop.url, "backup", tmp_path / "kept", "--dynamic-security", accounts)[0] == 0
    assert (tmp_path / "kept" / "dynamic-security.json").read_text() == accounts.read_text()
    with pytest.raises(BackupRefused, match=r"gone\.json cannot be read"):
        run(shop.url, "backup", tmp_path / "not", "--dynamic-security", tmp_path / "gone.json")
    assert not (tmp_path / "not").exists()


def test_versions_numbers_and_receipts_go_on_above_all_that_was_given_out(
    shop: Shop, run: Run, made: Path, empty_database_url: str
) -> None:
    highest = one(shop.url, "SELECT max(version) FROM cart")
    assert run(empty_database_url, "restore", made)[0] == 0

    with psycopg.connect(empty_database_url) as tx:
        versions = tx.execute("SELECT min(version), bool_and(version > published_version) FROM cart").fetchone()
        assert versions is not None
        assert versions[0] > VERSIONS
        assert versions[0] > highest
        assert versions[1]
        added = tx.execute("INSERT INTO shopper DEFAULT VALUES RETURNING shopper_id").fetchone()
        assert added is not None
        assert added[0] > SHOPPERS
        bought = checkout(tx, shop.shoppers[1], "EUR", NOW)
        assert isinstance(bought, CheckedOut)
        assert bought.receipt_number == RECEIPTS + 2
    assert one(empty_database_url, "SELECT nextval(pg_get_serial_sequence('cart', 'cart_id'))") > CARTS


def test_a_cart_that_went_on_far_beyond_the_window_is_taken_in_again_and_what_is_missing_is_named(
    shop: Shop, run: Run, made: Path, empty_database_url: str
) -> None:
    assert run(empty_database_url, "restore", made)[0] == 0
    first, second = shop.carts
    lost_trip = str(uuid4())
    with psycopg.connect(empty_database_url) as tx:
        far = [scan(50_000, session=lost_trip), scan(50_001, session=lost_trip), scan(50_001)]
        applied = apply(tx, *(incoming(second, event) for event in far), incoming(first, scan(3, epoch=5_000)))
        stranger = apply(tx, incoming(first, scan(2, epoch=4)), incoming(second, scan(49_990)))

    assert applied.outcomes == ("applied", "applied", "duplicate", "applied")
    assert stranger.outcomes == ("stale", "applied"), "an epoch that is over stays over; what was passed over may come"
    calls = "SELECT detail FROM alert WHERE kind = 'gap' ORDER BY cart_id DESC LIMIT 1"
    assert one(empty_database_url, calls) == "events from 1/2 to 1/48999 are younger than the backup"
    assert one(empty_database_url, "SELECT bool_and(incomplete) FROM cart_session WHERE status = 'open'")
    code, said = run(empty_database_url, "replay", "--verify")
    assert code == 0, said


def test_an_open_trip_is_flagged_and_staff_are_called_and_a_paid_one_stays_as_it_was(
    run: Run, made: Path, empty_database_url: str
) -> None:
    assert run(empty_database_url, "restore", made)[0] == 0

    with psycopg.connect(empty_database_url) as tx:
        flagged = tx.execute("SELECT status, incomplete FROM cart_session ORDER BY opened_at, status").fetchall()
        calls = tx.execute("SELECT kind, detail FROM alert WHERE resolved_at IS NULL").fetchall()
    assert sorted(flagged) == [("checked_out", False), ("open", True)]
    assert [kind for kind, _ in calls] == ["gap"]
    assert "restored from the backup of 20" in calls[0][1]


def test_a_log_in_that_ended_after_the_backup_stays_ended(
    shop: Shop, run: Run, tmp_path: Path, empty_database_url: str
) -> None:
    with shop.connect() as tx:
        tx.execute(
            "INSERT INTO refresh_token (token_hash, family_id, shopper_id, issued_at, expires_at)"
            " VALUES ('\\x01', gen_random_uuid(), %s, now(), now() + interval '1 day')",
            (shop.shoppers[0],),
        )
        tx.execute(
            "INSERT INTO otp_challenge (challenge_id, phone_hash, code_hash, sent_at, expires_at, address_hash)"
            " VALUES (gen_random_uuid(), '\\x01', '\\x02', now(), now() + interval '5 min', '\\x03')"
        )
    assert run(shop.url, "backup", tmp_path / "before")[0] == 0
    assert run(empty_database_url, "restore", tmp_path / "before")[0] == 0

    assert one(empty_database_url, "SELECT count(*) FROM refresh_token") == 1
    assert one(empty_database_url, "SELECT count(*) FROM refresh_token WHERE revoked_at IS NULL") == 0
    assert one(empty_database_url, "SELECT count(*) FROM otp_challenge WHERE used_at IS NULL") == 0


def cut(folder: Path) -> None:
    dump = folder / "database.dump"
    dump.write_bytes(dump.read_bytes()[:-7])


def flip(folder: Path) -> None:
    dump = folder / "database.dump"
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)


def other_secrets(folder: Path) -> None:
    (folder / "secrets.json").write_text('{"CODE_PEPPER": "pepp"}')


def in_manifest(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps(manifest | changes))

    return change


NEWER = [{"name": "9999_flying_carts", "digest": "0" * 64, "applied_at": "2030-01-01T00:00:00Z"}]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda folder: (folder / "manifest.json").unlink(), "is no whole backup"),
        (lambda folder: (folder / "database.dump").unlink(), "database.dump cannot be read"),
        (cut, "database.dump is not what was written"),
        (flip, "database.dump is not what was written"),
        (other_secrets, "secrets.json is not what was written"),
        (lambda folder: os.truncate(folder / "manifest.json", 90), "manifest.json is damaged"),
        (in_manifest(format=2), "manifest.json is damaged, or of another program"),
        (in_manifest(files={}), "manifest.json is damaged, or of another program"),
        (in_manifest(migrations=NEWER), "of a newer or another program: it has 9999_flying_carts"),
        (in_manifest(counts={"carts": 3}), "the restored database holds 2 carts"),
    ],
    ids=["no manifest", "no dump", "cut", "flipped", "secrets", "manifest", "format", "files", "newer", "counts"],
)
def test_a_damaged_half_or_foreign_backup_is_refused_and_nothing_starts_on_what_it_left(
    run: Run, made: Path, empty_database_url: str, damage: Callable[[Path], None], why: str
) -> None:
    damage(made)
    with pytest.raises(BackupRefused, match=why):
        run(empty_database_url, "restore", made)
    with psycopg.connect(empty_database_url) as connection:
        row = connection.execute("SELECT to_regclass('schema_migration') IS NULL").fetchone()
        assert row == (True,) or connection.execute("SELECT count(*) FROM schema_migration").fetchone() == (0,)


def test_a_database_that_holds_anything_is_left_alone(run: Run, made: Path, empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("CREATE TABLE somebodys (thing text)")
    with pytest.raises(BackupRefused, match="the database is not empty"):
        run(empty_database_url, "restore", made)


def test_other_secrets_in_the_data_folder_are_not_written_over(
    run: Run, made: Path, tmp_path: Path, empty_database_url: str
) -> None:
    (tmp_path / "data" / "secrets.json").write_text("{}")
    with pytest.raises(BackupRefused, match="holds other secrets than the backup"):
        run(empty_database_url, "restore", made)
    assert one(empty_database_url, "SELECT to_regclass('cart') IS NULL")


def test_a_folder_that_holds_something_is_not_written_into(shop: Shop, run: Run, made: Path) -> None:
    before = sorted(path.name for path in made.iterdir())
    with pytest.raises(BackupRefused, match="is there already"):
        run(shop.url, "backup", made)
    assert sorted(path.name for path in made.iterdir()) == before


def test_a_backup_that_fails_half_way_leaves_nothing_behind(
    shop: Shop, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.stack.dump.LEFT_OUT", "a table (that cannot be")
    with pytest.raises(PostgresFailed, match="pg_dump failed"):
        run(shop.url, "backup", tmp_path / "half" / "one")
    assert list((tmp_path / "half").iterdir()) == []


def test_a_backup_of_an_older_schema_comes_to_this_programs(
    shop: Shop, run: Run, tmp_path: Path, empty_database_url: str
) -> None:
    with shop.connect() as tx:
        tx.execute("ALTER TABLE cart DROP COLUMN restored")
        tx.execute("DELETE FROM schema_migration WHERE name = '0014_restored_carts'")
    assert run(shop.url, "backup", tmp_path / "older")[0] == 0
    code, said = run(empty_database_url, "restore", tmp_path / "older")
    assert code == 0, said
    assert one(empty_database_url, "SELECT bool_and(restored) FROM cart")
