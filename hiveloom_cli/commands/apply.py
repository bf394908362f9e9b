"""`hiveloom apply`: the person's own agents as manifests describe them, all or none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.faults import raise_faults
from hiveloom_cli.errors import FileUnreadable, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hiveloom_cli.agents.agent_file import Saved
    from hiveloom_cli.agents.plan import Step, Wanted
    from hiveloom_cli.app import App
    from hiveloom_cli.terminal.streams import Streams

_COMMENT = re.compile(r"^\s*(#.*|---\s*|\.\.\.\s*)$", re.MULTILINE)
_DONE = {"create": "created", "update": "updated", "unchanged": "unchanged", "prune": "deleted"}


@click.command(name="apply")
@click.option(
    "-f",
    "--file",
    "sources",
    multiple=True,
    required=True,
    type=click.Path(),
    metavar="MANIFEST",
    help="YAML or JSON, - for stdin; can be repeated.",
)
@click.option("--prune", is_flag=True, help="Delete your agents that no manifest names.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before agents are deleted.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def command(app: App, /, *, sources: tuple[str, ...], **options: bool) -> None:
    """Create and update your agents as manifests describe them, all or none.

    \b
      hiveloom agent export --all > agents.yaml
      hiveloom apply -f agents.yaml --dry-run
    """
    wanted = _load_manifests(app, sources)
    steps = _plan(app, wanted, prune=options["prune"])
    saved = {} if options["dry_run"] else _carry_out(app, steps, yes=options["yes"])
    if options["as_json"]:
        rows = [_build_row(step, saved, dry_run=options["dry_run"]) for step in steps]
        app.streams.print_json(rows)
    else:
        for step in steps:
            _print_step(step, app.streams, dry_run=options["dry_run"])
    for one in wanted:
        for what in one.sketch.left_out:
            app.streams.print_notice(f"{one.sketch.name}: left out: {what}")


def _load_manifests(app: App, sources: Sequence[str]) -> list[Wanted]:
    from hiveloom_cli.agents.manifest import parse_manifest
    from hiveloom_cli.agents.plan import Wanted, find_name_faults
    from hiveloom_cli.commands.sources import load_source
    from hiveloom_cli.files import decode_text

    wanted: list[Wanted] = []
    faults: list[FileUnreadable] = []
    for source in dict.fromkeys(sources):
        try:
            content, path = load_source(app, source)
            text = decode_text(content, path)
        except FileUnreadable as fault:
            faults.append(fault)
            continue
        if not _COMMENT.sub("", text.removeprefix("\ufeff")).strip():
            # Not taken for a list of none: --prune would delete every agent.
            raise UsageMistake(f"{path} is empty", hint="for no agents at all, write `agents: []`")
        sketches, found = parse_manifest(text, path)
        wanted.extend(Wanted(sketch, path) for sketch in sketches)
        faults.extend(found)
    raise_faults([*faults, *find_name_faults(wanted)], app.streams)
    return wanted


def _plan(app: App, wanted: Sequence[Wanted], *, prune: bool) -> list[Step]:
    from hiveloom_cli.agents.agent_file import load_content
    from hiveloom_cli.agents.plan import build_steps

    store = app.agents.own
    store.finish_changes()
    named = {one.sketch.name for one in wanted}
    former: dict[str, bytes] = {}
    faults: list[FileUnreadable] = []
    for name in store.load_names():
        try:
            if name in named:
                former[name] = store.load(name).content
            elif prune:
                former[name] = load_content(store.build_path(name))
        except FileUnreadable as fault:
            faults.append(fault)
    steps, found = build_steps(wanted, former, prune=prune)
    raise_faults([*found, *faults], app.streams)
    return steps


def _carry_out(app: App, steps: Sequence[Step], *, yes: bool) -> dict[str, Saved]:
    from hiveloom_cli.agents.plan import Action
    from hiveloom_cli.terminal.question import ask_consent

    pruned = [step.name for step in steps if step.action is Action.PRUNE]
    if pruned:
        count = "1 agent" if len(pruned) == 1 else f"{len(pruned)} agents"
        question = f"Delete {count} that no manifest names ({', '.join(pruned)})?"
        ask_consent(question, yes=yes, streams=app.streams)
    changed = [step for step in steps if step.action is not Action.KEEP]
    if not changed:
        return {}
    return app.agents.own.apply(
        {step.name: None if step.new is None else step.new.decode() for step in changed},
        former={step.name: step.old for step in changed},
    )


def _build_row(step: Step, saved: dict[str, Saved], *, dry_run: bool) -> dict[str, Any]:
    from hiveloom_cli.terminal.diff import build_diff

    row: dict[str, Any] = {"name": step.name, "action": step.action.value, "changes": step.what}
    if step.name in saved:
        row["version"] = saved[step.name].version
    if dry_run:
        diff = build_diff(step.old or b"", step.new or b"", *_name_sides(step))
        row["diff"] = b"".join(line + b"\n" for line in diff).decode(errors="replace")
    return row


def _print_step(step: Step, streams: Streams, *, dry_run: bool) -> None:
    from hiveloom_cli.terminal.diff import build_diff, print_diff

    done = _DONE[step.action.value]
    changes = step.old != step.new
    what = f" ({step.what})" if step.what else ""
    streams.print_line(f"{step.name}: {'would be ' if dry_run and changes else ''}{done}{what}")
    if dry_run and changes:
        old, new = step.old or b"", step.new or b""
        print_diff(build_diff(old, new, *_name_sides(step)), streams)


def _name_sides(step: Step) -> tuple[str, str]:
    path = f"{step.name}.md"
    return (
        "/dev/null" if step.old is None else f"a/{path}",
        "/dev/null" if step.new is None else f"b/{path}",
    )
