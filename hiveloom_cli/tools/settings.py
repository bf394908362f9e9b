"""What tools' files of every kind have in common: settings that are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.errors import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Collection

    from hiveloom_cli.tools.tool_file import ToolFile


def check_known(file: ToolFile, kind: str, known: Collection[str]) -> None:
    """Return if a file has no setting but those `known`; raise `SettingsInvalid` if it has."""
    from difflib import get_close_matches

    for key, field in file.document.fields.items():
        if key not in known:
            close = get_close_matches(key, known, n=1, cutoff=0.7)
            hint = f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(known)}"
            problem = f"`{key}` is not a setting of {kind}"
            raise SettingsInvalid(file.path, problem, line=field.line, hint=hint)
