from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.terminal.diff import build_diff

if TYPE_CHECKING:
    from pathlib import Path

LINES = st.lists(st.sampled_from([b"a", b"b\r", b"-- c", b"", b"\xff", b"@@ d"]), max_size=8)
CONTENTS = st.builds(
    lambda lines, end: b"\n".join(lines) + end, LINES, st.sampled_from([b"", b"\n"])
)


def join(old: bytes, new: bytes) -> bytes:
    return b"".join(line + b"\n" for line in build_diff(old, new, "a.md\told", "a.md\tnew"))


def test_equal_contents_have_no_diff() -> None:
    assert join(b"a\n", b"a\n") == b""


def test_a_last_line_without_an_end_is_marked() -> None:
    assert join(b"a", b"a\n") == (
        b"--- a.md\told\n+++ a.md\tnew\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"
    )


def test_a_line_that_looks_like_a_header_is_none() -> None:
    assert join(b"x\n", b"x\n-- a").endswith(b"\n+-- a\n\\ No newline at end of file\n")


@given(CONTENTS, CONTENTS)
def test_a_diff_says_which_lines_there_were_and_are(old: bytes, new: bytes) -> None:
    lines = list(build_diff(old, new, "a", "a"))[2:]
    kept = [line for line in lines if line[:1] in b" +-" and line]
    removed = [line[1:] for line in kept if line[:1] == b"-"]
    added = [line[1:] for line in kept if line[:1] == b"+"]
    assert len(added) - len(removed) == _count(new) - _count(old)
    assert set(removed) <= set(old.split(b"\n"))
    assert set(added) <= set(new.split(b"\n"))


def _count(content: bytes) -> int:
    return content.count(b"\n") + (not content.endswith(b"\n") and bool(content))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"a\nb\nc\n", b"a\nB\nc\nd\n"),
        (b"a\nb", b"a\nb\n"),
        (b"", b"---\nmodel: m\n---\n"),
        (b"gr\xfcn\n", b"gr\xc3\xbcn"),
        (b"one\x0btwo\n\x0c\n", b"one\x0bthree\n\x0c\nx\n"),
    ],
)
def test_patch_takes_a_diff(old: bytes, new: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(old)
    subprocess.run(["patch", "--binary"], input=join(old, new), cwd=tmp_path, check=True)
    assert (tmp_path / "a.md").read_bytes() == new
