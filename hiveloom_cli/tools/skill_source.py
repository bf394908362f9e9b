"""What a skill is installed from: a folder, a `SKILL.md` alone, or an archive of either.

All of it is read into memory, within limits, before anything of it is shown or written: what the
person agreed to is what is installed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.errors import SourceUnusable
from hiveloom_cli.files import decode_text
from hiveloom_cli.tools.beneath import LITTER, MOST_FILES, load_beneath, load_pieces, parse_steps
from hiveloom_cli.tools.skill import MOST_TEXT, SKILL_FILE, parse_skill

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zipfile import ZipFile, ZipInfo

    from hiveloom_cli.tools.skill import Skill

MOST_BYTES = 20 * 1024 * 1024  # of all files together, and of an archive
_ZIP_MAGIC = b"PK\x03\x04"
_HINT = "give a folder with a SKILL.md, such a file, or a .zip or .skill archive of one"
_HINT_UNPACK = "unpack it, and give the folder"
_LINK, _KINDS = 0o120000, 0o170000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a skill; `path` is from the skill's folder, with `/`."""

    path: str
    content: bytes
    is_executable: bool = False


@dataclass(frozen=True, slots=True)
class SkillSource:
    """A skill that is valid, and all its files, sorted by path; `skill.path` is for messages."""

    skill: Skill
    files: tuple[SourceFile, ...]


def load_source(path: Path) -> SkillSource:
    """Read what a skill is to be installed from. Nothing of it is run.

    Raises `OSError` as the system does, `SourceUnusable` for what is no skill or leads elsewhere,
    and `FileUnreadable` for a broken `SKILL.md`.
    """
    path = path.resolve(strict=True)
    if path.is_dir():
        return _build_source(_load_folder(path), path)
    content, _ = load_beneath(path.parent, path.name, MOST_BYTES)
    if content.startswith(_ZIP_MAGIC):
        return _build_source(_unpack(content, path), path)
    if path.name != SKILL_FILE:
        raise SourceUnusable(f"{path}: no skill", hint=_HINT)
    return _build_source([SourceFile(SKILL_FILE, content)], path.parent)


def _build_source(files: Iterable[SourceFile], path: Path) -> SkillSource:
    found: dict[str, SourceFile] = {}
    size = 0
    for file in files:
        size += len(file.content)
        if size > MOST_BYTES or len(found) == MOST_FILES:
            limits = f"{MOST_FILES:,} files and {MOST_BYTES // 1024**2} MB"
            raise SourceUnusable(f"{path}: more than {limits}, which no skill needs")
        if file.path.casefold() in found:
            raise SourceUnusable(f"{path}: “{file.path}” is there twice")
        found[file.path.casefold()] = file
    _check_folders(found, path)
    first = found.get(SKILL_FILE.casefold())
    if first is None or first.path != SKILL_FILE:
        raise SourceUnusable(f"{path}: no SKILL.md in it", hint=_HINT)
    place = path / SKILL_FILE
    if len(first.content) > MOST_TEXT:
        size = len(first.content)
        raise SourceUnusable(f"{place}: {size:,} bytes, of {MOST_TEXT:,} at most")
    skill = parse_skill(decode_text(first.content, place), place)
    return SkillSource(skill, tuple(sorted(found.values(), key=lambda file: file.path)))


def _check_folders(found: Iterable[str], path: Path) -> None:
    """Refuse a path that goes through a file."""
    folders = {str(above) for name in found for above in Path(name).parents}
    if through := folders.intersection(found):
        raise SourceUnusable(f"{path}: “{min(through)}” is both a file and a folder")


def _load_folder(root: Path) -> Iterator[SourceFile]:
    left = MOST_BYTES
    for piece in load_pieces(root):
        try:
            content, is_executable = load_beneath(root, piece.path, left)
        except SourceUnusable as error:
            raise SourceUnusable(f"{root}: {error.message}", hint=error.hint) from error
        except OSError as error:
            error.filename = str(root / piece.path)  # the system was told its last step alone
            raise
        left -= len(content)
        yield SourceFile("/".join(parse_steps(piece.path)), content, is_executable)


def _unpack(content: bytes, path: Path) -> Iterator[SourceFile]:
    """Yield an archive's files, from the one folder that it may have them in."""
    import io
    import zlib
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(io.BytesIO(content)) as archive:
            entries = list(_list_entries(archive))
            top = _find_top(name for name, _ in entries)
            left = MOST_BYTES
            for name, entry in entries:
                if name.startswith(top):
                    file = _load_entry(archive, name.removeprefix(top), entry, left)
                    left -= len(file.content)
                    yield file
    except SourceUnusable as error:
        raise SourceUnusable(f"{path}: {error.message}", hint=error.hint) from error
    except (
        BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as error:
        raise SourceUnusable(f"{path}: the archive is broken ({error})") from error


def _list_entries(archive: ZipFile) -> Iterator[tuple[str, ZipInfo]]:
    for entry in archive.infolist():
        if entry.orig_filename.endswith("/"):
            continue  # a folder; the library asks in a way that a name without letters breaks
        steps = parse_steps(entry.orig_filename)
        if LITTER.isdisjoint(steps):
            yield "/".join(steps), entry


def _find_top(names: Iterable[str]) -> str:
    """Return what stands before `SKILL.md` in an archive: nothing, or the one folder's name."""
    found = [name for name in names if re.fullmatch(rf"(?:[^/]+/)?{re.escape(SKILL_FILE)}", name)]
    if SKILL_FILE in found:
        return ""
    if len(found) != 1:
        many = "more than one skill" if found else "no SKILL.md"
        raise SourceUnusable(f"{many} in it", hint=_HINT)
    return found[0].removesuffix(SKILL_FILE)


def _load_entry(archive: ZipFile, name: str, entry: ZipInfo, most_bytes: int) -> SourceFile:
    from zipfile import ZIP_DEFLATED, ZIP_STORED

    mode = entry.external_attr >> 16
    if mode & _KINDS == _LINK:
        raise SourceUnusable(f"“{name}” is a link, which no archive of a skill has")
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise SourceUnusable(f"“{name}” is packed in an unusual way", hint=_HINT_UNPACK)
    if entry.flag_bits & 1:
        raise SourceUnusable(f"“{name}” is encrypted", hint=_HINT_UNPACK)
    with archive.open(entry) as opened:
        # Not more than that, whatever the archive says of its size.
        content = opened.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise SourceUnusable(f"unpacked, it is more than {MOST_BYTES // 1024**2} MB")
    return SourceFile(name, content, bool(mode & 0o100))
