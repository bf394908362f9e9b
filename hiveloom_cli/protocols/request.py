"""What is asked of a model, and the HTTP request that asks it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.protocols.output_schema import OutputSchema


@dataclass(frozen=True, slots=True)
class Parameters:
    """Sampling and limits; what is None is not sent, so that the upstream's default holds."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool as a model sees it; `input_schema` is a JSON Schema of type object."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request to a model, in no wire format's words.

    Where `may_call` is false, the model is told of the tools, and has to answer without them; else
    `must_call` names the one that it has to call, "" any of them, None that it need not.
    `asked_of` names the upstream and model; reasoning that another made is not sent along.
    `output` is what the answer has to fit, if it is not any text.
    """

    model: str
    messages: tuple[Message, ...]
    system: str = ""
    parameters: Parameters = field(default_factory=Parameters)
    tools: tuple[ToolDefinition, ...] = ()
    may_call: bool = True
    must_call: str | None = None
    stream: bool = True
    asked_of: str = ""
    output: OutputSchema | None = None


@dataclass(frozen=True, slots=True)
class KeyHeader:
    """A header that the key goes in, and what stands before the key."""

    name: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class WireRequest:
    """An HTTP request without its key, so that it can be logged whole.

    The transport writes the key into each of `key_headers` at the moment of sending. A request
    without a body is a GET.
    """

    url: str
    headers: Mapping[str, str]
    key_headers: tuple[KeyHeader, ...]
    body: Mapping[str, Any] | None = None

    @property
    def content(self) -> bytes | None:
        """The body's bytes: JSON in UTF-8, non-ASCII text as itself."""
        if self.body is None:
            return None
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        )
