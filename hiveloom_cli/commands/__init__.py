"""The table of commands: a name, the module that declares it, and what it does in one line.

A module is imported when its command is run or its help is asked for, and not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMANDS: Mapping[str, tuple[str, str]] = {
    "chat": ("hiveloom_cli.commands.chat", "Talk to an agent, or ask it one question."),
    "agent": ("hiveloom_cli.commands.agent", "Create, list, show and delete agents."),
    "credential": ("hiveloom_cli.commands.credential", "Store, list, test, rotate, remove keys."),
    "provider": ("hiveloom_cli.commands.provider", "Show known providers and how to use one."),
    "model": ("hiveloom_cli.commands.model", "List models, and forget what was learned of them."),
    "completion": ("hiveloom_cli.commands.completion", "Print a shell's completion script."),
    "demo": ("hiveloom_cli.commands.demo", "Show the whole path on this machine, without a key."),
}
