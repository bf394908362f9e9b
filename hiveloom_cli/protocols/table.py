"""The table of protocols, and the rule that picks a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hiveloom_cli.protocols.anthropic_messages import reply as _anthropic_reply
from hiveloom_cli.protocols.anthropic_messages import request as _anthropic_request
from hiveloom_cli.protocols.openai_chat import reply as _openai_reply
from hiveloom_cli.protocols.openai_chat import request as _openai_request
from hiveloom_cli.protocols.reply import ReplyFold, ReplyReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hiveloom_cli.protocols.base_url import BaseUrl
    from hiveloom_cli.protocols.providers import ProtocolName
    from hiveloom_cli.protocols.request import ChatRequest, WireRequest

_CLAUDE_PREFIX = "claude-"


@dataclass(frozen=True, slots=True)
class WireFormat:
    """One protocol: how to ask, how to read the reply, and where it is spoken by default.

    `base_url_variables` are the environment variables that move it, the first that is set winning.
    """

    title: str
    default_base_url: str
    base_url_variables: tuple[str, ...]
    build_request: Callable[[ChatRequest, BaseUrl], WireRequest]
    build_models_request: Callable[[BaseUrl, str], WireRequest]
    open_fold: Callable[[], ReplyFold]

    def open_reader(self) -> ReplyReader:
        """Open a reader for one reply."""
        return ReplyReader(self.open_fold())


PROTOCOLS: Mapping[ProtocolName, WireFormat] = {
    "openai": WireFormat(
        title="Chat Completions",
        default_base_url=_openai_request.DEFAULT_BASE_URL,
        base_url_variables=("HIVELOOM_OPENAI_BASE_URL", "HIVELOOM_OPENAI_COMPAT_BASE_URL"),
        build_request=_openai_request.build_request,
        build_models_request=_openai_request.build_models_request,
        open_fold=_openai_reply.ChatCompletionFold,
    ),
    "anthropic": WireFormat(
        title="Anthropic Messages",
        default_base_url=_anthropic_request.DEFAULT_BASE_URL,
        base_url_variables=("HIVELOOM_ANTHROPIC_BASE_URL",),
        build_request=_anthropic_request.build_request,
        build_models_request=_anthropic_request.build_models_request,
        open_fold=_anthropic_reply.MessagesFold,
    ),
}


def decide_protocol(model: str) -> ProtocolName:
    """Decide by the prefix `claude-`, and by nothing else.

    `anthropic/claude-sonnet-4` is a router's name for a model and goes through Chat Completions.
    """
    return "anthropic" if model.startswith(_CLAUDE_PREFIX) else "openai"
