"""`${VAR}` in an entry of `mcp.json`, as other programs write it.

`${VAR}`, `${env:VAR}` and `${VAR:-instead}` stand for variables of the process environment, in a
command and its arguments, `cwd`, `env`, `url` and `headers`. The keys of model providers are not to
be had that way, nor are this program's own variables: no line of a file that was copied from
somewhere sends them to a server.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.tools.command_environment import build_environment, explain_refusal
from hiveloom_cli.tools.mcp_server import HttpTransport, StdioTransport, check_url

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\{(env:|input:)?([^}:]*)(:-[^}]*)?\}")
_OWN_PREFIX = "HIVELOOM_"


def expand_transport(
    transport: StdioTransport | HttpTransport, environ: Mapping[str, str]
) -> StdioTransport | HttpTransport:
    """Put variables in; raise `ValueError` that names the key and the variable."""

    def expand(key: str, text: str) -> str:
        return _VARIABLE.sub(lambda match: _look_up(key, match, environ), text)

    def expand_all(key: str, texts: Mapping[str, str]) -> dict[str, str]:
        return {name: expand(f"{key}.{name}", text) for name, text in texts.items()}

    if isinstance(transport, HttpTransport):
        url = expand("url", transport.url)
        check_url(url)
        return replace(transport, url=url, headers=expand_all("headers", transport.headers))
    return StdioTransport(
        expand("command", transport.command),
        tuple(expand("args", word) for word in transport.args),
        expand_all("env", transport.env),
        expand("cwd", transport.cwd) if transport.cwd else None,
    )


def _look_up(key: str, match: re.Match[str], environ: Mapping[str, str]) -> str:
    origin, name, instead = match.groups()
    if origin == "input:":
        raise ValueError(f"`{key}`: {match[0]} would be asked for: name a variable instead")
    if problem := _explain_refusal(name, environ):
        raise ValueError(f"`{key}`: {problem}")
    if value := environ.get(name, ""):
        return value
    if instead is None:
        raise ValueError(f"`{key}`: the variable {name} is not set")
    return instead.removeprefix(":-")


def _explain_refusal(name: str, environ: Mapping[str, str]) -> str:
    if name.upper().startswith(_OWN_PREFIX):
        return f"{name} is a variable of hiveloom's own, which no MCP server gets"
    try:
        build_environment(environ, [name])
    except HiveloomError as error:  # a key of a provider, under another name
        return error.message
    return explain_refusal(name)
