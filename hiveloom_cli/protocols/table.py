"""The table of protocols, and the rule that picks a row.

Rows are read by whoever has to know where a key goes; the code behind a row is imported when a
request is built, so that only the protocol that is spoken is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.protocols.base_url import BaseUrl
    from hiveloom_cli.protocols.providers import ProtocolName
    from hiveloom_cli.protocols.reply import ReplyFold, ReplyReader
    from hiveloom_cli.protocols.request import ChatRequest, WireRequest

_CLAUDE_PREFIX = "claude-"


class RequestBuilder(Protocol):
    """What a protocol's module `request` offers."""

    def build_request(self, chat: ChatRequest, base_url: BaseUrl) -> WireRequest:
        """Build the request that asks a model."""
        ...

    def build_models_request(self, base_url: BaseUrl, after: str = "") -> WireRequest:
        """Build the request for the list of models, from the one that follows `after`."""
        ...


class ReplyOpener(Protocol):
    """What a protocol's module `reply` offers."""

    def open_fold(self) -> ReplyFold:
        """Open what one reply is read into."""
        ...


@dataclass(frozen=True, slots=True)
class WireFormat:
    """One protocol: where it is spoken by default, how to ask, and how to read the reply.

    `base_url_variables` are the environment variables that move it, the first that is set winning;
    `package` has the modules `request` and `reply`.
    """

    title: str
    default_base_url: str
    base_url_variables: tuple[str, ...]
    package: str

    @property
    def requests(self) -> RequestBuilder:
        """The builder of this protocol's requests."""
        return cast("RequestBuilder", import_module(f"{self.package}.request"))

    def open_reader(self) -> ReplyReader:
        """Open a reader for one reply."""
        from hiveloom_cli.protocols.reply import ReplyReader

        opener = cast("ReplyOpener", import_module(f"{self.package}.reply"))
        return ReplyReader(opener.open_fold())


PROTOCOLS: Mapping[ProtocolName, WireFormat] = {
    "openai": WireFormat(
        title="Chat Completions",
        default_base_url="https://api.openai.com/v1",
        base_url_variables=("HIVELOOM_OPENAI_BASE_URL", "HIVELOOM_OPENAI_COMPAT_BASE_URL"),
        package="hiveloom_cli.protocols.openai_chat",
    ),
    "anthropic": WireFormat(
        title="Anthropic Messages",
        default_base_url="https://api.anthropic.com",
        base_url_variables=("HIVELOOM_ANTHROPIC_BASE_URL",),
        package="hiveloom_cli.protocols.anthropic_messages",
    ),
}


def decide_protocol(model: str) -> ProtocolName:
    """Decide by the prefix `claude-`, and by nothing else.

    `anthropic/claude-sonnet-4` is a router's name for a model and goes through Chat Completions.
    """
    return "anthropic" if model.startswith(_CLAUDE_PREFIX) else "openai"
