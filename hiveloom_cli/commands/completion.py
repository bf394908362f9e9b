"""`hiveloom completion`: a shell's completion script, generated from the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hiveloom_cli.app import App

_PROGRAM = "hiveloom"


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    Put it where your shell looks for such scripts:

    \b
      bash  ~/.local/share/bash-completion/completions/hiveloom
      zsh   a folder of your fpath, as _hiveloom
      fish  ~/.config/fish/completions/hiveloom.fish

    \b
      hiveloom completion zsh > ~/.zfunc/_hiveloom
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"no completion for {shell}")
    root = context.find_root()
    app: App = root.obj
    source = script(root.command, {}, _PROGRAM, f"_{_PROGRAM.upper()}_COMPLETE")
    app.streams.write(source.source_template % source.source_vars())
