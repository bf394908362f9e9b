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

from hiveloom_cli.protocols.providers import PROVIDERS
from hiveloom_cli.tools.mcp_server import HttpTransport, StdioTransport, check_url

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\{(env:|input:)?([^}:]*)(:-[^}]*)?\}")
_OWN_PREFIX = "HIVELOOM_"


def is_withheld(variable: str) -> bool:
    """Whether a variable of the environment is kept from MCP servers."""
    name = variable.upper()
    keys = {provider.key_variable for provider in PROVIDERS if provider.key_variable}
    return name in keys or name.startswith(_OWN_PREFIX)


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
    if is_withheld(name):
        raise ValueError(f"`{key}`: {name} is not handed to MCP servers")
    if value := environ.get(name, ""):
        return value
    if instead is None:
        raise ValueError(f"`{key}`: the variable {name} is not set")
    return instead.removeprefix(":-")
