"""What a person is shown before they trust a project's agent: all that it would get.

Everything in it that the project's author chose is one folded, bounded, indented field, so that it
cannot pass for a line of the question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.terminal.question import format_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.agents.agent_file import AgentFile
    from hiveloom_cli.app import App
    from hiveloom_cli.commands.upstream_view import UpstreamView

_INDENT = 14
_DIFF_INDENT = 6
_MOST_NAMES = 50
_MOST_CHANGES = 20
_LONGEST_COMPARED = 100_000  # bytes: comparing takes time that grows faster than what is compared


def print_request(app: App, file: AgentFile) -> None:
    """Show on stderr what a project's agent would get, and what has changed if it was trusted."""
    from hiveloom_cli.commands.upstream_view import load_upstream_view

    width = app.streams.measure_width()
    view = load_upstream_view(app, file.agent)
    lines = [f"The agent {file.agent.name} comes with this folder, and would use:"]
    for label, text in _list_fields(file, view):
        lines += format_field(label, text, indent=_INDENT, width=width)
    lines += _format_changes(app, file, width)
    app.streams.print_aside("\n".join(lines))


def _list_fields(file: AgentFile, view: UpstreamView) -> Iterator[tuple[str, str]]:
    agent = file.agent
    yield "file", str(file.path)
    if file.is_foreign:
        yield "owner", "another user of this machine: the file, or its folder"
    yield "model", f"{agent.model} at {view.origin}"
    yield "credential", f"{view.credential} ({view.key.text})"
    yield "its key to", view.origin
    yield from _list_names("tool", agent.tools)
    yield from _list_names("skill", agent.skills)
    if agent.system_prompt:
        rest = agent.system_prompt.count("\n")
        more = f"({rest + 1} lines) " if rest else ""
        yield "prompt", more + agent.system_prompt.partition("\n")[0]


def _list_names(label: str, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in names[:_MOST_NAMES]:
        yield label, name
    if len(names) > _MOST_NAMES:
        yield label, f"and {len(names) - _MOST_NAMES} more, which `hiveloom agent show` lists"


def _format_changes(app: App, file: AgentFile, width: int) -> Iterator[str]:
    from hiveloom_cli.agents.change_summary import summarize_change
    from hiveloom_cli.clock import format_timestamp

    consent = app.trust.load(file.path)
    if consent is None:
        return
    since = f"since you trusted it on {format_timestamp(consent.given_at)[:10]}"
    old, new = _load_former(app, consent.digest), file.content.decode(errors="replace")
    if old is None or max(len(old), len(new)) > _LONGEST_COMPARED:
        yield from format_field("changed", since, indent=_INDENT, width=width)
        return
    if old == new:
        return
    what = f"{since}: {summarize_change(old, new)}"
    yield from format_field("changed", what, indent=_INDENT, width=width)
    changes = list(_list_changes(old, new))
    for sign, text in changes[:_MOST_CHANGES]:
        yield from format_field(f"  {sign}", text, indent=_DIFF_INDENT, width=width)
    if len(changes) > _MOST_CHANGES:
        yield f"    and {len(changes) - _MOST_CHANGES} more lines"


def _load_former(app: App, digest: str) -> str | None:
    """Return the content that was trusted, if it was kept."""
    from hiveloom_cli.errors import FileUnreadable

    try:
        return app.agents.own.versions.contents.load(digest).decode(errors="replace")
    except FileUnreadable:
        return None


def _list_changes(old: str, new: str) -> Iterator[tuple[str, str]]:
    from difflib import unified_diff

    lines = unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
    for line in list(lines)[2:]:  # after the two that name files
        if line[0] in "+-":
            yield line[0], line[1:]
