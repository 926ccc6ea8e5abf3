"""The pages' files: read once, compressed once, known by their content's hash. Nothing else in the folder is served."""

import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
SERVED_FOLDERS = ("app", "console", "shell")
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_PACKED_ALREADY = (".png",)


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file as it is sent. `packed` is None when compressing would not make it smaller."""

    media_type: str
    content: bytes
    packed: bytes | None
    tag: str


@cache
def page_files() -> dict[str, PageFile]:
    """Every served file by its path below the host, for example `app/main.js`."""
    files = {
        path.relative_to(FOLDER).as_posix(): _page_file(path.suffix, path.read_bytes())
        for folder in SERVED_FOLDERS
        for path in sorted((FOLDER / folder).rglob("*"))
        if path.suffix in MEDIA_TYPES
    }
    return files | {"app/files.js": _list_for_the_service_worker(files)}


def _page_file(suffix: str, content: bytes) -> PageFile:
    # mtime=0: the same file gives the same bytes in every process.
    packed = None if suffix in _PACKED_ALREADY else gzip.compress(content, 9, mtime=0)
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    return PageFile(MEDIA_TYPES[suffix], content, packed if packed and len(packed) < len(content) else None, tag)


def _list_for_the_service_worker(files: dict[str, PageFile]) -> PageFile:
    """What the service worker keeps. A browser installs it anew when this text changes, so it names every content."""
    kept = {name: file for name, file in files.items() if name != "app/sw.js" and not name.startswith("console/")}
    version = hashlib.sha256("".join(file.tag for file in kept.values()).encode()).hexdigest()[:20]
    paths = ["/app/", *(f"/{name}" for name in kept if name != "app/index.html")]
    return _page_file(".js", f"self.SHELL = {json.dumps({'version': version, 'paths': paths})};\n".encode())
