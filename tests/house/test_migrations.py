"""A migration that has landed is never edited: a database that took its old text would differ from a new one."""

from shared.db.migrate import list_migrations
from tests.house.source import ROOT

SUMS = ROOT / "shared/db/migrations/SHA256SUMS"  # as `sha256sum` writes and checks them


def pinned() -> dict[str, str]:
    lines = [line.split("  ") for line in SUMS.read_text(encoding="ascii").splitlines()]
    assert len({name for _, name in lines}) == len(lines), f"{SUMS.name} names a migration twice"
    return {name.removesuffix(".sql"): digest for digest, name in lines}


def test_every_migration_has_the_text_that_was_pinned_when_it_landed() -> None:
    kept = pinned()
    ours = {migration.name: migration.digest for migration in list_migrations()}
    changed = sorted(name for name in ours.keys() & kept.keys() if ours[name] != kept[name])
    assert changed == [], "write another migration instead"
    new = [f"{digest}  {name}.sql" for name, digest in ours.items() if name not in kept]
    assert new == [], f"add these lines to {SUMS.name}"
    assert kept.keys() == ours.keys(), "a migration that landed is gone"


def test_numbers_of_migrations_are_their_own() -> None:
    numbers = [migration.name[:4] for migration in list_migrations()]
    assert len(numbers) > 8
    assert len(set(numbers)) == len(numbers)
