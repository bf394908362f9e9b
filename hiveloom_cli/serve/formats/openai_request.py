"""Read a Chat Completions request.

Source: `CompletionCreateParams` of the official SDK. `model` is the name of an agent. What changes
nothing for an agent (seeds, penalties, tiers, how much it thinks) is passed over; what would give
another answer than the client counts on is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.protocols.message import Message, ToolCall, ToolResult
from hiveloom_cli.protocols.output_schema import OutputSchema
from hiveloom_cli.protocols.request import Parameters
from hiveloom_cli.serve.asked import Asked
from hiveloom_cli.serve.formats.fields import parse_body
from hiveloom_cli.serve.formats.media import fit_title, parse_file, parse_image
from hiveloom_cli.serve.formats.said import (
    MOST_MESSAGES,
    MOST_PARTS,
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.protocols.message import Part
    from hiveloom_cli.protocols.request import ToolDefinition
    from hiveloom_cli.serve.formats.fields import Field

_ROLES = ("assistant", "developer", "system", "tool", "user")
_SYSTEM_ROLES = ("developer", "system")
_CHOICES = ("auto", "none", "required")
_FORMATS = ("json_object", "json_schema", "text")
HOTTEST = 2.0
_LEGACY = "it is not supported: use tools in its place"
UNSAID = (None, False, 0)
REFUSED = {
    "functions": _LEGACY,
    "function_call": _LEGACY,
    "logprobs": "an agent does not tell how likely its words are",
    "top_logprobs": "an agent does not tell how likely its words are",
    "web_search_options": "an agent searches with tools of its own, or not at all",
}


def parse_asked(body: bytes, agent: str = "") -> Asked:
    """See `WireFormat.parse_asked`."""
    fields = parse_body(body)
    _check_unsupported(fields)
    messages = fields.get("messages")
    said = messages.read_items(MOST_MESSAGES)
    stream = fields.get("stream").read_flag()
    options = fields.get("stream_options")
    if options.is_set and not stream:
        raise options.refuse("it is only allowed when stream is true")
    tools, several = _parse_tools(fields), fields.get("parallel_tool_calls")
    return Asked(
        agent=agent or parse_agent(fields.get("model")),
        messages=pair_messages([one for message in said for one in _parse_turn(message)], messages),
        system="\n\n".join(filter(None, map(_parse_system, said))),
        parameters=_parse_parameters(fields),
        tools=tools,
        must_call=_parse_must_call(fields.get("tool_choice"), tools),
        one_call=several.is_set and not several.read_flag(),
        output=_parse_format(fields.get("response_format")),
        stream=stream,
        include_usage=options.is_set and options.get("include_usage").read_flag(),
    )


def _check_unsupported(fields: Field) -> None:
    number = fields.get("n")
    if (number.read_count(128) or 1) != 1:
        raise number.refuse("an agent gives one answer: only 1 is supported")
    for name, problem in REFUSED.items():
        if fields.get(name).value not in UNSAID:
            raise fields.get(name).refuse(problem)
    kinds = fields.get("modalities")
    if kinds.is_set and any(kind.value != "text" for kind in kinds.read_items(MOST_PARTS)):
        raise kinds.refuse("an agent answers with text alone")


def _parse_parameters(fields: Field) -> Parameters:
    limit = fields.get("max_tokens").read_count(MOST_TOKENS)
    return Parameters(
        temperature=fields.get("temperature").read_number(0, HOTTEST),
        top_p=fields.get("top_p").read_number(0, 1),
        max_tokens=fields.get("max_completion_tokens").read_count(MOST_TOKENS) or limit,
        stop=parse_stops(fields.get("stop")),
    )


def _parse_tools(fields: Field) -> tuple[ToolDefinition, ...]:
    tools = fields.get("tools")
    if not tools.is_set:
        return ()
    definitions = []
    for tool in tools.read_items(MOST_TOOLS):
        tool.get("type").read_word(["function"])
        function = tool.get("function")
        definitions.append(parse_tool(function, function.get("parameters")))
    found = check_tools(definitions, tools)
    return () if fields.get("tool_choice").value == "none" else found


def _parse_must_call(choice: Field, tools: tuple[ToolDefinition, ...]) -> str | None:
    if choice.value in (None, "auto", "none"):
        return None
    if isinstance(choice.value, str):
        choice.read_word(_CHOICES)
        return check_choice("", tools, choice)
    choice.get("type").read_word(["function"])
    named = choice.get("function").get("name")
    return check_choice(named.read_text(), tools, choice)


def _parse_format(field: Field) -> OutputSchema | None:
    if not field.is_set:
        return None
    match field.get("type").read_word(_FORMATS):
        case "json_object":
            return OutputSchema({"type": "object"}, "json_object")
        case "json_schema":
            described = field.get("json_schema")
            return parse_output(described.get("schema"), described.get("name"))
    return None


def _parse_system(message: Field) -> str:
    if message.get("role").value not in _SYSTEM_ROLES:
        return ""
    return _parse_text(message.get("content"))


def _parse_turn(message: Field) -> Iterator[Message]:
    match message.get("role").read_word(_ROLES):
        case "user":
            yield Message("user", tuple(_parse_content(message.get("content"))))
        case "tool":
            content = _parse_text(message.get("content"))
            call_id = message.get("tool_call_id").read_text()
            yield Message("user", (ToolResult(call_id, content),))
        case "assistant":
            yield Message("assistant", tuple(_parse_assistant(message)))


def _parse_content(field: Field) -> Iterator[Part]:
    if isinstance(field.value, list):
        for part in field.read_items(MOST_PARTS):
            yield from _parse_part(part)
    else:
        yield from build_text(field.read_text())


def _parse_part(part: Field) -> Iterator[Part]:
    match part.get("type").read_word(["file", "image_url", "text"]):
        case "text":
            yield from build_text(part.get("text").read_text())
        case "image_url":
            yield parse_image(part.get("image_url").get("url"))
        case "file":
            file = part.get("file")
            if file.get("file_id").is_set:
                raise file.get("file_id").refuse("no files are kept here: send file_data")
            name = fit_title(file.get("filename").read_optional_text(), "document.pdf")
            yield parse_file(file.get("file_data"), name)


def _parse_assistant(message: Field) -> Iterator[Part]:
    content, refusal, call = map(message.get, ("content", "refusal", "function_call"))
    if call.is_set:
        raise call.refuse("it is not supported: use tool_calls in its place")
    if content.is_set:
        yield from build_text(_parse_text(content))
    yield from build_text(refusal.read_optional_text())
    calls = message.get("tool_calls")
    for call in calls.read_items(MOST_PARTS) if calls.is_set else ():
        call.get("type").read_word(["function"])
        function = call.get("function")
        yield ToolCall(
            call.get("id").read_text(),
            function.get("name").read_text(),
            function.get("arguments").read_text(),
        )


def _parse_text(content: Field) -> str:
    """Read what may be text alone: a string, or parts of text, or of a refusal."""
    if not isinstance(content.value, list):
        return content.read_text()
    parts = content.read_items(MOST_PARTS)
    return "".join(
        part.get(part.get("type").read_word(["refusal", "text"])).read_text() for part in parts
    )
