"""A backup as it lies on disk: a folder for its owner only, whose manifest names every file with its size and SHA-256.

It is written under another name and renamed when all of it is on disk; what has no manifest is no backup.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from services.stack.errors import BackupRefused
from services.stack.folder import write_privately
from shared.db.restoring import AppliedMigration

FileName = Literal["database.dump", "secrets.json", "dynamic-security.json"]
DATABASE: FileName = "database.dump"
SECRETS: FileName = "secrets.json"
BROKER_ACCOUNTS: FileName = "dynamic-security.json"
MANIFEST = "manifest.json"
_BLOCK_BYTES = 1 << 20


class Sum(BaseModel):
    """What a file must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int
    sha256: str


class Manifest(BaseModel):
    """What a backup holds. `counts` are rows by what they are; `made_at` is the moment that the database is of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    made_at: datetime
    postgresql: str
    migrations: tuple[AppliedMigration, ...]
    counts: dict[str, int]
    files: dict[FileName, Sum]


@contextmanager
def draft_of(folder: Path) -> Iterator[Path]:
    """A folder beside the one asked for, which gets its name when the block is through, and vanishes when it fails.
    Raises BackupRefused when something is there already."""
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise BackupRefused(f"{folder} is there already; name a folder that is new or empty")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    except OSError as problem:
        raise BackupRefused(f"{folder} cannot be made: {problem.strerror}") from problem
    try:
        yield draft
        for path in (*draft.iterdir(), draft):
            to_disk(path)
        draft.rename(folder)
        to_disk(folder.parent)
    except OSError as problem:
        raise BackupRefused(f"{folder} cannot be written: {problem.strerror}") from problem
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def keep_file(draft: Path, name: FileName, source: Path) -> None:
    """A copy, readable by the owner only. Raises BackupRefused."""
    try:
        write_privately(draft / name, source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise BackupRefused(f"{source} cannot be read: {getattr(problem, 'strerror', 'it is no text')}") from problem


def write_manifest(draft: Path, manifest: Manifest) -> None:
    """The last file of a backup."""
    write_privately(draft / MANIFEST, manifest.model_dump_json(indent=2))


def read_manifest(folder: Path) -> Manifest:
    """Raises BackupRefused when there is none, or none of ours."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError as problem:
        raise BackupRefused(f"{folder} is no whole backup: it has no {MANIFEST}") from problem
    except OSError as problem:
        raise BackupRefused(f"{folder / MANIFEST} cannot be read: {problem.strerror}") from problem
    except ValidationError as problem:
        raise BackupRefused(f"{folder / MANIFEST} is damaged, or of another program") from problem


def check_files(folder: Path, manifest: Manifest, progress: Callable[[int], None]) -> None:
    """Compare every file with its sum; `progress` gets the bytes read so far. Raises BackupRefused naming the file."""
    if DATABASE not in manifest.files:
        raise BackupRefused(f"{folder / MANIFEST} is damaged, or of another program")
    done = 0
    for name, expected in manifest.files.items():
        found = sum_of(folder / name, lambda read, before=done: progress(before + read))  # type: ignore[misc]
        if found != expected:
            raise BackupRefused(f"{folder / name} is not what was written: {found.bytes} of {expected.bytes} bytes")
        done += found.bytes


def sum_of(path: Path, progress: Callable[[int], None] = lambda _: None) -> Sum:
    """Size and SHA-256 of a file. Raises BackupRefused."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                size += len(block)
                progress(size)
    except OSError as problem:
        raise BackupRefused(f"{path} cannot be read: {problem.strerror}") from problem
    return Sum(bytes=size, sha256=digest.hexdigest())


def to_disk(path: Path) -> None:
    """A power cut leaves all of it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
