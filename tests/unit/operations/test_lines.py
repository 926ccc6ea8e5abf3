"""Files are read line by line, whatever is wrong with them."""

import gzip
from pathlib import Path

import pytest

from services.operations.lines import MAX_LINE_BYTES, read_lines
from services.operations.refusals import FileRefused, RowRefused


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_lines_keep_their_numbers_and_lose_their_ends(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", b"\xef\xbb\xbfcode\r\n\n  \nb\xc3\xa9\nlast")
    assert [(line.number, line.text()) for line in read_lines(path)] == [(1, "code"), (4, "bé"), (5, "last")]


def test_a_gzip_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = written(tmp_path / "no-suffix", gzip.compress(b"a\nb\n"))
    lines = list(read_lines(path))
    assert [line.text() for line in lines] == ["a", "b"]
    assert lines[-1].consumed <= path.stat().st_size


def test_bytes_of_another_encoding_are_refused_line_by_line_or_read_when_it_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", b"caf\xe9\nplain\n")
    first, second = read_lines(path)
    with pytest.raises(RowRefused) as refused:
        first.text()
    assert refused.value.reason == "encoding"
    assert "byte 4" in refused.value.detail
    assert second.text() == "plain"
    assert [line.text() for line in read_lines(path, "cp1252")] == ["café", "plain"]


def test_a_line_beyond_all_measure_costs_only_itself(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", b"first\n" + b"x" * (2 * MAX_LINE_BYTES + 10) + b"\nlast\n")
    first, monster, last = read_lines(path)
    assert (first.text(), last.text(), last.number) == ("first", "last", 3)
    with pytest.raises(RowRefused) as refused:
        monster.text()
    assert refused.value.reason == "line_too_long"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(gzip.compress(b"a\n" * 1_000, mtime=0)[:-12], id="cut short"),
        pytest.param(b"\x1f\x8bnot gzip at all", id="not gzip at all"),
        pytest.param("code,name\n".encode("utf-16"), id="another encoding"),
    ],
)
def test_a_damaged_file_is_refused_as_a_whole(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileRefused):
        list(read_lines(written(tmp_path / "a.csv", content)))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=r"none\.csv"):
        list(read_lines(tmp_path / "none.csv"))
