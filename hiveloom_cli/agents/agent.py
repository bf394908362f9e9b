"""What an agent is: a model, a prompt, and how to ask."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hiveloom_cli.agents.limits import Limits
from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.protocols.request import Parameters
from hiveloom_cli.secret import looks_like_key

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
NAME_RULE = "small letters, digits, '.', '_' and '-', with a letter or digit first, 63 at most"


@dataclass(frozen=True, slots=True)
class Compaction:
    """When what was said first is summarised: once a request fills `threshold` of the context.

    `keep` is how many exchanges stay word for word.
    """

    threshold: float = 0.8
    keep: int = 4


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent as its file describes it; `credential` is "" where the model decides.

    `max_tool_rounds` is how often a turn's tool calls get results, None for the program's default.
    `save` says whether conversations with it are kept. `context_window` is how many tokens the
    model reads, where the person says so; `compaction` is None where nothing is to be summarised.
    `extra` are settings of the file that this program does not know, in their order. `warnings` are
    about the file: sentences for the person, none of them fatal.
    """

    name: str
    model: str
    system_prompt: str = ""
    description: str = ""
    credential: str = ""
    parameters: Parameters = field(default_factory=Parameters)
    tools: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    max_tool_rounds: int | None = None
    save: bool = True
    limits: Limits = field(default_factory=Limits)
    context_window: int | None = None
    compaction: Compaction | None = Compaction()
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    warnings: tuple[str, ...] = ()


def is_agent_name(text: str) -> bool:
    """Whether `text` can name an agent: `[a-z0-9][a-z0-9._-]{0,62}`, so never a path."""
    return _NAME.fullmatch(text) is not None


def parse_new_name(text: str) -> str:
    """Return `text` if a new agent can have that name; raise `UsageMistake` if not.

    What looks like a key is refused, and not repeated.
    """
    if looks_like_key(text):
        raise UsageMistake("that looks like a key, not a name", hint="give a name of your own")
    return parse_agent_name(text)


def parse_agent_name(text: str) -> str:
    """Return `text` if it can name an agent; raise `UsageMistake` with the rule if not."""
    if not is_agent_name(text):
        raise UsageMistake(f"“{text}” cannot name an agent", hint=f"use {NAME_RULE}")
    return text
