"""One entry of `mcp.json`: how a server is reached, and what its tools may do unasked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import BaseUrlInvalid
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.tools.tool import Approval

if TYPE_CHECKING:
    from collections.abc import Mapping

REST = "*"  # in `approval`: the tools that are not named
USUAL_CALL_S = 60.0
_MOST_CALL_S = 600.0
_MILLISECONDS_FROM = 1000.0  # some programs write milliseconds there, and nobody waits so long
_HTTP_WORDS = ("http", "streamable-http", "streamableHttp", "streamable_http")
_LOOSENING = ("alwaysAllow", "autoApprove", "trust")
_UNSAFE = re.compile(r"[^a-z0-9_-]+", re.ASCII)
_MOST_NAME = 40


@dataclass(frozen=True, slots=True)
class StdioTransport:
    """A program that speaks over its standard streams, as the file has it: `${VAR}` and all."""

    command: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str | None


@dataclass(frozen=True, slots=True)
class HttpTransport:
    """A server at an address; `credential` names the key that is sent along, None for none."""

    url: str
    headers: Mapping[str, str]
    credential: str | None


@dataclass(frozen=True, slots=True)
class McpServer:
    """An entry: `key` is its name in the file, `name` what it is called everywhere else.

    `approvals` are the person's own words for tools. `loosening` are the keys of other programs
    that would let tools run unasked: they are not obeyed.
    """

    name: str
    key: str
    transport: StdioTransport | HttpTransport
    approvals: Mapping[str, Approval]
    timeout_s: float
    is_disabled: bool
    loosening: tuple[str, ...]

    def decide_approval(self, tool: str, annotations: Mapping[str, Any]) -> Approval:
        """Decide what has to happen before a tool runs: the person's word, else by its hint."""
        word = self.approvals.get(tool, self.approvals.get(REST))
        return word if word is not None else decide_usual(annotations)


def decide_usual(annotations: Mapping[str, Any]) -> Approval:
    """Decide what a tool's own hint comes to: one that only reads runs by itself."""
    return Approval.AUTO if annotations.get("readOnlyHint") is True else Approval.ASK


def decide_server_name(key: str) -> str:
    """Decide what an entry is called: small letters, digits, '_' and '-'; "" if that is nothing."""
    return _UNSAFE.sub("-", key.strip().lower()).strip("-_")[:_MOST_NAME].rstrip("-_")


def parse_server(key: str, entry: Any) -> McpServer:
    """Read an entry; raise `ValueError` that names the key and what is wrong with it."""
    if not decide_server_name(key):
        raise ValueError("the name has neither letters nor digits")
    if not isinstance(entry, dict):
        raise ValueError("expected an object")  # noqa: TRY004 - one class for every fault of a file
    return McpServer(
        name=decide_server_name(key),
        key=key,
        transport=_parse_transport(entry),
        approvals=_parse_approvals(entry.get("approval")),
        timeout_s=_parse_timeout(entry.get("timeout")),
        is_disabled=_parse_disabled(entry.get("disabled")),
        loosening=tuple(word for word in _LOOSENING if entry.get(word)),
    )


def check_url(url: str) -> None:
    """Return if a server may be asked at `url`; raise `ValueError` if not.

    Private addresses are allowed, since the person wrote them; plain http is not, but to this
    machine: requests carry what the model and the person say, and maybe a key.
    """
    try:
        parsed = parse_base_url(url, source="it")
    except BaseUrlInvalid as error:
        raise ValueError(f"`url`: {error.message.removeprefix('the base URL in it ')}") from None
    if parsed.scheme != "https" and not parsed.is_loopback:
        raise ValueError("`url`: plain http to another machine: use https://")


def get_origin(url: str) -> str:
    """Return what a key for `url` is bound to; the URL was checked before."""
    return parse_base_url(url, source="mcp.json").origin


def _parse_transport(entry: dict[str, Any]) -> StdioTransport | HttpTransport:
    kind = entry.get("type", entry.get("transport"))
    if kind == "sse":
        problem = "`type`: the transport sse was given up; see whether the server speaks http"
        raise ValueError(problem)
    if kind not in (None, "stdio", *_HTTP_WORDS):
        raise ValueError('`type`: expected "stdio" or "http"')
    has_url, has_command = "url" in entry, "command" in entry
    if has_url == has_command:
        raise ValueError("expected either `command` or `url`")
    if kind is not None and has_url != (kind in _HTTP_WORDS):
        raise ValueError(f"`type` is {kind}, which does not fit the other keys")
    return _parse_http(entry) if has_url else _parse_stdio(entry)


def _parse_stdio(entry: dict[str, Any]) -> StdioTransport:
    if "credential" in entry:
        raise ValueError("`credential`: only a server with `url` is sent a key")
    args = entry.get("args", [])
    if not isinstance(args, list) or not all(isinstance(word, str) for word in args):
        raise ValueError("`args`: expected an array of strings")
    return StdioTransport(
        _get_text(entry, "command"),
        tuple(args),
        _get_texts(entry, "env"),
        _get_text(entry, "cwd") if entry.get("cwd") is not None else None,
    )


def _parse_http(entry: dict[str, Any]) -> HttpTransport:
    url = _get_text(entry, "url")
    if "${" not in url:
        check_url(url)
    name = entry.get("credential")
    headers = _get_texts(entry, "headers")
    credential = _get_text(entry, "credential") if name is not None else None
    if credential and any(header.lower() == "authorization" for header in headers):
        raise ValueError("`credential` and an Authorization header: give one of them")
    return HttpTransport(url, headers, credential)


def _parse_approvals(value: Any) -> Mapping[str, Approval]:
    words = {REST: value} if isinstance(value, str) else value
    if words is None:
        return {}
    known = tuple(Approval)
    if not isinstance(words, dict) or not all(word in known for word in words.values()):
        expected = ", ".join(Approval)
        raise ValueError(f"`approval`: expected one of {expected}, or an object of tool and word")
    return {tool: Approval(word) for tool, word in words.items()}


def _parse_timeout(value: Any) -> float:
    if value is None:
        return USUAL_CALL_S
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError("`timeout`: expected a number of seconds")
    seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
    return float(min(max(seconds, 1), _MOST_CALL_S))


def _parse_disabled(value: Any) -> bool:
    if value is not None and not isinstance(value, bool):
        raise ValueError("`disabled`: expected true or false")
    return value is True


def _get_text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"`{key}`: expected text")
    if "\0" in value:
        raise ValueError(f"`{key}`: holds a NUL character")
    return value


def _get_texts(entry: dict[str, Any], key: str) -> Mapping[str, str]:
    values = entry.get(key) or {}
    if not isinstance(values, dict):
        raise ValueError(f"`{key}`: expected an object of texts")  # noqa: TRY004 - as above
    for name, value in values.items():
        if not isinstance(value, str) or "\0" in name + value:
            raise ValueError(f"`{key}.{name}`: expected text")
    return values
