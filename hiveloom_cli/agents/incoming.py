"""What comes in as one file, and which agents of ours it makes.

It is a manifest, a Markdown file of ours, or one of another program.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hiveloom_cli.agents.agent import parse_new_name
from hiveloom_cli.agents.foreign import get_stem, is_alias, parse_foreign
from hiveloom_cli.agents.manifest import parse_manifest
from hiveloom_cli.agents.plan import update_text
from hiveloom_cli.agents.schema import format_new_agent, parse_agent
from hiveloom_cli.agents.sketch import Sketch, fit_name
from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.front_matter.document import parse_document
from hiveloom_cli.secret import MASK, looks_like_key

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.errors import SettingsInvalid

STDIN = "stdin"  # what errors call it, and no file's name
_MARKDOWN = re.compile(r"\.(md|markdown|mdown)$", re.IGNORECASE)
_DATA = re.compile(r"\.(ya?ml|json)$", re.IGNORECASE)
_FRONT = re.compile(r"\ufeff?---[^\S\n]*\n(.*?)^---[^\S\n]*$", re.DOTALL | re.MULTILINE)
_MANIFEST_KEY = re.compile(
    r"^(agents|system_prompt|scope_mode|capabilities|bindings)[ \t]*:", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Incoming:
    """An agent that came in, the text of its file, and what has to be said of it."""

    agent: Agent
    text: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person wants other than the file says; "" for nothing."""

    name: str = ""
    model: str = ""


def parse_incoming(
    text: str, path: Path, wishes: Wishes
) -> tuple[list[Incoming], list[SettingsInvalid]]:
    """Make agents of what a file holds, whose name `path` is; returns its faults as well.

    Raises `UsageMistake` for what has to be added to the command, and `SettingsInvalid`.
    """
    if not is_markdown(text, path.name):
        return _parse_several(text, path, wishes)
    sketch = parse_foreign(text, path)
    if sketch is None:
        return [_parse_own(text, path, wishes)], []
    return [_build(sketch, path, wishes)], []


def is_markdown(text: str, file_name: str) -> bool:
    """Whether a file is settings and a text, and not a manifest; its name's ending decides."""
    if _MARKDOWN.search(file_name):
        return True
    front = _FRONT.match(text)
    return bool(front and not _DATA.search(file_name) and not _MANIFEST_KEY.search(front[1]))


def _parse_several(
    text: str, path: Path, wishes: Wishes
) -> tuple[list[Incoming], list[SettingsInvalid]]:
    sketches, faults = parse_manifest(text, path)
    if faults:
        return [], faults
    if not sketches:
        raise UsageMistake(f"{path}: there is no agent in it", hint="look at the file")
    if wishes.name and len(sketches) > 1:
        raise UsageMistake(
            f"{path} has {len(sketches)} agents, and --name names one", hint="leave --name out"
        )
    incoming = [_build(sketch, path, wishes) for sketch in sketches]
    names = [one.agent.name for one in incoming]
    for number, name in enumerate(names):
        if name in names[:number]:
            first, again = sketches[names.index(name)].line, sketches[number].line
            raise UsageMistake(f"{path}:{again}: {name} is there a second time, after line {first}")
    return incoming, []


def _parse_own(text: str, path: Path, wishes: Wishes) -> Incoming:
    """Take a file of ours as the text that it is, unless the person wants another model."""
    document = parse_document(text, path)
    name, notes = _choose_name(get_stem(path.name), path, wishes)
    sketch = Sketch(name, 1, document.fields, document.body)
    if not sketch.has_model:
        return _build(sketch, path, wishes)
    agent = parse_agent(name, text, path)
    if wishes.model and agent.model != wishes.model:
        agent = replace(agent, model=wishes.model)
        text = update_text(text, agent)
    return Incoming(agent, text, notes)


def _build(sketch: Sketch, path: Path, wishes: Wishes) -> Incoming:
    name, notes = _choose_name(sketch.name, path, wishes)
    if wishes.model:
        sketch = sketch.with_model(wishes.model)
    model = sketch.fields.get("model")
    if model is None or (isinstance(model.value, str) and is_alias(model.value)):
        _refuse_model(sketch, path)
    agent = sketch.build(name, path)
    left_out = tuple(f"left out: {what}" for what in sketch.left_out)
    return Incoming(agent, format_new_agent(agent, path), (*notes, *left_out))


def _choose_name(given: str, path: Path, wishes: Wishes) -> tuple[str, tuple[str, ...]]:
    if wishes.name:
        return parse_new_name(wishes.name), ()
    if looks_like_key(given):
        given = MASK
    name = fit_name(given) if given not in ("", STDIN, MASK) else ""
    if not name:
        raise UsageMistake(f"{path}: a name for the agent is missing", hint="add --name NAME")
    if name == given:
        return name, ()
    return parse_new_name(name), (f"the name “{given}” cannot name an agent; it is {name} here",)


def _refuse_model(sketch: Sketch, path: Path) -> None:
    asked = sketch.fields.get("model")
    said = f"calls its model {asked.value}, which is no model's name" if asked else "names no model"
    if sketch.asked_model:
        said = f"names no model that can be asked here ({sketch.asked_model})"
    raise UsageMistake(f"{path} {said}", hint="add --model MODEL, as in --model gpt-4o-mini")
