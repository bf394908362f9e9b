"""Lines of the access log are one line each, whatever a request brings."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.serve.door.access_log import AccessEntry, AccessLog, format_entry, open_log_file


def build_entry(path: str = "/", agent: str | None = None) -> AccessEntry:
    return AccessEntry("2026-01-02T03:04:05.000Z", "id", "GET", path, "127.0.0.1", agent=agent)


@given(st.text(), st.text())
def test_a_line_is_printable_ascii_and_reads_back(path: str, agent: str) -> None:
    line = format_entry(build_entry(path, agent))
    assert line.endswith("\n")
    assert all(" " <= char <= "~" for char in line[:-1])
    row = json.loads(line)
    assert (row["path"], row["agent"]) == (path[:1024], agent[:1024])


def test_a_long_path_is_cut() -> None:
    assert len(format_entry(build_entry("/" + "x" * 60_000))) < 2_000


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    AccessLog(stream).write(build_entry())
    AccessLog(None).write(build_entry())
    full = Path("/dev/full").open("w")  # noqa: SIM115 -- closing it fails as well
    AccessLog(full).write(build_entry())
    assert not full.closed
    with pytest.raises(OSError, match="No space"):
        full.close()


def test_a_log_file_is_its_owners_and_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "access.jsonl"
    for name in ("/a", "/b"):
        with open_log_file(path) as stream:
            AccessLog(stream).write(build_entry(name))
    assert [json.loads(line)["path"] for line in path.read_text().splitlines()] == ["/a", "/b"]
    assert path.stat().st_mode & 0o777 == 0o600
