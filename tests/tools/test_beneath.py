"""No path, link or swap leads out of a folder."""

from __future__ import annotations

import os
import socket
import threading
from errno import ENAMETOOLONG, ENOENT, ENOTDIR
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.errors import SourceUnusable
from hiveloom_cli.tools import beneath
from hiveloom_cli.tools.beneath import load_beneath, load_pieces, parse_steps

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = b"the secret"
EVER_THERE = {"sub/a.md", "real/a.md", "sub", "link"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder with a file in another, and a secret beside it."""
    folder = tmp_path / "skill"
    (folder / "sub/deeper").mkdir(parents=True)
    (folder / "sub/a.md").write_text("inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a.md").write_bytes(SECRET)
    (tmp_path / "secret").write_bytes(SECRET)
    return folder


@pytest.mark.parametrize("path", ["sub/a.md", "./sub/a.md", "sub//a.md", "sub/./a.md"])
def test_a_file_is_read_however_its_path_is_spelled(root: Path, path: str) -> None:
    assert load_beneath(root, path, 100) == (b"inside", False)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "names no file"),
        (".", "names no file"),
        ("/", "names no file"),
        ("/etc/passwd", "absolute path"),
        ("//sub/a.md", "absolute path"),
        ("C:/Windows/win.ini", "absolute path"),
        ("C:sub", "absolute path"),
        ("..", "has a “..”"),
        ("../secret", "has a “..”"),
        ("sub/../../secret", "has a “..”"),
        ("sub/../sub/a.md", "has a “..”"),
        ("sub/a.md/..", "has a “..”"),
        ("..\\secret", "a character that no path here has"),
        ("sub\\a.md", "a character that no path here has"),
        ("sub/a.md\0.png", "a character that no path here has"),
        ("sub/\ud800", "a character that no path here has"),
        ("a/" * 40, "deeper than 32 folders"),
        ("sub", "is a folder"),
        ("sub/", "is a folder"),
    ],
)
def test_a_path_that_is_none_of_a_file_there_is_refused(
    root: Path, path: str, problem: str
) -> None:
    with pytest.raises(SourceUnusable) as caught:
        load_beneath(root, path, 100)
    assert problem in caught.value.message


@pytest.mark.parametrize("path", ["none.md", "sub/a.md/b", "sub/none/a.md", "%2e%2e/secret", "~"])
def test_what_is_not_there_is_not_found(root: Path, path: str) -> None:
    with pytest.raises((FileNotFoundError, NotADirectoryError)):
        load_beneath(root, path, 100)


@pytest.mark.parametrize(
    "target",
    ["sub/a.md", "./sub/a.md", "sub/../sub/a.md", "sub/deeper/../a.md", "second"],
)
def test_a_link_that_stays_inside_is_followed(root: Path, target: str) -> None:
    (root / "second").symlink_to("sub/a.md")
    (root / "link").symlink_to(target)
    (root / "here").symlink_to(".")
    assert load_beneath(root, "link", 100)[0] == b"inside"
    assert load_beneath(root, "here/here/link", 100)[0] == b"inside"


@pytest.mark.parametrize(
    "target",
    ["../secret", "sub/../../secret", "../skill/sub/a.md", "/etc/passwd", "..", "../outside/a.md"],
)
def test_a_link_that_leads_out_is_refused(root: Path, target: str) -> None:
    (root / "link").symlink_to(target)
    with pytest.raises(SourceUnusable, match="a link that leads out"):
        load_beneath(root, "link", 100)


def test_an_absolute_link_is_refused_also_when_it_comes_back(root: Path) -> None:
    (root / "link").symlink_to(root / "sub/a.md")
    with pytest.raises(SourceUnusable, match="a link that leads out"):
        load_beneath(root, "link", 100)


def test_a_folder_that_is_a_link_out_is_refused(root: Path) -> None:
    (root / "assets").symlink_to("../outside")
    with pytest.raises(SourceUnusable, match="a link that leads out"):
        load_beneath(root, "assets/a.md", 100)


def test_links_in_a_circle_end(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    (root / "c").symlink_to("sub/../" * 300 + "sub/a.md")
    for path in ("a", "c"):
        with pytest.raises(SourceUnusable, match="too many links"):
            load_beneath(root, path, 100)


def test_the_folder_itself_may_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    assert load_beneath(tmp_path / "alias", "sub/a.md", 100)[0] == b"inside"
    assert [piece.path for piece in load_pieces(tmp_path / "alias")] == ["sub/a.md"]


def test_a_pipe_a_socket_and_a_device_are_refused_without_waiting(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(root)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        for name in ("pipe", "socket"):
            with pytest.raises(SourceUnusable, match="no plain file"):
                load_beneath(root, name, 100)
    (root / "null").symlink_to("/dev/zero")
    with pytest.raises(SourceUnusable, match="leads out"):
        load_beneath(root, "null", 100)


def test_what_is_too_large_is_named_with_its_size_and_not_read(root: Path) -> None:
    with (root / "huge").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(SourceUnusable, match="1,000,000,000,000 bytes, of 100 at most"):
        load_beneath(root, "huge", 100)


def count_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_descriptors_are_closed(root: Path) -> None:
    (root / "link").symlink_to("../secret")
    before = count_descriptors()
    for _ in range(50):
        load_beneath(root, "sub/a.md", 100)
        load_pieces(root)
        for path in ("link", "none", "sub", "sub/a.md/x"):
            with pytest.raises((SourceUnusable, OSError)):
                load_beneath(root, path, 100)
    assert count_descriptors() == before


def put_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("../../secret")


def put_absolute_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parents[2] / "secret")


def put_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("swap", [put_link, put_absolute_link, put_pipe])
def test_a_file_that_is_swapped_after_the_look_at_it_is_not_followed(
    root: Path, monkeypatch: pytest.MonkeyPatch, swap: Callable[[Path], None]
) -> None:
    look = os.stat

    def look_and_swap(step: Any, **options: Any) -> os.stat_result:
        status = look(step, **options)
        if step == "a.md":
            swap(root / "sub/a.md")
        return status

    monkeypatch.setattr(os, "stat", look_and_swap)
    with pytest.raises((SourceUnusable, OSError)) as caught:
        load_beneath(root, "sub/a.md", 100)
    assert not isinstance(caught.value, FileNotFoundError)


def test_a_folder_that_is_swapped_on_the_way_is_not_followed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = os.stat

    def look_and_swap(step: Any, **options: Any) -> os.stat_result:
        if step == "a.md":  # the folder above is open by now
            (root / "sub").rename(tmp_path / "moved")
            (root / "sub").symlink_to("../outside")
        return look(step, **options)

    monkeypatch.setattr(os, "stat", look_and_swap)
    assert load_beneath(root, "sub/a.md", 100)[0] == b"inside"


def test_no_swap_at_any_moment_shows_what_is_outside(root: Path, tmp_path: Path) -> None:
    """A folder and a link change places as fast as they can while the file is read."""
    (root / "link").symlink_to("../outside")
    done = threading.Event()
    swaps = 0

    def swap() -> None:
        nonlocal swaps
        while not done.is_set():
            for old, new in (("sub", "real"), ("link", "sub"), ("sub", "link"), ("real", "sub")):
                (root / old).rename(root / new)
            swaps += 1

    thread = threading.Thread(target=swap)
    thread.start()
    read, refused = 0, 0
    try:
        while read < 200 or refused < 200 or swaps < 200:
            try:
                assert load_beneath(root, "sub/a.md", 100)[0] == b"inside"
                read += 1
            except (SourceUnusable, OSError):
                refused += 1
            assert {piece.path for piece in try_list(root)} <= EVER_THERE
    finally:
        done.set()
        thread.join()


def try_list(root: Path) -> list[beneath.Piece]:
    try:
        return load_pieces(root)
    except (SourceUnusable, OSError):
        return []


def test_the_list_has_files_links_and_sizes_and_no_litter(root: Path) -> None:
    (root / "link").symlink_to("sub")
    (root / ".git").mkdir()
    (root / ".git/config").write_text("x")
    (root / "sub/__pycache__").mkdir()
    (root / "sub/__pycache__/a.pyc").write_text("x")
    (root / ".hidden").write_text("12345")
    found = [(piece.path, piece.size, piece.is_plain) for piece in load_pieces(root)]
    assert found == [(".hidden", 5, True), ("link", 3, False), ("sub/a.md", 6, True)]


def test_a_list_without_end_is_refused(root: Path) -> None:
    for number in range(beneath.MOST_FILES + 1):
        (root / f"sub/deeper/{number}").touch()
    with pytest.raises(SourceUnusable, match="more than 1,000 files or folders"):
        load_pieces(root)


def test_folders_without_end_are_refused(root: Path) -> None:
    for number in range(beneath.MOST_FILES + 1):
        (root / f"sub/deeper/{number}").mkdir()
    with pytest.raises(SourceUnusable, match="more than 1,000 files or folders"):
        load_pieces(root)


def test_where_there_are_no_descriptors_of_folders_links_out_are_refused_too(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beneath, "_HAS_DESCRIPTORS", False)
    monkeypatch.setattr(beneath, "_FLAGS", beneath._FLAGS & ~os.O_NOFOLLOW)
    (root / "link").symlink_to("../secret")
    (root / "fine").symlink_to("sub/a.md")
    assert load_beneath(root, "sub/a.md", 100)[0] == b"inside"
    assert load_beneath(root, "fine", 100)[0] == b"inside"
    assert [piece.path for piece in load_pieces(root)] == ["fine", "link", "sub/a.md"]
    with pytest.raises(SourceUnusable, match="a link that leads out"):
        load_beneath(root, "link", 100)


_STEPS = st.sampled_from(["..", ".", "", "sub", "a.md", "link", "out", "/", "\\", "C:", "secret"])


@given(st.lists(_STEPS, max_size=8).map("/".join) | st.text(max_size=40))
def test_any_path_gives_what_is_inside_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, path: str
) -> None:
    top = tmp_path_factory.getbasetemp() / "any"
    root = top / "skill"
    if not root.exists():
        (root / "sub").mkdir(parents=True)
        (root / "sub/a.md").write_text("inside")
        (root / "link").symlink_to("sub/..")
        (root / "out").symlink_to("..")
        (top / "secret").write_bytes(SECRET)
    try:
        content = load_beneath(root, path, 100)[0]
    except SourceUnusable:
        content = b"inside"
    except OSError as error:
        assert error.errno in (ENOENT, ENOTDIR, ENAMETOOLONG)  # noqa: PT017 -- any of them is right
        content = b"inside"
    assert content == b"inside"


@given(st.text())
def test_steps_never_hold_anything_but_names(path: str) -> None:
    try:
        steps = parse_steps(path)
    except SourceUnusable:
        return
    assert steps
    assert not any(step in ("", ".", "..") or set(step) & {"/", "\\", "\0"} for step in steps)
