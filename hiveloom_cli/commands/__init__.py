"""The table of commands: a name, the place that declares it, and what it does in one line.

A module is imported when its command is run or its help is asked for, and not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMANDS: Mapping[str, tuple[str, str]] = {
    "chat": ("chat:command", "Talk to an agent, or ask it one question."),
    "agent": ("agent:command", "Create, edit, share and roll back agents."),
    "conversation": ("conversation:command", "List, show, search, export, delete what was said."),
    "credential": ("credential:command", "Store, list, test, rotate, remove keys."),
    "tool": ("tool:command", "Write, list, show, edit, remove and try tools."),
    "skill": ("skill:command", "Install, list, show, remove skills."),
    "mcp": ("mcp:command", "Add, list, test, remove MCP servers."),
    "capability": ("capability:command", "Give an agent a tool or a skill in one step."),
    "serve": ("serve:command", "Offer the agents to other programs over HTTP."),
    "trust": ("trust:command", "Trust agents that come with a project."),
    "apply": ("apply:command", "Make your agents what manifests say."),
    "provider": ("provider:command", "Show known providers and how to use one."),
    "model": ("model:command", "List models, and forget what was learned of them."),
    "status": ("status:command", "Show what is there, and what is wrong with it."),
    "completion": ("completion:command", "Print a shell's completion script."),
    "demo": ("demo:command", "Show the whole path on this machine, without a key."),
}
