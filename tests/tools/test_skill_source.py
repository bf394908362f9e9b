"""What a skill is installed from: folders, files and archives, hostile ones among them."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.errors import FileUnreadable, HiveloomError, SourceUnusable
from hiveloom_cli.tools import skill_source
from hiveloom_cli.tools.beneath import parse_steps
from hiveloom_cli.tools.skill import MOST_TEXT, SKILL_FILE
from hiveloom_cli.tools.skill_source import load_source
from tests.support.skills import NOTES, build_archive, build_text, write_skill

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"SKILL.md": NOTES, "references/style.md": "Be short.\n"}


def put(tmp_path: Path, content: bytes, name: str = "a.skill") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def list_files(path: Path) -> dict[str, bytes]:
    return {file.path: file.content for file in load_source(path).files}


EXPECTED = {path: content.encode() for path, content in FILES.items()}


def test_a_folder_is_read_without_litter_and_under_its_own_name(tmp_path: Path) -> None:
    root = write_skill(tmp_path, NOTES, FILES | {".git/config": "x", "a/.DS_Store": "x"})
    root = root.rename(tmp_path / "release-notes-main")
    (root / "run.sh").write_text("exit")
    (root / "run.sh").chmod(0o755)
    source = load_source(root)
    assert source.skill.name == "release-notes"
    assert {file.path: file.is_executable for file in source.files} == {
        "SKILL.md": False,
        "references/style.md": False,
        "run.sh": True,
    }


def test_a_file_alone_brings_nothing_that_lies_beside_it(tmp_path: Path) -> None:
    root = write_skill(tmp_path, NOTES, {"private.txt": "mine"})
    assert list_files(root / "SKILL.md") == {"SKILL.md": NOTES.encode()}


def test_what_is_given_may_be_a_link(tmp_path: Path) -> None:
    root = write_skill(tmp_path / "kept", NOTES, FILES)
    archive = put(tmp_path / "kept", build_archive(FILES))
    for name, target in (("folder", root), ("file", archive)):
        (tmp_path / name).symlink_to(target)
        assert list_files(tmp_path / name) == EXPECTED


def test_links_that_stay_inside_become_what_they_lead_to(tmp_path: Path) -> None:
    root = write_skill(tmp_path, NOTES, FILES)
    (root / "style.md").symlink_to("references/style.md")
    assert list_files(root)["style.md"] == b"Be short.\n"


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("../secret", "“x” is a link that leads out of the folder"),
        ("/etc/passwd", "“x” is a link that leads out of the folder"),
        ("references", "“x” is a folder"),
        ("x", "“x” leads through too many links"),
    ],
)
def test_a_link_that_leads_out_or_nowhere_is_refused(
    tmp_path: Path, target: str, problem: str
) -> None:
    root = write_skill(tmp_path, NOTES, FILES)
    (tmp_path / "secret").write_text("mine")
    (root / "x").symlink_to(target)
    with pytest.raises(SourceUnusable) as caught:
        load_source(root)
    assert caught.value.message == f"{root}: {problem}"


def test_a_link_to_nothing_is_told_with_its_path(tmp_path: Path) -> None:
    root = write_skill(tmp_path)
    (root / "x").symlink_to("none")
    with pytest.raises(FileNotFoundError) as caught:
        load_source(root)
    assert caught.value.filename == f"{root}/x"


@pytest.mark.parametrize(
    ("name", "problem"),
    [("pipe", "“pipe” is no plain file"), ("back\\slash", "a character that no path here has")],
)
def test_what_is_no_plain_file_is_refused(tmp_path: Path, name: str, problem: str) -> None:
    root = write_skill(tmp_path)
    os.mkfifo(root / name)
    with pytest.raises(SourceUnusable, match=r"plain|character") as caught:
        load_source(root)
    assert problem in caught.value.message


def test_what_is_no_skill_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    put(tmp_path, NOTES.encode(), "notes.md")
    put(tmp_path, b"PK\x05\x06" + bytes(18), "empty.zip")
    for name, problem in (
        ("empty", "no SKILL.md in it"),
        ("pipe", "“pipe” is no plain file"),
        ("notes.md", "no skill"),
        ("empty.zip", "no skill"),
    ):
        with pytest.raises(SourceUnusable, match=problem):
            load_source(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        load_source(tmp_path / "none")


def test_a_broken_skill_is_refused_with_the_line(tmp_path: Path) -> None:
    root = write_skill(tmp_path, "---\nname: a\n---\n")
    with pytest.raises(FileUnreadable, match=r"SKILL\.md:1: `description` is missing"):
        load_source(root)
    archive = put(tmp_path, build_archive({"a/SKILL.md": "---\nname: A\n---\n"}))
    with pytest.raises(FileUnreadable, match=r"a\.skill/SKILL\.md:2: `name`"):
        load_source(archive)
    with pytest.raises(FileUnreadable, match="not UTF-8 text"):
        load_source(put(tmp_path, b"\xff", "SKILL.md"))


def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_skill(tmp_path, build_text("a", body="x" * MOST_TEXT))
    with pytest.raises(SourceUnusable, match=r"SKILL\.md: 100,0.. bytes, of 100,000 at most"):
        load_source(root)
    with (root / "huge").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(SourceUnusable, match="“huge” is too large"):
        load_source(root)
    monkeypatch.setattr(skill_source, "MOST_FILES", 2)
    root = write_skill(tmp_path, NOTES, {"a": "", "b": ""})
    with pytest.raises(SourceUnusable, match="more than 2 files and 20 MB"):
        load_source(root)


@pytest.mark.parametrize("top", ["", "release-notes/", "some-folder-main/"])
def test_an_archive_is_read_with_or_without_a_folder_around(tmp_path: Path, top: str) -> None:
    litter = {"__MACOSX/._SKILL.md": "x", f"{top}.DS_Store": "x"}
    files = {f"{top}{path}": content for path, content in FILES.items()}
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        archive = build_archive(litter | files, compression=compression)
        assert list_files(put(tmp_path, archive, "a.zip")) == EXPECTED


def test_an_archive_keeps_what_may_be_executed(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("SKILL.md", NOTES)
        entry = zipfile.ZipInfo("run.sh")
        entry.external_attr = (stat.S_IFREG | 0o4777) << 16
        archive.writestr(entry, "exit")
    source = load_source(put(tmp_path, stream.getvalue()))
    assert [file.is_executable for file in source.files] == [False, True]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"../evil": "x"}, "“../evil” has a “..”"),
        ({"a/../../evil": "x"}, "has a “..”"),
        ({"/etc/cron.d/evil": "x"}, "is an absolute path"),
        ({"C:/evil": "x"}, "is an absolute path"),
        ({"..\\evil": "x"}, "a character that no path here has"),
        ({"a\nb": "x"}, "a character that no path here has"),
        ({"skill.md": "x"}, "“SKILL.md” is there twice"),
        ({"a": "x", "A": "x"}, "“A” is there twice"),
        ({"a": "x", "a/b": "x"}, "“a” is both a file and a folder"),
        ({"SKILL.md/x": "x"}, "“skill.md” is both a file and a folder"),
        ({f"f{number}": "" for number in range(1001)}, "more than 1,000 files"),
    ],
)
def test_a_hostile_archive_is_refused(tmp_path: Path, files: dict[str, str], problem: str) -> None:
    with pytest.raises(SourceUnusable) as caught:
        load_source(put(tmp_path, build_archive(files | {"SKILL.md": NOTES})))
    assert problem in caught.value.message


@pytest.mark.parametrize("name", [b"\0abc", b"./..", b"./.\n", b"////"])
def test_a_file_without_a_name_is_refused_or_passed_by(tmp_path: Path, name: bytes) -> None:
    archive = build_archive({"SKILL.md": NOTES, "@@@@": "x"}, compression=zipfile.ZIP_STORED)
    path = put(tmp_path, archive.replace(b"@@@@", name))
    if name.endswith(b"/"):
        assert list_files(path) == {"SKILL.md": NOTES.encode()}
    else:
        with pytest.raises(SourceUnusable, match=r"a “\.\.”|no path here has"):
            load_source(path)


def test_an_archive_of_several_skills_is_refused(tmp_path: Path) -> None:
    several = build_archive({"a/SKILL.md": NOTES, "b/SKILL.md": NOTES})
    with pytest.raises(SourceUnusable, match="more than one skill in it"):
        load_source(put(tmp_path, several))
    with pytest.raises(SourceUnusable, match=r"no SKILL\.md in it"):
        load_source(put(tmp_path, build_archive({"a/b/SKILL.md": NOTES})))


def build_special(name: str, *, mode: int = 0, compression: int = 8, flags: int = 0) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("SKILL.md", NOTES)
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        entry.compress_type = compression
        archive.writestr(entry, "../secret")
        archive.filelist[-1].flag_bits |= flags
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (build_special("link", mode=stat.S_IFLNK | 0o777), "“link” is a link"),
        (build_special("x", compression=zipfile.ZIP_BZIP2), "“x” is packed in an unusual way"),
        (build_special("x", flags=1), "“x” is encrypted"),
    ],
)
def test_links_and_what_cannot_be_read_in_an_archive_are_refused(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    with pytest.raises(SourceUnusable, match=problem):
        load_source(put(tmp_path, content))


def test_a_bomb_is_unpacked_no_further_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = build_archive({"SKILL.md": NOTES, "bomb": bytes(skill_source.MOST_BYTES + 1)})
    assert len(bomb) < 100_000
    with pytest.raises(SourceUnusable, match="unpacked, it is more than 20 MB"):
        load_source(put(tmp_path, bomb))
    monkeypatch.setattr(skill_source, "MOST_BYTES", 1000)
    many = build_archive({"SKILL.md": NOTES} | {f"f{n}": bytes(100) for n in range(20)})
    with pytest.raises(SourceUnusable, match=r"too large|more than"):
        load_source(put(tmp_path, many))


def test_an_archive_that_lies_about_a_size_is_refused(tmp_path: Path) -> None:
    content = bytearray(build_archive({"SKILL.md": NOTES}))
    place = content.index(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", 5)
    with pytest.raises(SourceUnusable, match="the archive is broken"):
        load_source(put(tmp_path, bytes(content)))


def test_an_archive_too_large_to_look_at_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, build_archive(FILES))
    with path.open("r+b") as file:
        file.truncate(10**11)
    with pytest.raises(SourceUnusable, match="is too large"):
        load_source(path)


@given(st.data())
def test_any_damage_to_an_archive_gives_a_skill_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(build_archive(FILES))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(4, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(4, len(content)) | st.just(len(content)))
    path = put(tmp_path_factory.getbasetemp(), bytes(content[:cut]))
    try:
        source = load_source(path)
    except HiveloomError:
        return
    assert SKILL_FILE in {file.path for file in source.files}
    assert all("/".join(parse_steps(file.path)) == file.path for file in source.files)


@given(st.lists(st.text(min_size=1, max_size=12) | st.sampled_from(["..", "a", "a/b", "/"])))
def test_any_names_in_an_archive_stay_inside(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("SKILL.md", NOTES)
        for name in set(names):
            try:
                archive.writestr(zipfile.ZipInfo(name), "x")
            except ValueError:  # no archive can hold that name
                return
    path = put(tmp_path_factory.getbasetemp(), stream.getvalue())
    try:
        source = load_source(path)
    except SourceUnusable:
        return
    assert all("/".join(parse_steps(file.path)) == file.path for file in source.files)
