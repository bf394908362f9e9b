"""What it takes to start or reach an MCP server, and what nobody may read of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hiveloom_cli.secret import MASK, looks_like_key, mask_secret
from hiveloom_cli.tools.command_environment import build_environment
from hiveloom_cli.tools.mcp_server import HttpTransport, StdioTransport, get_origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from hiveloom_cli.secret import Secret
    from hiveloom_cli.tools.mcp_server import McpServer
    from hiveloom_cli.tools.outside import Outside

_SECRET_NAME = re.compile(r"key|token|secret|password|passwd|auth|cookie", re.IGNORECASE)
_SHORTEST_SECRET = 6  # a shorter value would be masked all over an innocent text
_WORD_ENDS = re.compile(r"[\s=&?:,;/\\]+")


@dataclass(frozen=True, slots=True)
class Launch:
    """A server's name, its transport without variables, and the key that is sent along.

    `environ` is all of a process's environment but what the entry and the SDK add. `hidden` are
    values of the entry that stand in no message.
    """

    name: str
    transport: StdioTransport | HttpTransport
    environ: Mapping[str, str]
    key: Secret | None
    hidden: tuple[str, ...]
    log: Path

    def is_like(self, other: Launch) -> bool:
        """Whether both start, or reach, the same server in the same way, with the same key."""
        ours, theirs = (one.key.reveal() if one.key is not None else "" for one in (self, other))
        return ours == theirs and replace(self, key=None) == replace(other, key=None)

    def mask(self, text: str) -> str:
        """Hide the key, and the values that are secret, in `text`."""
        for value in self.hidden:
            text = text.replace(value, MASK)
        return mask_secret(text, self.key) if self.key is not None else text

    def mask_value(self, value: Any) -> Any:
        """Hide them in each text of a JSON value that the server gave."""
        match value:
            case str():
                return self.mask(value)
            case list():
                return [self.mask_value(item) for item in value]
            case dict():
                return {self.mask(name): self.mask_value(item) for name, item in value.items()}
        return value


def load_launch(server: McpServer, outside: Outside) -> Launch:
    """Gather what a server needs, its variables put in; its key is fetched.

    Raises `CredentialError`.
    """
    transport, key = server.transport, None
    if isinstance(transport, HttpTransport):
        values = transport.headers
        if transport.credential:
            key = outside.load_key(transport.credential, get_origin(transport.url))
    else:
        values = transport.env
    environ = build_environment(outside.environ, ())
    hidden = tuple(sorted(_find_hidden(values), key=len, reverse=True))
    return Launch(server.name, transport, environ, key, hidden, outside.logs / f"{server.name}.log")


def has_key_like(text: str) -> bool:
    """Whether a part of `text` looks like a key, such as the value of `--token=...`."""
    return any(looks_like_key(word) for word in _WORD_ENDS.split(text))


def format_transport(server: McpServer) -> str:
    """Say in one line how a server is reached, as the file has it, without what looks like a key.

    Variables are not put in, and what goes in the environment or in headers is left out.
    """
    transport = server.transport
    if isinstance(transport, HttpTransport):
        return _mask_keys(transport.url)
    from shlex import join

    words = (transport.command, *transport.args)
    place = f" (in {transport.cwd})" if transport.cwd else ""
    return f"{join(_mask_keys(word) for word in words)}{place}"


def _mask_keys(text: str) -> str:
    for word in _WORD_ENDS.split(text):
        if looks_like_key(word):
            text = text.replace(word, MASK)
    return text


def _find_hidden(values: Mapping[str, str]) -> Iterator[str]:
    for name, value in values.items():
        is_secret = _SECRET_NAME.search(name) is not None or has_key_like(value)
        if is_secret and len(value) >= _SHORTEST_SECRET:
            yield value
            yield from (word for word in value.split() if len(word) > _SHORTEST_SECRET)
