"""What the settings of tools' files have in common, whatever their kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


def get_setting(file: ToolFile, key: str, default: Any = None) -> Any:
    """Return the value of a setting, or `default` where the file does not have it."""
    field = file.document.fields.get(key)
    return default if field is None else field.value


def build_fault(file: ToolFile, key: str, problem: str, hint: str = "") -> SettingsInvalid:
    """Build what is said of a setting that cannot be as it is."""
    field = file.document.fields.get(key)
    line = 0 if field is None else field.line
    return SettingsInvalid(file.path, f"`{key}`: {problem}", line=line, hint=hint)


def parse_timeout(file: ToolFile, *, usual_s: float, longest_s: float) -> float:
    """Read how many seconds a tool may take. Raises `SettingsInvalid`."""
    value = get_setting(file, "timeout", usual_s)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= longest_s:
        expected = f"expected seconds, above 0 and {longest_s:.0f} at most"
        raise build_fault(file, "timeout", expected)
    return float(value)
