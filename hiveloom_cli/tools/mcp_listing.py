"""What servers offered when they were last asked: a file each, in the cache folder of tools.

    {"version": 1, "server": "time", "tools": [{"name": "…", "description": "…",
                                                "inputSchema": {…}, "annotations": {…}}]}

A file belongs to one way of reaching a server: whoever changes the entry in `mcp.json` asks anew.
All of it can be asked for again: what cannot be read counts as absent, what cannot be written is
left out.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.files import load_text, save_bytes
from hiveloom_cli.tools.mcp_file import load_mcp_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from hiveloom_cli.tools.mcp_server import McpServer
    from hiveloom_cli.tools.outside import Outside

_VERSION = 1
_MOST_DESCRIPTION = 4_000
_MOST_NAME = 256
_MOST_SCHEMA = 50_000
_CUT = " […]"
_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool as its server describes it, cut to what a model is told and a person decides by."""

    name: str
    description: str
    input_schema: Mapping[str, Any]
    annotations: Mapping[str, Any]

    @property
    def text(self) -> str:
        """All of it as canonical JSON, to compare with what it was."""
        return json.dumps(self.document, ensure_ascii=False, indent=1, sort_keys=True)

    @property
    def document(self) -> dict[str, Any]:
        """All of it, in the words of the protocol."""
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": dict(self.input_schema),
            "annotations": dict(self.annotations),
        }


def parse_listing(items: Iterable[Any]) -> tuple[list[ListedTool], list[str]]:
    """Read what a server lists: the tools, and a sentence for each that cannot be used."""
    tools: dict[str, ListedTool] = {}
    problems: list[str] = []
    for item in items:
        try:
            tool = _parse_tool(item)
            tools.setdefault(tool.name, tool)
        except ValueError as error:
            problems.append(str(error))
    return list(tools.values()), problems


def load_listing(server: McpServer, folder: Path) -> list[ListedTool] | None:
    """Return what the server offered last; None if that is not known."""
    try:
        document = json.loads(load_text(build_path(server, folder)))
        if document["version"] != _VERSION:
            return None
        tools, problems = parse_listing(document["tools"])
    except (HiveloomError, OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return None if problems else tools


def save_listing(server: McpServer, folder: Path, tools: Iterable[ListedTool]) -> None:
    """Keep what the server has just offered; a file that says the same is left alone."""
    document = {
        "version": _VERSION,
        "server": server.name,
        "tools": [tool.document for tool in tools],
    }
    with suppress(OSError):
        text = json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "replace")
        path = build_path(server, folder)
        if not path.exists() or path.read_bytes() != text:
            save_bytes(path, text)


def load_references(outside: Outside) -> Iterator[str]:
    """Yield what an agent's file can name, without the prefix, as far as it is known by now.

    Nothing is started. Raises `FileUnreadable`.
    """
    for server in load_mcp_file(outside.mcp).servers.values():
        if not server.is_disabled:
            yield server.name
            for tool in load_listing(server, outside.cache) or ():
                yield f"{server.name}/{tool.name}"


def build_path(server: McpServer, folder: Path) -> Path:
    """Name a server's file: its name for people, a digest of how it is reached."""
    from hashlib import sha256

    reached = json.dumps(asdict(server.transport), sort_keys=True)
    digest = sha256(f"{server.name} {reached}".encode("utf-8", "replace")).hexdigest()[:16]
    return folder / f"mcp-{server.name}-{digest}.json"


def _parse_tool(item: Any) -> ListedTool:
    name = item.get("name") if isinstance(item, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= _MOST_NAME or not name.isprintable():
        # Line ends in it could pass for more of what a person is asked.
        raise ValueError("a tool without a usable name")
    schema = item.get("inputSchema")
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise ValueError(f"the tool {name}: its input is not described as an object")
    if len(json.dumps(schema)) > _MOST_SCHEMA:
        raise ValueError(f"the tool {name}: its input takes too many words to describe")
    description = item.get("description")
    text = description if isinstance(description, str) else ""
    if len(text) > _MOST_DESCRIPTION:
        text = text[: _MOST_DESCRIPTION - len(_CUT)] + _CUT
    schema = {"type": "object", "properties": {}, **schema}
    return ListedTool(name, text, schema, _parse_annotations(item.get("annotations")))


def _parse_annotations(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    hints = {name: value[name] for name in _HINTS if isinstance(value.get(name), bool)}
    title = value.get("title")
    return {**hints, "title": title[:_MOST_NAME]} if isinstance(title, str) else hints
