"""From an agent's file to an `Agent` and back: which settings there are, and what each may be."""

from __future__ import annotations

import re
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TypeGuard

from hiveloom_cli.agents.agent import NAME_RULE, Agent, Compaction, is_agent_name
from hiveloom_cli.agents.limits import Limits
from hiveloom_cli.errors import SettingsInvalid, UsageMistake
from hiveloom_cli.front_matter.document import format_document, parse_document
from hiveloom_cli.protocols.request import Parameters
from hiveloom_cli.secret import looks_like_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from hiveloom_cli.front_matter.document import Document
    from hiveloom_cli.front_matter.plain_settings import Field


_SMALLEST_WINDOW = 256
_THRESHOLDS = (0.1, 0.95)  # of the context, from which on it is summarised
_MOST_KEPT = 1000
_WORDS = {"system_prompt": "system prompt", "extra": "settings that are not ours"}
_MOST_DOLLARS = 1_000_000
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which no request can carry


class _Wrong(Exception):
    """A value is not what was expected; the message says what was."""


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and (value.isascii() or not _SURROGATE.search(value))


def _parse_text(value: Any) -> str:
    if not _is_text(value) or not value.strip():
        raise _Wrong("a text (put it in quotes if YAML reads it as something else)")
    return value


def _parse_description(value: Any) -> str:
    if not _is_text(value):
        raise _Wrong("a text")
    return value


def _parse_credential(value: Any) -> str:
    # Neither is repeated: whoever pastes a key here must not find it on the screen as well.
    if isinstance(value, str) and looks_like_key(value):
        raise _Wrong("the name of a credential, and this looks like a key")
    if not isinstance(value, str) or not is_agent_name(value):
        raise _Wrong(f"the name of a credential ({NAME_RULE})")
    return value


def _parse_temperature(value: Any) -> float:
    return _parse_number(value, highest=2)


def _parse_top_p(value: Any) -> float:
    return _parse_number(value, highest=1)


def _parse_number(value: Any, *, highest: int) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
        raise _Wrong(f"a number from 0 to {highest}")
    return value


def _parse_dollars(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= _MOST_DOLLARS:
        raise _Wrong(f"dollars: a number above 0, and {_MOST_DOLLARS} at most")
    return value  # type: ignore[no-any-return]


def _parse_count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _Wrong("a whole number of at least 1")
    return value


def _parse_stop(value: Any) -> tuple[str, ...]:
    texts = (value,) if isinstance(value, str) else _parse_names(value)
    if not all(texts):
        raise _Wrong("texts that are not empty")
    return texts


def _parse_save(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("true or false")
    return value


def _parse_context_window(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < _SMALLEST_WINDOW:
        raise _Wrong(f"a whole number of tokens, at least {_SMALLEST_WINDOW}")
    return value


def _parse_compaction(value: Any) -> Compaction | None:
    if isinstance(value, bool):
        return Compaction() if value else None
    if not isinstance(value, dict) or not value.keys() <= {"threshold", "keep"}:
        raise _Wrong("false, or {threshold: 0.8, keep: 4}")
    rules = Compaction(**value)
    threshold, keep = rules.threshold, rules.keep
    if type(threshold) not in (int, float) or not _THRESHOLDS[0] <= threshold <= _THRESHOLDS[1]:
        raise _Wrong(f"a threshold from {_THRESHOLDS[0]} to {_THRESHOLDS[1]}")
    if type(keep) is not int or not 1 <= keep <= _MOST_KEPT:
        raise _Wrong(f"to keep a whole number of exchanges, from 1 to {_MOST_KEPT}")
    return rules


def _parse_names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(map(_is_text, value)):
        raise _Wrong("a list of texts, as in [one, two]")
    return tuple(value)


# Every setting of an agent's file, in the order in which a new file has them.
_SETTINGS: Mapping[str, Callable[[Any], Any]] = {
    "model": _parse_text,
    "description": _parse_description,
    "credential": _parse_credential,
    "temperature": _parse_temperature,
    "top_p": _parse_top_p,
    "max_tokens": _parse_count,
    "stop": _parse_stop,
    "tools": _parse_names,
    "skills": _parse_names,
    "max_tool_rounds": _parse_count,
    "save": _parse_save,
    "max_cost": _parse_dollars,
    "max_total_tokens": _parse_count,
    "max_cost_per_day": _parse_dollars,
    "max_total_tokens_per_day": _parse_count,
    "context_window": _parse_context_window,
    "compaction": _parse_compaction,
}
_PARAMETERS = ("temperature", "top_p", "max_tokens", "stop")
_LIMITS = tuple(field.name for field in fields(Limits))
SETTINGS = tuple(_SETTINGS)


def parse_agent(name: str, text: str, path: Path) -> Agent:
    """Read an agent's file; `path` is for messages.

    A setting that is not known is kept in the file and named in the agent's warnings. Raises
    `SettingsInvalid` with the line and what was expected.
    """
    document = parse_document(text, path)
    return build_agent(name, document, path)


def build_agent(name: str, document: Document, path: Path, *, line: int = 1) -> Agent:
    """Build an agent of settings and text that begin at `line`; raises as `parse_agent` does."""
    values = {
        key: _parse_setting(key, field, path)
        for key, field in document.fields.items()
        if key in _SETTINGS
    }
    if "model" not in values:
        raise SettingsInvalid(path, "expected a model, as in `model: gpt-4o-mini`", line=line)
    parameters = Parameters(**{key: values.pop(key, None) for key in _PARAMETERS})
    limits = Limits(**{key: values.pop(key, None) for key in _LIMITS})
    return Agent(
        name=name,
        system_prompt=document.body,
        parameters=parameters,
        limits=limits,
        extra={key: field.value for key, field in document.fields.items() if key not in _SETTINGS},
        warnings=_build_warnings(document, path),
        **values,
    )


def is_setting(key: str) -> bool:
    """Whether an agent has a setting of that name."""
    return key in _SETTINGS


def find_expected(key: str, value: Any) -> str:
    """Say what was expected in the place of a setting's value; "" if it can stand."""
    try:
        if is_setting(key):
            _SETTINGS[key](value)
    except _Wrong as wrong:
        return str(wrong)
    return ""


def find_faults(fields: Mapping[str, Field], path: Path) -> Iterator[SettingsInvalid]:
    """Yield what is wrong with each setting, where `parse_agent` stops at the first."""
    for key, field in fields.items():
        if key in _SETTINGS:
            try:
                _parse_setting(key, field, path)
            except SettingsInvalid as fault:
                yield fault


def format_agent(agent: Agent) -> str:
    """Write a new agent's file, with the settings that are set."""
    return format_document(build_all_settings(agent), agent.system_prompt)


def format_new_agent(agent: Agent, path: Path) -> str:
    """Write a new agent's file that is sure to read back as the same agent.

    Raises `UsageMistake` saying what no file can hold as it was given.
    """
    for key, value in build_settings(agent).items():
        if expected := find_expected(key, value):
            raise UsageMistake(f"`{key}`: expected {expected}")
    if not _is_text(agent.system_prompt):
        raise UsageMistake("the system prompt is not UTF-8 text", hint="save it as UTF-8")
    text = format_agent(agent)
    try:
        back = parse_agent(agent.name, text, path)
    except SettingsInvalid as error:
        raise UsageMistake(error.problem, hint=error.hint) from None
    for field in fields(Agent):
        same = getattr(back, field.name) == getattr(agent, field.name)
        if field.name != "warnings" and not same:
            name = _WORDS.get(field.name, field.name)
            raise UsageMistake(f"the {name} would not read back from a file as given")
    return text


def build_all_settings(agent: Agent) -> dict[str, Any]:
    """Build the settings that are set, with those that are not known."""
    return {**build_settings(agent), **agent.extra}


def build_settings(agent: Agent) -> dict[str, Any]:
    """Return the settings of ours that are set, in the order in which a new file has them."""
    settings: dict[str, Any] = {}
    for key in _SETTINGS:
        value = _get_setting(agent, key)
        if key == "compaction":
            value = _build_compaction(value)
        is_default = value is None or value is True  # what is true or false is true unless set
        if not is_default and value not in ("", ()):
            settings[key] = list(value) if isinstance(value, tuple) else value
    return settings


def _get_setting(agent: Agent, key: str) -> Any:
    if key in _PARAMETERS:
        return getattr(agent.parameters, key)
    return getattr(agent.limits if key in _LIMITS else agent, key)


def _build_compaction(rules: Compaction | None) -> Any:
    """Build what a file says of it; None where nothing need be said."""
    if rules is None:
        return False
    return None if rules == Compaction() else asdict(rules)


def _parse_setting(key: str, field: Field, path: Path) -> Any:
    try:
        return _SETTINGS[key](field.value)
    except _Wrong as wrong:
        raise SettingsInvalid(path, f"`{key}`: expected {wrong}", line=field.line) from None


def _build_warnings(document: Document, path: Path) -> tuple[str, ...]:
    if document.fields.keys() <= _SETTINGS.keys():
        return ()
    return tuple(
        f"{path}:{field.line}: `{key}` is not a setting of an agent; it is kept{_suggest(key)}"
        for key, field in document.fields.items()
        if key not in _SETTINGS
    )


def _suggest(key: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key, _SETTINGS, n=1, cutoff=0.7)
    return f" (did you mean `{close[0]}`?)" if close else ""
