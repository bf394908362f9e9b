"""A name, given as argument or as `--name`, whichever the person types; and their completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.app import App

_MOST_OFFERED = 20


def take_name(
    complete: Callable[[click.Context, click.Parameter, str], list[CompletionItem]],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare `[NAME]` and `--name NAME`; the command gets `words` and `name_option`."""

    def declare(command: Callable[..., Any]) -> Callable[..., Any]:
        command = click.option(
            "--name",
            "name_option",
            metavar="NAME",
            help="The name, if it is not an argument.",
            shell_complete=complete,
        )(command)
        return click.argument("words", nargs=-1, metavar="[NAME]", shell_complete=complete)(command)

    return declare


def choose_name(words: tuple[str, ...], name_option: str | None) -> str:
    """Return the one name that was given; raise `UsageMistake` for none and for several.

    What was given too much is not repeated: it may be a key.
    """
    given = [*words] if name_option is None else [*words, name_option]
    if not given:
        context = click.get_current_context()
        words_before = [context.command_path, *filter(None, [context.params.get("agent")])]
        raise UsageMistake("a name is missing", hint=f"{' '.join(words_before)} NAME")
    if len(set(given)) > 1:
        raise UsageMistake(
            "one name is expected, and more was given",
            hint="give the name alone (a key is never an argument: it is asked for, or piped in)",
        )
    return given[0]


def complete_agents(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the names of agents."""
    return _complete(find_app(context).agents.load_names(), incomplete)


def complete_deleted_agents(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the names of agents that can be restored."""
    return _complete(find_app(context).agents.load_deleted_names(), incomplete)


def complete_kept_agents(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the names of agents, also of those that were deleted."""
    agents = find_app(context).agents
    return _complete([*agents.load_names(), *agents.load_deleted_names()], incomplete)


def complete_tools(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the names of the tools that files describe."""
    from hiveloom_cli.tools.tool_folder import ToolFolder

    return _complete(ToolFolder(find_app(context).paths.tools).load_names(), incomplete)


def complete_references(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer all tools that an agent can name, those of MCP servers as they are known by now."""
    from hiveloom_cli.tools.kinds import MCP
    from hiveloom_cli.tools.mcp_listing import load_references
    from hiveloom_cli.tools.tool_folder import ToolFolder

    outside = find_app(context).outside
    offered = [f"{MCP}{reference}" for reference in load_references(outside)]
    return _complete([*ToolFolder(outside.tools).load_names(), *offered], incomplete)


def complete_capabilities(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the tools and skills of the agent that was named before."""
    agent = find_app(context).agents.load(context.params["agent"]).agent
    return _complete([*agent.tools, *agent.skills], incomplete)


def complete_credentials(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the names of credentials; no keyring is touched."""
    return _complete(list(find_app(context).credentials.load_all()), incomplete)


def complete_skills(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the names of skills."""
    from hiveloom_cli.tools.skill_folder import SkillFolder

    return _complete(SkillFolder(find_app(context).paths.skills).load_names(), incomplete)


def complete_mcp_servers(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the names of MCP servers; none is started."""
    from hiveloom_cli.tools.mcp_file import load_mcp_file

    return _complete(load_mcp_file(find_app(context).paths.mcp).names, incomplete)


def complete_models(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the models that upstreams were last seen to offer; no upstream is asked.

    They are those of the credential named before, else those that need none named.
    """
    from hiveloom_cli.protocols.providers import MOVABLE

    named = context.params.get("credential")
    return _complete(
        find_app(context).model_cache.load_ids((named,) if named else MOVABLE), incomplete
    )


def complete_conversations(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the ids of the newest conversations, each with its title."""
    rows = find_app(context).conversations.load_recent_ids(incomplete, _MOST_OFFERED)
    return [CompletionItem(id_, help=title) for id_, title in rows]


def complete_paths(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Let the shell offer paths."""
    return [CompletionItem(incomplete, type="file")]


def find_app(context: click.Context) -> App:
    """Return the `App` that this run was started with."""
    app: App = context.find_root().obj
    return app


def _complete(names: list[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
