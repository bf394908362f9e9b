"""`hiveloom agent versions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.naming import choose_name, complete_kept_agents, take_name
from hiveloom_cli.commands.numbers import COUNT
from hiveloom_cli.errors import AgentNotFound, HiveloomError, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hiveloom_cli.agents.store import AgentStore
    from hiveloom_cli.agents.versions import Version
    from hiveloom_cli.app import App

_MOST_ON_A_TERMINAL = 30


@click.command()
@take_name(complete_kept_agents)
@click.option(
    "--diff",
    "from_number",
    type=COUNT,
    metavar="N [M]",
    help="What changed from version N to M, or to what the file holds now.",
)
@click.option("--show", "shown", type=COUNT, metavar="N", help="What version N held.")
@click.option("--limit", type=COUNT, metavar="N", help="Only the newest N.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def versions(app: App, /, **options: Any) -> None:
    """List what an agent's file has ever held, newest first; * marks what it holds now.

    On a terminal the list ends after 30 unless --limit says otherwise. What was written into the
    file by hand is taken in first. A deleted agent keeps its versions.

    \b
      hiveloom agent versions helper
      hiveloom agent versions helper --diff 3      # from version 3 to now
      hiveloom agent versions helper --diff 3 5
      hiveloom agent versions helper --show 3 > helper-3.md
    """
    _check_options(options)
    words, to_number = _split_words(options)
    name = choose_name(words, options["name_option"])
    store = app.agents.get_former_store(name)
    _take_in(app, store, name)
    if options["shown"]:
        app.streams.write_bytes(_load_version(store, name, options["shown"]))
    elif options["from_number"]:
        _print_diff(app, store, name, options["from_number"], to_number)
    elif options["as_json"]:
        rows = [_build_row(*row) for row in _list_rows(store, name)[: options["limit"]]]
        app.streams.print_json(rows)
    else:
        _print_table(app, _list_rows(store, name), options["limit"])
    if not store.has(name):
        app.streams.print_notice(f"{name} is deleted; to restore it: hiveloom agent restore {name}")


def _check_options(options: dict[str, Any]) -> None:
    wishes = {
        "--diff": options["from_number"],
        "--show": options["shown"],
        "--json": options["as_json"],
        "--limit": options["limit"],
    }
    given = [option for option, value in wishes.items() if value]
    if len(given) > 1 and given != ["--json", "--limit"]:
        first, second, *_ = given
        raise UsageMistake(f"{first} and {second} do not go together", hint="leave one of them out")


def _split_words(options: dict[str, Any]) -> tuple[tuple[str, ...], int | None]:
    """Tell the name from the second number of a diff, which stands beside it as a word."""
    words: tuple[str, ...] = options["words"]
    is_named = options["name_option"] is not None
    if not options["from_number"] or len(words) != 2 - is_named:
        return words, None
    for place in reversed(range(len(words))):  # the name comes first, as a rule, and may be digits
        if words[place].isdecimal() and int(words[place]):
            return words[:place] + words[place + 1 :], int(words[place])
    raise UsageMistake(
        "--diff takes one or two numbers of versions", hint="hiveloom agent versions NAME --diff 1"
    )


def _take_in(app: App, store: AgentStore, name: str) -> None:
    """Keep what the file holds now; if that fails, what was kept before can be shown still."""
    from hiveloom_cli.agents.agent_file import explain_not_kept

    if not store.has(name):
        return
    try:
        store.keep_current(name)
    except (HiveloomError, OSError) as error:
        store.versions.load(name)  # if the list is what is wrong, that is all there is to say
        app.streams.print_notice(f"warning: {explain_not_kept(name, error)}")


def _list_rows(store: AgentStore, name: str) -> list[tuple[Version, bool]]:
    """Return the versions, newest first, and of each whether it is what the file holds."""
    held = store.load_digest(name)
    newest_first = store.versions.load(name)[::-1]
    current = next((one.number for one in newest_first if one.digest == held), 0)
    return [(one, one.number == current) for one in newest_first]


def _build_row(version: Version, is_current: bool) -> dict[str, Any]:  # noqa: FBT001 - one of a row
    from hiveloom_cli.clock import format_timestamp

    return {
        "number": version.number,
        "taken_at": format_timestamp(version.taken_at),
        "summary": version.summary,
        "current": is_current,
        "sha256": version.digest,
    }


def _print_table(app: App, rows: list[tuple[Version, bool]], limit: int | None) -> None:
    from hiveloom_cli.terminal.table import format_table

    if limit is None and app.streams.stdout.isatty():
        limit = _MOST_ON_A_TERMINAL
    cells = [
        (
            f"{version.number} *" if is_current else str(version.number),
            version.taken_at.astimezone().strftime("%Y-%m-%d %H:%M"),
            version.summary,
        )
        for version, is_current in rows[:limit]
    ]
    for line in format_table(("NUMBER", "TAKEN", "SUMMARY"), cells):
        app.streams.print_line(line)
    if len(rows) > len(cells):
        left_out = len(rows) - len(cells)
        app.streams.print_notice(f"{left_out} older left out; all of them: --limit {len(rows)}")


def _load_version(store: AgentStore, name: str, number: int) -> bytes:
    return store.versions.contents.load(store.versions.get(name, number).digest)


def _print_diff(
    app: App, store: AgentStore, name: str, from_number: int, to_number: int | None
) -> None:
    from hiveloom_cli.terminal.diff import build_diff, print_diff

    old = _load_version(store, name, from_number)
    if to_number is None:
        new, label = _load_current(store, name, from_number), "now"
    else:
        new, label = _load_version(store, name, to_number), f"version {to_number}"
    file = store.build_path(name).name
    lines: Iterable[bytes] = build_diff(
        old, new, f"{file}\tversion {from_number}", f"{file}\t{label}"
    )
    if old == new:
        app.streams.print_notice(f"Nothing differs between version {from_number} and {label}.")
    print_diff(lines, app.streams)


def _load_current(store: AgentStore, name: str, number: int) -> bytes:
    from hiveloom_cli.agents.agent_file import load_content

    if not store.has(name):
        raise AgentNotFound(
            f"the agent {name} was deleted, so there is nothing to compare with",
            hint=f"name a second version: hiveloom agent versions {name} --diff {number} M",
        )
    return load_content(store.build_path(name))
