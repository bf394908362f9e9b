"""Read a Messages request.

Source: `MessageCreateParams` of the official SDK. `model` is the name of an agent. What changes
nothing for an agent (caching, tiers, how much it thinks) is passed over; what would give another
answer than the client counts on is refused. Thoughts that came from here go back to their maker;
others, and blocks that only another server understands, are left out of what the model said.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hiveloom_cli.protocols.message import (
    ImagePart,
    Message,
    TextFilePart,
    TextPart,
    ToolCall,
    ToolResult,
)
from hiveloom_cli.protocols.request import Parameters
from hiveloom_cli.serve.asked import Asked
from hiveloom_cli.serve.formats.fields import parse_body
from hiveloom_cli.serve.formats.media import fit_title, parse_file, parse_image
from hiveloom_cli.serve.formats.said import (
    MOST_MESSAGES,
    MOST_PARTS,
    MOST_STOPS,
    MOST_TOKENS,
    MOST_TOOLS,
    build_text,
    check_choice,
    check_tools,
    pair_messages,
    parse_agent,
    parse_output,
    parse_stops,
    parse_tool,
)
from hiveloom_cli.serve.formats.thoughts import SEALED_FIELDS, parse_thoughts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.protocols.message import Part
    from hiveloom_cli.protocols.output_schema import OutputSchema
    from hiveloom_cli.protocols.request import ToolDefinition
    from hiveloom_cli.serve.formats.fields import Field

_ROLES = ("assistant", "system", "user")
_BLOCKS = ("document", "image", "search_result", "text")
_CHOICES = ("any", "auto", "none", "tool")
_SOURCES = ("base64", "content", "file", "text", "url")
_ELSEWHERE = {
    "file": "no files are kept here: send the data itself, as base64",
    "url": "nothing is fetched for a request: send the data itself, as base64",
}


def parse_asked(body: bytes, agent: str = "") -> Asked:
    """See `WireFormat.parse_asked`."""
    fields = parse_body(body, brackets=False)
    limit = fields.get("max_tokens")
    if not limit.is_set:
        raise limit.refuse("it is required")
    return _parse_fields(fields, agent)


def parse_counted(body: bytes) -> Asked:
    """Read a request whose tokens are to be counted: it is one without a limit."""
    return _parse_fields(parse_body(body, brackets=False), "")


def _parse_fields(fields: Field, agent: str) -> Asked:
    servers = fields.get("mcp_servers")
    if servers.is_set and servers.read_items(MOST_PARTS):
        raise servers.refuse("an agent has its own MCP servers; others are not supported")
    messages = fields.get("messages")
    said = messages.read_items(MOST_MESSAGES)
    systems = [fields.get("system"), *_list_systems(said)]
    choice, tools = fields.get("tool_choice"), _parse_tools(fields)
    return Asked(
        agent=agent or parse_agent(fields.get("model")),
        messages=pair_messages([turn for one in said for turn in _parse_turn(one)], messages),
        system="\n\n".join(filter(None, (_parse_text(one) for one in systems if one.is_set))),
        parameters=_parse_parameters(fields),
        tools=tools,
        must_call=_parse_must_call(choice, tools),
        one_call=choice.is_set and choice.get("disable_parallel_tool_use").read_flag(),
        thoughts=_parse_thinking(fields.get("thinking")),
        output=_parse_format(fields),
        stream=fields.get("stream").read_flag(),
    )


def _parse_thinking(thinking: Field) -> bool:
    """Read whether the client understands thoughts; how much is thought, the model decides."""
    return thinking.is_set and thinking.get("type").read_text() != "disabled"


def _parse_parameters(fields: Field) -> Parameters:
    stops = fields.get("stop_sequences")
    if stops.is_set:
        stops.read_items(MOST_STOPS)
    return Parameters(
        temperature=fields.get("temperature").read_number(0, 1),
        top_p=fields.get("top_p").read_number(0, 1),
        max_tokens=fields.get("max_tokens").read_count(MOST_TOKENS),
        stop=parse_stops(stops),
    )


def _parse_tools(fields: Field) -> tuple[ToolDefinition, ...]:
    tools, choice = fields.get("tools"), fields.get("tool_choice")
    if not tools.is_set:
        return ()
    definitions = []
    for tool in tools.read_items(MOST_TOOLS):
        if tool.get("type").is_set:
            tool.get("type").read_word(["custom"])
        schema = tool.get("input_schema")
        schema.read_map()
        definitions.append(parse_tool(tool, schema))
    found = check_tools(definitions, tools)
    return () if choice.is_set and choice.get("type").value == "none" else found


def _parse_must_call(choice: Field, tools: tuple[ToolDefinition, ...]) -> str | None:
    match choice.get("type").read_word(_CHOICES) if choice.is_set else "auto":
        case "any":
            return check_choice("", tools, choice)
        case "tool":
            return check_choice(choice.get("name").read_text(), tools, choice)
    return None


def _parse_format(fields: Field) -> OutputSchema | None:
    config, older = fields.get("output_config"), fields.get("output_format")
    told = [config.get("format"), older] if config.is_set else [older]
    found = [_parse_schema(described) for described in told if described.is_set]
    return found[0] if found else None


def _parse_schema(described: Field) -> OutputSchema:
    described.get("type").read_word(["json_schema"])
    return parse_output(described.get("schema"))


def _list_systems(said: list[Field]) -> list[Field]:
    return [one.get("content") for one in said if one.get("role").value == "system"]


def _parse_turn(message: Field) -> Iterator[Message]:
    role, content = message.get("role").read_word(_ROLES), message.get("content")
    if role == "system":
        return
    if not isinstance(content.value, list):
        yield Message("user" if role == "user" else "assistant", build_text(content.read_text()))
        return
    blocks = content.read_items(MOST_PARTS)
    if role == "user":
        yield Message("user", tuple(part for block in blocks for part in _parse_said(block)))
    else:
        yield Message("assistant", tuple(_parse_answer(blocks)))


def _parse_said(block: Field) -> Iterator[Part]:
    if block.get("type").read_word([*_BLOCKS, "tool_result"]) == "tool_result":
        yield from _parse_result(block)
    else:
        yield from _parse_block(block)


def _parse_answer(blocks: list[Field]) -> Iterator[Part]:
    kinds = [block.get("type").read_text() for block in blocks]
    said = zip(blocks, kinds, strict=True)
    thoughts = iter(parse_thoughts([one.read_map() for one, kind in said if kind in SEALED_FIELDS]))
    for block, kind in zip(blocks, kinds, strict=True):
        match kind:
            case "text":
                yield from build_text(block.get("text").read_text())
            case "tool_use":
                arguments = json.dumps(block.get("input").read_map(), ensure_ascii=False)
                yield ToolCall(
                    block.get("id").read_text(), block.get("name").read_text(), arguments
                )
            case _ if kind in SEALED_FIELDS:
                if (thought := next(thoughts)) is not None:
                    yield thought


def _parse_result(block: Field) -> Iterator[Part]:
    """Read a tool's result: its text, and after it what a text cannot hold."""
    content, parts = block.get("content"), []
    if isinstance(content.value, list):
        inner = content.read_items(MOST_PARTS)
        found = [part for one in inner for part in _parse_block(one)]
        text = "\n".join(part.text for part in found if isinstance(part, TextPart))
        parts = [part for part in found if not isinstance(part, TextPart)]
    else:
        text = content.read_optional_text()
    call_id, failed = block.get("tool_use_id").read_text(), block.get("is_error").read_flag()
    yield ToolResult(call_id, text, is_error=failed)
    yield from parts


def _parse_block(block: Field) -> Iterator[Part]:
    match block.get("type").read_word(_BLOCKS):
        case "text":
            yield from build_text(block.get("text").read_text())
        case "image":
            yield _parse_image(block.get("source"))
        case "document":
            yield from build_text(block.get("context").read_optional_text())
            title = block.get("title").read_optional_text()
            yield from _parse_document(block.get("source"), title)
        case "search_result":
            title, source = block.get("title").read_text(), block.get("source").read_text()
            text = f"{source}\n\n{_parse_text(block.get('content'))}"
            yield TextFilePart(fit_title(title, "search result"), text)


def _parse_image(source: Field) -> ImagePart:
    _check_source(source, ("base64", "file", "url"))
    return parse_image(source.get("data"))


def _parse_document(source: Field, title: str) -> Iterator[Part]:
    match _check_source(source, _SOURCES):
        case "base64":
            yield parse_file(source.get("data"), fit_title(title, "document.pdf"))
        case "text":
            name = fit_title(title, "document.txt")
            yield TextFilePart(name, source.get("data").read_text())
        case "content":
            content = source.get("content")
            if not isinstance(content.value, list):
                yield TextFilePart(fit_title(title, "document.txt"), content.read_text())
                return
            for block in content.read_items(MOST_PARTS):
                block.get("type").read_word(["image", "text"])
                yield from _parse_block(block)


def _check_source(source: Field, kinds: tuple[str, ...]) -> str:
    kind = source.get("type").read_word(kinds)
    if kind in _ELSEWHERE:
        raise source.refuse(_ELSEWHERE[kind])
    return kind


def _parse_text(content: Field) -> str:
    """Read what may be text alone: a string, or blocks of text."""
    if not isinstance(content.value, list):
        return content.read_text()
    blocks = content.read_items(MOST_PARTS)
    return "\n".join(
        block.get(block.get("type").read_word(["text"])).read_text() for block in blocks
    )
