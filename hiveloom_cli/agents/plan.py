"""What a manifest would change, decided before anything is: agent by agent, or every fault."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.agents.agent import NAME_RULE, is_agent_name
from hiveloom_cli.agents.change_summary import summarize_change
from hiveloom_cli.agents.editing import Changes, edit_settings
from hiveloom_cli.agents.schema import build_all_settings, format_new_agent, parse_agent
from hiveloom_cli.agents.sketch import fit_name
from hiveloom_cli.errors import FileUnreadable, SettingsInvalid, UsageMistake
from hiveloom_cli.files import decode_text
from hiveloom_cli.front_matter.document import split_document
from hiveloom_cli.secret import looks_like_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.agents.sketch import Sketch


class Action(StrEnum):
    """What becomes of an agent."""

    CREATE = "create"
    UPDATE = "update"
    KEEP = "unchanged"
    PRUNE = "prune"


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one agent: `old` is what its file holds, None stands for no file.

    `what` says in a few words what differs.
    """

    name: str
    action: Action
    old: bytes | None
    new: bytes | None
    what: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An agent that a manifest describes, and where it does."""

    sketch: Sketch
    path: Path


def find_name_faults(wanted: Iterable[Wanted]) -> list[FileUnreadable]:
    """Find the names that are missing, that cannot be, or that stand there twice."""
    faults: list[FileUnreadable] = []
    places: dict[str, str] = {}
    for one in wanted:
        name = one.sketch.name
        problem, hint = _find_problem(name)
        if not problem and name in places:
            problem, hint = f"{name} is described a second time, after {places[name]}", ""
        if problem:
            faults.append(SettingsInvalid(one.path, problem, line=one.sketch.line, hint=hint))
        places.setdefault(name, f"{one.path}:{one.sketch.line}")
    return faults


def build_steps(
    wanted: Sequence[Wanted], former: Mapping[str, bytes], *, prune: bool
) -> tuple[list[Step], list[FileUnreadable]]:
    """Decide what becomes of each agent; `former` is what there is. Returns all faults as well."""
    steps: list[Step] = []
    faults: list[FileUnreadable] = []
    for one in wanted:
        try:
            steps.append(_build_step(one, former.get(one.sketch.name)))
        except FileUnreadable as fault:
            faults.append(fault)
    if prune:
        names = {one.sketch.name for one in wanted}
        pruned = [name for name in former if name not in names]
        steps.extend(Step(name, Action.PRUNE, former[name], None) for name in pruned)
    return steps, faults


def update_text(text: str, agent: Agent) -> str:
    """Return an agent's file as it has to be to describe `agent`; the same if it does already.

    Just the lines that differ are changed. Raises `UsageMistake` where the file's layout does not
    let them be, unless it has no comments that a new file would lose.
    """
    path = Path(f"{agent.name}.md")
    former = parse_agent(agent.name, text, path)
    if _is_same(former, agent):
        return text
    try:
        return edit_settings(text, path, _build_changes(former, agent))
    except UsageMistake:
        if "#" in split_document(text, path).settings:
            raise
        return format_new_agent(agent, path)


def _build_changes(former: Agent, agent: Agent) -> Changes:
    old, new = build_all_settings(former), build_all_settings(agent)
    return Changes(
        settings={key: value for key, value in new.items() if old.get(key) != value},
        unset=[key for key in old if key not in new],
        prompt=agent.system_prompt if agent.system_prompt != former.system_prompt else None,
    )


def _is_same(one: Agent, other: Agent) -> bool:
    return replace(one, warnings=()) == replace(other, warnings=())


def _find_problem(name: str) -> tuple[str, str]:
    if not name:
        return "expected a name, as in `name: helper`", ""
    if looks_like_key(name):  # not repeated
        return "`name`: that looks like a key, not a name", "give a name of your own"
    if is_agent_name(name):
        return "", ""
    fit = fit_name(name)
    return f"`name`: “{name}” cannot name an agent", f"name: {fit}" if fit else f"use {NAME_RULE}"


def _build_step(one: Wanted, old: bytes | None) -> Step:
    name = one.sketch.name
    agent = one.sketch.build(name, one.path)
    path = Path(f"{name}.md")
    try:
        if old is None:
            return Step(name, Action.CREATE, None, format_new_agent(agent, path).encode())
        text = decode_text(old, path)
        former = parse_agent(name, text, path)
        new = update_text(text, replace(agent, extra={**former.extra, **agent.extra}))
    except UsageMistake as mistake:
        hint = mistake.hint
        raise SettingsInvalid(
            one.path, mistake.message, line=one.sketch.line, hint=hint
        ) from mistake
    if new == text:
        return Step(name, Action.KEEP, old, old)
    return Step(name, Action.UPDATE, old, new.encode(), summarize_change(text, new))
