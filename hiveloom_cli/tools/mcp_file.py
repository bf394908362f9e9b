"""The list of MCP servers, `mcp.json`, in the form that other programs use.

    {"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]},
                    "tickets": {"type": "http", "url": "https://mcp.example.com/mcp",
                                "credential": "tickets", "approval": {"delete": "deny"}}}}

`approval` and `credential` are this program's own. `disabled` and `timeout` are honoured; keys that
are not known are left alone, here and on disk. An entry that is broken keeps no other from being
used, and stays in the file as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import AlreadyExists, McpServerFailed, SettingsInvalid, ToolNotFound
from hiveloom_cli.files import load_document, open_lock, save_bytes
from hiveloom_cli.tools.mcp_server import McpServer, decide_server_name, parse_server
from hiveloom_cli.tools.mcp_variables import expand_transport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ROOTS = ("mcpServers", "servers")  # the second is one editor's
_HINT = "correct the file, or move it away"


@dataclass(frozen=True, slots=True)
class McpFile:
    """The servers by name, the faults of entries by name, and the document they come from."""

    path: Path
    servers: Mapping[str, McpServer] = field(default_factory=dict)
    faults: Mapping[str, SettingsInvalid] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The names of all entries, sorted, whether they are valid or not."""
        return sorted({*self.servers, *self.faults})

    def find(self, name: str) -> McpServer:
        """Return the server of that name. Raises `ToolNotFound` and `SettingsInvalid`."""
        if name in self.faults:
            raise self.faults[name]
        if name not in self.servers:
            raise _build_not_found(name, self.names)
        return self.servers[name]

    def find_enabled(self, name: str) -> McpServer:
        """Return the server of that name; raises as `find`, and `McpServerFailed` if disabled."""
        server = self.find(name)
        if server.is_disabled:
            raise McpServerFailed(
                f"the MCP server {name} is disabled", hint=f"remove `disabled` in {self.path}"
            )
        return server

    def expand(self, server: McpServer, environ: Mapping[str, str]) -> McpServer:
        """Put the variables of the environment in. Raises `SettingsInvalid`."""
        try:
            return replace(server, transport=expand_transport(server.transport, environ))
        except ValueError as error:
            raise _build_fault(self.path, server.key, str(error)) from None


def load_mcp_file(path: Path) -> McpFile:
    """Read the list; a missing file is an empty one. Raises `FileUnreadable`."""
    document = load_document(path, _parse_document, hint=_HINT)
    if document is None:
        return McpFile(path)
    servers: dict[str, McpServer] = {}
    faults: dict[str, SettingsInvalid] = {}
    for key, entry in document[_find_root(document)].items():
        try:
            server = parse_server(key, entry)
            if server.name in servers:
                raise ValueError(f"means the same as “{servers[server.name].key}”")  # noqa: TRY301 - one fault of an entry among the others
            servers[server.name] = server
        except ValueError as error:
            faults[decide_server_name(key) or key] = _build_fault(path, key, str(error))
    for name in faults:
        servers.pop(name, None)
    return McpFile(path, servers, faults, document)


def add_server(path: Path, name: str, entry: Mapping[str, Any], *, replace_it: bool) -> McpServer:
    """Write an entry that is valid.

    Raises `AlreadyExists`, and `FileUnreadable` for a file that cannot be understood.
    """
    try:
        server = parse_server(name, dict(entry))
    except ValueError as error:
        raise _build_fault(path, name, str(error)) from None
    with open_lock(path):
        file = load_mcp_file(path)
        if server.name in file.names and not replace_it:
            raise AlreadyExists(
                f"there is an MCP server named {server.name} already ({path})",
                hint="choose another name, or add --force to replace it",
            )
        _save(file, {**_without(file, server.name), name: dict(entry)})
    return server


def remove_server(path: Path, name: str) -> None:
    """Remove an entry, broken or not. Raises `ToolNotFound` and `FileUnreadable`."""
    with open_lock(path):
        file = load_mcp_file(path)
        check_listed(file, name)
        _save(file, _without(file, name))


def check_listed(file: McpFile, name: str) -> None:
    """Return if there is an entry of that name, broken or not; raise `ToolNotFound` if not."""
    if name not in file.names:
        raise _build_not_found(name, file.names)


def _without(file: McpFile, name: str) -> dict[str, Any]:
    entries = file.document.get(_find_root(file.document), {})
    return {
        key: entry for key, entry in entries.items() if (decide_server_name(key) or key) != name
    }


def _save(file: McpFile, entries: dict[str, Any]) -> None:
    document = {**file.document, _find_root(file.document): entries}
    save_bytes(file.path, (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode())


def _parse_document(text: str) -> dict[str, Any]:
    document = json.loads(text) if text.strip() else {}
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one class for every fault of a file
    root = _find_root(document)
    if not isinstance(document.setdefault(root, {}), dict):
        raise ValueError(f'"{root}" is not an object')  # noqa: TRY004 - as above
    return document


def _find_root(document: Mapping[str, Any]) -> str:
    return next((root for root in _ROOTS if root in document), _ROOTS[0])


def _build_fault(path: Path, key: str, problem: str) -> SettingsInvalid:
    return SettingsInvalid(path, f"the server “{key}”: {problem}")


def _build_not_found(name: str, names: list[str]) -> ToolNotFound:
    from difflib import get_close_matches

    close = get_close_matches(name, names, n=1)
    if close:
        hint = f"did you mean {close[0]}?"
    else:
        hint = "see which there are: hiveloom mcp list" if names else "hiveloom mcp add --help"
    return ToolNotFound(f"there is no MCP server named {name}", hint=hint)
