"""Files read line by line, however large and however broken: gzip or plain, UTF-8 or another encoding."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from services.operations.refusals import FileRefused, RowRefused

# The longest records of Open Food Facts' full export are about 1 MB.
MAX_LINE_BYTES = 8 * 2**20
_GZIP_MAGIC = b"\x1f\x8b"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its number from 1. `consumed` is how many bytes of the file were read so far."""

    number: int
    raw: bytes
    consumed: int
    encoding: str = "utf-8"

    def shown(self) -> str:
        """The beginning of the line for a report, with signs in place of what cannot be read."""
        return self.raw[:4096].decode(self.encoding, errors="replace").rstrip("\r\n")

    def text(self) -> str:
        """The line without its end; raises RowRefused."""
        if len(self.raw) > MAX_LINE_BYTES:
            raise RowRefused("line_too_long", f"more than {MAX_LINE_BYTES} bytes")
        try:
            return self.raw.decode(self.encoding).rstrip("\r\n")
        except UnicodeDecodeError as error:
            place = f"byte {error.start + 1} of the line is not {self.encoding.upper()}"
            raise RowRefused("encoding", f"{place}; another encoding is named by --encoding") from None


def read_lines(path: Path, encoding: str = "utf-8") -> Iterator[Line]:
    """Every line of a file that is not blank; a byte order mark is taken off. Raises FileRefused."""
    try:
        with path.open("rb") as file:
            yield from _lines(file, path, encoding)
    except OSError as problem:
        raise FileRefused(f"{path}: {problem.strerror or problem}") from None
    except (EOFError, zlib.error) as problem:
        raise FileRefused(f"{path}: the compressed file is damaged: {problem}") from None


def _lines(file: BinaryIO, path: Path, encoding: str) -> Iterator[Line]:
    is_gzip = file.read(2) == _GZIP_MAGIC
    file.seek(0)
    content: BinaryIO = gzip.GzipFile(fileobj=file) if is_gzip else file  # type: ignore[assignment]
    number = 0
    # One byte more than allowed shows that a line is too long; the rest of it is skipped.
    while raw := content.readline(MAX_LINE_BYTES + 1):
        number += 1
        if number == 1:
            if raw.startswith(_UTF16_MARKS):
                raise FileRefused(f"{path}: the file is UTF-16; save it as UTF-8")
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        end = raw
        while len(end) > MAX_LINE_BYTES and not end.endswith(b"\n"):
            end = content.readline(MAX_LINE_BYTES + 1)
        if raw.strip():
            yield Line(number, raw, file.tell(), encoding)
