"""The folder of tools' files: a Markdown file each, named after the tool."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hiveloom_cli.errors import AlreadyExists, FileUnreadable, ToolNotFound
from hiveloom_cli.files import save_bytes
from hiveloom_cli.tools.tool_file import (
    is_tool_name,
    load_tool_file,
    parse_tool_file,
    parse_tool_name,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.tools.tool_file import ToolFile

_SUFFIX = ".md"
_HINT_READ = "check its owner and its mode"


class ToolFolder:
    """The tools' files in `folder`, which need not exist; they are the person's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load_names(self) -> list[str]:
        """Return the names of all tools, sorted, whether their files are valid or not."""
        try:
            names = os.listdir(self.folder)  # noqa: PTH208 -- names are cheaper than paths
        except FileNotFoundError:
            return []
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
            raise FileUnreadable(self.folder, problem, hint=_HINT_READ) from error
        stems = (name[: -len(_SUFFIX)] for name in names if name.endswith(_SUFFIX))
        return sorted(stem for stem in stems if is_tool_name(stem))

    def build_path(self, name: str) -> Path:
        """Return where the tool of that name is kept; it need not exist."""
        return self.folder / f"{parse_tool_name(name)}{_SUFFIX}"

    def load(self, name: str) -> ToolFile:
        """Read a tool's file. Raises `ToolNotFound` and `FileUnreadable`."""
        path = self.build_path(name)
        try:
            return load_tool_file(path)
        except FileNotFoundError:
            raise build_not_found(name, self.load_names()) from None
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
            raise FileUnreadable(path, problem, hint=_HINT_READ) from error

    def save(self, name: str, text: str, *, replace: bool) -> Path:
        """Write a tool's file that is valid. Raises `AlreadyExists` and `SettingsInvalid`."""
        path = self.build_path(name)
        if path.exists() and not replace:
            raise AlreadyExists(
                f"there is a tool named {name} already ({path})",
                hint="choose another name, or add --force to replace it",
            )
        parse_tool_file(name, text, path)
        save_bytes(path, text.encode())
        return path

    def check_there(self, name: str) -> Path:
        """Return where a tool's file is, valid or not. Raises `ToolNotFound`."""
        path = self.build_path(name)
        if not path.exists():
            raise build_not_found(name, self.load_names())
        return path

    def remove(self, name: str) -> Path:
        """Remove a tool's file. Raises `ToolNotFound`."""
        path = self.build_path(name)
        try:
            path.unlink()
        except FileNotFoundError:
            raise build_not_found(name, self.load_names()) from None
        return path


def build_not_found(name: str, names: list[str]) -> ToolNotFound:
    """Build what is said of a tool that is not there; `names` are those that are."""
    from difflib import get_close_matches

    close = get_close_matches(name, names, n=1)
    if close:
        hint = f"did you mean {close[0]}?"
    else:
        hint = "see which there are: hiveloom tool list" if names else "hiveloom tool add --help"
    return ToolNotFound(f"there is no tool named {name}", hint=hint)
