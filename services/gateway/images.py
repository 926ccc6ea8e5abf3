"""Product images: plain file names in one folder, of a few harmless types."""

import re
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}\.(png|jpg|jpeg|webp|avif|gif)")
_MEDIA_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "gif": "image/gif",
}


@dataclass(frozen=True, slots=True)
class Image:
    """A file to be sent."""

    path: Path
    media_type: str


def find_image(folder: Path | None, name: str) -> Image | None:
    """The image of this name; None for any name or link that leads out of the folder."""
    shaped = _NAME.fullmatch(name)
    if folder is None or shaped is None:
        return None
    root = folder.resolve()
    path = (root / name).resolve()
    if path.parent != root or not path.is_file():
        return None
    return Image(path, _MEDIA_TYPES[shaped[1]])
