"""The folder of skills: a folder each, named after the skill."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.errors import (
    AlreadyExists,
    FileUnreadable,
    HiveloomError,
    SourceUnusable,
    ToolNotFound,
)
from hiveloom_cli.files import decode_text, ensure_private_folder, open_lock, sync_folder
from hiveloom_cli.tools.beneath import load_beneath, load_pieces
from hiveloom_cli.tools.skill import (
    MOST_TEXT,
    NAME_RULE,
    SKILL_FILE,
    is_skill_name,
    parse_skill,
    parse_skill_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hiveloom_cli.tools.beneath import Piece
    from hiveloom_cli.tools.skill import Skill
    from hiveloom_cli.tools.skill_source import SourceFile

_HINT_READ = "check its owner and its mode"
# No skill's name begins so. What is being written, and what is being replaced or removed:
_NEW, _OLD, _GONE = ".new-", ".old-", ".gone-"


class SkillFolder:
    """The skills in `folder`, which need not exist; they are the person's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load_names(self) -> list[str]:
        """Return the names of all folders that could be skills, sorted, whether valid or not."""
        names = self._list_folders()
        if any(name.startswith(_OLD) for name in names):
            self._settle()
            names = self._list_folders()
        return sorted(name for name in names if not name.startswith((".", "_")))

    def build_path(self, name: str) -> Path:
        """Return where the skill of that name is kept; it need not exist."""
        return self.folder / parse_skill_name(name)

    def load(self, name: str) -> Skill:
        """Read a skill. Raises `UsageMistake`, `ToolNotFound` and `FileUnreadable`."""
        text = self.load_skill_text(name)
        return parse_skill(text, self.build_path(name) / SKILL_FILE, folder=name)

    def load_skill_text(self, name: str) -> str:
        """Read a `SKILL.md` as it stands, valid or not; raises as `load` does."""
        path = self.build_path(name) / SKILL_FILE
        return decode_text(self._load_skill_file(name, path), path)

    def load_all(self) -> Iterator[Skill | HiveloomError]:
        """Read every skill; what is broken gives the error that says why."""
        for name in self.load_names():
            try:
                if not is_skill_name(name):
                    hint = f"rename it, and say so in its SKILL.md: use {NAME_RULE}"
                    raise FileUnreadable(
                        self.folder / name, "its name is none of a skill", hint=hint
                    )
                yield self.load(name)
            except HiveloomError as error:
                yield error

    def load_text(self, name: str, file: str) -> str:
        """Read a text in a skill's folder.

        Raises `SourceUnusable` for what is none, is too large or lies elsewhere.
        """
        try:
            content, _ = load_beneath(self.build_path(name), file, MOST_TEXT)
        except (FileNotFoundError, NotADirectoryError):
            raise SourceUnusable(f"the skill {name} has no file “{file}”") from None
        except OSError as error:
            raise SourceUnusable(f"“{file}” cannot be read ({error.strerror})") from error
        try:
            text = content.decode()
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            raise SourceUnusable(f"“{file}” is no text: {len(content):,} bytes of something else")
        return text

    def load_pieces(self, name: str) -> list[Piece]:
        """List what comes with a skill beside its `SKILL.md`. Raises `HiveloomError`."""
        path = self.build_path(name)
        try:
            return [piece for piece in load_pieces(path) if piece.path != SKILL_FILE]
        except OSError as error:
            raise _build_unreadable(path, error) from error

    def check_free(self, name: str) -> None:
        """Return if there is no skill of that name. Raises `AlreadyExists`."""
        path = self.build_path(name)
        if os.path.lexists(path):
            raise AlreadyExists(
                f"there is a skill named {name} already ({path})", hint="add --force to replace it"
            )

    def check_there(self, name: str) -> Path:
        """Return where a skill is, whether it is valid or not. Raises `ToolNotFound`."""
        path = self.build_path(name)
        if not os.path.lexists(path):
            raise self._build_not_found(name)
        return path

    def save(self, name: str, files: Iterable[SourceFile], *, replace: bool) -> Path:
        """Write a skill's folder in one step. Raises `AlreadyExists` and `OSError`.

        Whatever ends this half-way leaves the former folder or the new one.
        """
        path = self.build_path(name)
        with self._locked():
            if not replace:
                self.check_free(name)
            new = Path(tempfile.mkdtemp(prefix=_NEW, dir=self.folder))
            try:
                for file in files:
                    _write(new.joinpath(*file.path.split("/")), file)
                old = self._move_away(path, _OLD)
                new.rename(path)
            except BaseException:
                self._mend()
                raise
            sync_folder(self.folder)
            _discard(old)
        return path

    def remove(self, name: str) -> Path:
        """Remove a skill's folder; of a link, the link alone. Raises `ToolNotFound`."""
        path = self.check_there(name)
        with self._locked():
            _discard(self._move_away(path, _GONE))
        return path

    def _load_skill_file(self, name: str, path: Path) -> bytes:
        try:
            return load_beneath(path.parent, SKILL_FILE, MOST_TEXT)[0]
        except (FileNotFoundError, NotADirectoryError):
            if os.path.lexists(path.parent.with_name(_OLD + name)):
                self._settle()
                return self._load_skill_file(name, path)
            if not path.parent.is_dir():
                raise self._build_not_found(name) from None
            raise FileUnreadable(
                path, "no such file, which makes a folder a skill", hint="write it, or remove it"
            ) from None
        except OSError as error:
            raise _build_unreadable(path, error) from error
        except SourceUnusable as error:
            hint = f"make it a text of {MOST_TEXT:,} bytes at most, in the folder itself"
            raise FileUnreadable(path, error.message, hint=hint) from error

    def _list_folders(self) -> list[str]:
        try:
            with os.scandir(self.folder) as entries:
                return [entry.name for entry in entries if entry.is_dir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _build_unreadable(self.folder, error) from error

    def _build_not_found(self, name: str) -> ToolNotFound:
        from difflib import get_close_matches

        close = get_close_matches(name, self.load_names(), n=1)
        hint = f"did you mean {close[0]}?" if close else "hiveloom skill install PATH"
        return ToolNotFound(f"there is no skill named {name}", hint=hint)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        ensure_private_folder(self.folder)
        with open_lock(self.folder):
            self._mend()
            yield

    def _settle(self) -> None:
        """Wait for whoever replaces a skill right now; else put back what a dead process left."""
        with self._locked():
            pass

    def _mend(self) -> None:
        """Put back what was being replaced when its process died, and drop what was unfinished."""
        for path in sorted(self.folder.iterdir()):
            former = path.name.removeprefix(_OLD)
            if former != path.name and is_skill_name(former):
                if os.path.lexists(self.folder / former):
                    _discard(path)
                else:
                    path.rename(self.folder / former)
            elif path.name.startswith((_NEW, _GONE)):
                _discard(path)

    def _move_away(self, path: Path, prefix: str) -> Path | None:
        """Rename a folder, so that it is gone at once; return where it is now, if it was there."""
        away = path.with_name(prefix + path.name)
        try:
            path.rename(away)
        except FileNotFoundError:
            return None
        return away


def _write(path: Path, file: SourceFile) -> None:
    ensure_private_folder(path.parent)
    mode = 0o700 if file.is_executable else 0o600
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode
    )
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(file.content)
        opened.flush()
        os.fsync(opened.fileno())


def _discard(path: Path | None) -> None:
    """Remove a folder or a link; what cannot be removed is met again by `_mend`."""
    if path is None:
        return
    if path.is_symlink() or path.is_file():
        with suppress(OSError):
            path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def _build_unreadable(path: Path, error: OSError) -> FileUnreadable:
    return FileUnreadable(path, f"cannot be read ({error.strerror})", hint=_HINT_READ)
