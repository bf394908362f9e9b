"""Agents in the words of a manifest, in YAML or JSON, as another machine can apply it.

    name: helper
    model: gpt-4o-mini
    system_prompt: |-
      You are terse.
    scope_mode: user
    capabilities:
    - name: weather
      type: tool
    bindings: []

Several stand in a list, as it is or under `agents`, or in documents of their own. Our own settings
follow the six, and after them what a file has beyond those.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hiveloom_cli.agents.schema import SETTINGS, build_settings, find_faults
from hiveloom_cli.agents.sketch import Sketch
from hiveloom_cli.errors import SettingsInvalid
from hiveloom_cli.front_matter.plain_settings import Field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hiveloom_cli.agents.agent import Agent

LIST = "agents"
_SCOPE = "user"  # whose agents they are: one person's
_SKILLS = frozenset({"skill", "skills", "markdown"})
_EXTRA = "extra"  # for a file's keys that a manifest has another use for
_OURS = frozenset(
    {"name", "system_prompt", "scope_mode", "capabilities", "bindings", "tools", "skills", _EXTRA}
)
_OPENING = "{[ \t\r\n"
_SEVERAL = frozenset({"tools", "skills"})


def build_manifest(agent: Agent) -> dict[str, Any]:
    """Build the manifest of an agent; nothing that its file says is lost but comments."""
    settings = build_settings(agent)
    tools = [{"name": name, "type": "tool"} for name in agent.tools]
    skills = [{"name": name, "type": "skill"} for name in agent.skills]
    hidden = {key: value for key, value in agent.extra.items() if key in _OURS or key == LIST}
    return {
        "name": agent.name,
        "model": agent.model,
        "system_prompt": agent.system_prompt,
        "scope_mode": _SCOPE,
        "capabilities": [*tools, *skills],
        "bindings": [],
        **{key: value for key, value in settings.items() if key not in {"model", *_SEVERAL}},
        **{key: value for key, value in agent.extra.items() if key not in hidden},
        **({_EXTRA: hidden} if hidden else {}),
    }


def format_manifest(agents: Sequence[Agent], *, as_json: bool = False, as_list: bool) -> str:
    """Write one agent's manifest, or a list of them; the text ends in a newline."""
    from hiveloom_cli.front_matter.yaml_text import Literal, format_mapping

    manifests = [build_manifest(agent) for agent in agents]
    document = {LIST: manifests} if as_list else manifests[0]
    if as_json:
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    for manifest in manifests:
        manifest["system_prompt"] = Literal(manifest["system_prompt"])
    return format_mapping(document)


def parse_manifest(text: str, path: Path) -> tuple[list[Sketch], list[SettingsInvalid]]:
    """Read a manifest; `path` is for messages. Returns what it has, and every fault found in it.

    Whether a model is named is left to the caller.
    """
    sketches: list[Sketch] = []
    faults: list[SettingsInvalid] = []
    try:
        records = _parse_records(text.removeprefix("\ufeff"), path)
    except SettingsInvalid as fault:
        return [], [fault]
    for record in records:
        sketch = _Reader(record, path, faults).build_sketch()
        faults.extend(find_faults(sketch.fields, path))
        sketches.append(sketch)
    return sketches, faults


def _parse_records(text: str, path: Path) -> list[dict[str, Field]]:
    from hiveloom_cli.agents.json_records import parse_json_records
    from hiveloom_cli.front_matter.yaml_text import parse_records

    if not text.lstrip().startswith(("{", "[")):
        return parse_records(text, path, LIST)
    try:
        return parse_json_records(text, path, LIST)
    except SettingsInvalid as fault:
        if text.lstrip(_OPENING).startswith('"'):
            raise
        try:
            return parse_records(text, path, LIST)  # which has braces of its own
        except SettingsInvalid:
            raise fault from None


class _Reader:
    """Reads one record, and puts what is wrong with it into `faults`."""

    def __init__(
        self, record: Mapping[str, Field], path: Path, faults: list[SettingsInvalid]
    ) -> None:
        self._record = record
        self._path = path
        self._faults = faults
        self._left_out: list[str] = []

    def build_sketch(self) -> Sketch:
        record = self._record
        line = min((field.line for field in record.values()), default=1)
        fields = {
            key: field
            for key, field in record.items()
            if key not in _OURS and not (key in SETTINGS and field.value is None)
        }
        fields |= self._list_abilities() | self._list_extra()
        self._leave_out_scope()
        prompt = self._take("system_prompt", str, "a text", "").strip("\r\n")
        name = self._take("name", str, "a text", "")
        return Sketch(name, line, fields, prompt, left_out=tuple(self._left_out))

    def _take(self, key: str, kind: type, words: str, default: Any) -> Any:
        field = self._record.get(key)
        if field is None or field.value is None:
            return default
        if not isinstance(field.value, kind):
            self._refuse(key, f"expected {words}")
            return default
        return field.value

    def _refuse(self, key: str, problem: str) -> None:
        line = self._record[key].line
        self._faults.append(SettingsInvalid(self._path, f"`{key}`: {problem}", line=line))

    def _list_abilities(self) -> dict[str, Field]:
        """Sort the capabilities into tools and skills, after those that are named as such."""
        found: dict[str, list[Any]] = {
            key: list(self._take(key, list, "a list of texts, as in [one, two]", ()))
            for key in ("tools", "skills")
        }
        for item in self._take("capabilities", list, "a list of {name: ..., type: ...}", ()):
            ability = {"name": item} if isinstance(item, str) else item
            name = ability.get("name") if isinstance(ability, dict) else None
            if not isinstance(name, str) or not name.strip():
                self._refuse("capabilities", "expected a name for each, as in {name: weather}")
                continue
            kind = str(ability.get("type", "tool"))
            found["skills" if kind.lower() in _SKILLS else "tools"].append(name)
            beyond = [key for key in ability if key not in ("name", "type")]
            if beyond:
                self._left_out.append(f"of {name}: {', '.join(beyond)} (only its name is taken)")
        return {key: self._build_field(key, names) for key, names in found.items() if names}

    def _build_field(self, key: str, value: Any) -> Field:
        field = self._record.get(key) or self._record.get("capabilities")
        return Field(value, field.line if field else 1)

    def _list_extra(self) -> dict[str, Field]:
        found = {}
        for key, value in self._take(_EXTRA, dict, "settings of the form `key: value`", {}).items():
            if key in SETTINGS:
                self._refuse(_EXTRA, f"`{key}` is a setting of an agent; it stands beside `name`")
            else:
                found[key] = self._build_field(_EXTRA, value)
        return found

    def _leave_out_scope(self) -> None:
        scope = self._record.get("scope_mode")
        if scope is not None and scope.value not in (None, _SCOPE):
            self._left_out.append(f"scope_mode: {scope.value} (an agent is one person's)")
        bindings = self._take("bindings", list, "a list", ())
        if bindings:
            self._left_out.append(f"bindings: {len(bindings)} (an agent has none)")
