"""How a chat looks: options, and the variables that a person sets once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.terminal.look import Look, Reasoning, ThemeName

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hiveloom_cli.app import App

_DUMB = frozenset({"dumb", "unknown"})


def take_look(command: Callable[..., Any]) -> Callable[..., Any]:
    """Declare the options; `choose_look` reads them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def choose_look(app: App, options: dict[str, Any]) -> Look:
    """Build a chat's look from a command's options and the environment."""
    return Look(
        markdown=not options["no_markdown"],
        theme=ThemeName(options["theme"]),
        reasoning=_choose_reasoning(options["show_reasoning"]),
        append_only=options["screen_reader"] or _wants_append_only(app.environ),
        clock=app.clock,
    )


def _choose_reasoning(shown: bool | None) -> Reasoning:  # noqa: FBT001 -- as click gives it
    if shown is None:
        return Reasoning.FOLDED
    return Reasoning.SHOWN if shown else Reasoning.HIDDEN


def _wants_append_only(environ: Mapping[str, str]) -> bool:
    if environ.get("ACCESSIBLE", "").strip() not in ("", "0"):
        return True
    term = environ.get("TERM", "").strip().lower()
    # Windows has no TERM, and its terminals are able.
    return term in _DUMB or (not term and sys.platform != "win32")


_OPTIONS = (
    click.option(
        "--show-reasoning/--hide-reasoning",
        default=None,
        help="Show what the model thinks, or nothing of it; else one line says how long.",
    ),
    click.option("--no-markdown", is_flag=True, help="Show the text of answers as it comes."),
    click.option(
        "--theme",
        type=click.Choice([name.value for name in ThemeName], case_sensitive=False),
        default=ThemeName.AUTO.value,
        show_default=True,
        envvar="HIVELOOM_THEME",
        show_envvar=True,
        help="The colours of answers; auto takes the terminal's own.",
    ),
    click.option(
        "--screen-reader",
        is_flag=True,
        help="Plain lines that say who speaks, nothing redrawn (as ACCESSIBLE=1).",
    ),
)
