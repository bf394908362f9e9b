"""`hiveloom tool test`."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import complete_references
from hiveloom_cli.errors import HiveloomError, ToolNotFound, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hiveloom_cli.app import App
    from hiveloom_cli.tools.tool import Tool, ToolCard, ToolOutput
    from hiveloom_cli.tools.toolbox import Toolbox


@click.command()
@click.argument("words", nargs=-1, metavar="[NAME] [JSON]", shell_complete=complete_references)
@click.option(
    "--name",
    "name_option",
    metavar="NAME",
    help="The name, if it is not an argument.",
    shell_complete=complete_references,
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def try_tool(app: App, words: tuple[str, ...], name_option: str | None, *, yes: bool) -> None:
    """Run a tool once, without a model: what it gives is printed as it is.

    NAME is what an agent's file would say. What will run is shown, and if the tool asks before it
    runs, so does this. JSON are its arguments (- for stdin).

    \b
      hiveloom tool test weather '{"city": "Zürich"}'
      hiveloom tool test mcp:github/search_issues '{"query": "is:open"}'
    """
    from hiveloom_cli.tools.arguments import parse_call
    from hiveloom_cli.tools.toolbox import open_toolbox

    reference, text = _split_words(words, name_option)
    if text == "-":
        text = app.streams.load_stdin()
    with closing(open_toolbox([reference], app.outside)) as toolbox:
        tool = _choose(toolbox, reference)
        card = tool.load_card()  # as it is now: a server's tool is known from the last time
        output = _run(app, card, tool, parse_call(text, card.definition.input_schema), yes=yes)
    app.streams.write_bytes(output.content.encode("utf-8", "replace"))
    if output.is_error:
        raise click.exceptions.Exit(HiveloomError.exit_code)


def _split_words(words: tuple[str, ...], name_option: str | None) -> tuple[str, str]:
    given = words if name_option is None else (name_option, *words)
    if not given:
        raise UsageMistake("a name is missing", hint="hiveloom tool test NAME JSON")
    if len(given) > 2:
        hint = """put the JSON in quotes: hiveloom tool test weather '{"city": "Oslo"}'"""
        raise UsageMistake("a name and one JSON object are expected, and more was given", hint=hint)
    return given[0], given[1] if len(given) == 2 else "{}"


def _choose(toolbox: Toolbox, reference: str) -> Tool:
    """Return the one tool that there is."""
    cards = toolbox.cards
    if not cards:
        raise next(iter(toolbox.problems), ToolNotFound(f"{reference} has no tools"))
    if len(cards) > 1:
        names = ", ".join(card.reference for card in cards)
        raise UsageMistake(f"{reference} stands for {len(cards)} tools", hint=f"name one: {names}")
    tool = toolbox.find(cards[0].definition.name)
    assert tool is not None  # noqa: S101 -- its card is there
    return tool


def _run(
    app: App, card: ToolCard, tool: Tool, arguments: Mapping[str, Any], *, yes: bool
) -> ToolOutput:
    """Show what would run, and run it if the person lets it."""
    from hiveloom_cli.tools.approval import decide_approval
    from hiveloom_cli.tools.tool import Approval

    lines = tool.describe_call(arguments).split("\n")
    app.streams.print_aside("\n".join(f"  {line}" for line in (f"{card.reference} runs:", *lines)))
    agreement = app.agreements.load(card.reference)
    verdict = decide_approval(card, agreement, in_conversation=False, is_allowed=yes)
    if verdict.approval is Approval.DENY:
        raise HiveloomError(
            f"{card.reference} is not to run: its approval is “deny”",
            hint=f"hiveloom tool edit {card.reference} --approval ask",
        )
    if verdict.approval is Approval.ASK and not yes:
        _ask(app)
    return _run_stoppable(tool, arguments)


def _run_stoppable(tool: Tool, arguments: Mapping[str, Any]) -> ToolOutput:
    """Run a tool beside this thread, which alone gets Ctrl-C: it is never half started."""
    from concurrent.futures import ThreadPoolExecutor, wait

    from hiveloom_cli.stop import Stop
    from hiveloom_cli.threads import NOTICE_S

    stop = Stop()
    with ThreadPoolExecutor(1) as pool:
        try:
            running = pool.submit(tool.run, arguments, stop)
            while not running.done():
                wait([running], NOTICE_S)
            return running.result()
        finally:
            stop.set()


def _ask(app: App) -> None:
    from hiveloom_cli.terminal.question import ask_yes

    if not app.streams.can_ask:
        raise UsageMistake("this tool asks before it runs, and nobody is there", hint="add --yes")
    if not ask_yes("Run it?", app.streams):
        raise HiveloomError("nothing was run")
