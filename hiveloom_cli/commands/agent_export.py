"""`hiveloom agent export`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import complete_agents
from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from hiveloom_cli.app import App


@click.command(name="export")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_agents)
@click.option("--all", "everything", is_flag=True, help="Every agent, as one list.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of YAML.")
@click.option("--markdown", is_flag=True, help="The agent's own file, as it stands.")
@click.pass_obj
def export(
    app: App, names: tuple[str, ...], *, everything: bool, as_json: bool, markdown: bool
) -> None:
    """Print agents as a manifest, which `agent import` and `apply` take.

    \b
      hiveloom agent export helper > helper.yaml
      hiveloom agent export --all --json
    """
    from hiveloom_cli.agents.manifest import format_manifest

    if everything == bool(names):
        raise UsageMistake(
            "which agents? A name is missing", hint="hiveloom agent export NAME, or --all"
        )
    if markdown and (everything or as_json or len(names) > 1):
        raise UsageMistake("--markdown prints the file of one agent", hint="give one name alone")
    wanted = app.agents.load_names() if everything else list(dict.fromkeys(names))
    files = [app.agents.load(name) for name in wanted]
    if markdown:
        app.streams.write_bytes(files[0].content)
        return
    agents = [file.agent for file in files]
    as_list = everything or len(agents) > 1
    text = format_manifest(agents, as_json=as_json, as_list=as_list)
    app.streams.print_line(text.removesuffix("\n"))
