"""The changes of a request's body where an upstream does not take an answer by schema as asked.

From the best way to the last: the protocol's own field, a tool that has to be called, words in the
system prompt. They are of the kind that `body_changes` describes. `found` is "" where the upstream
knows no such thing, or the digest of the one schema that it does not take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hiveloom_cli.protocols.lookup import get_map, get_text
from hiveloom_cli.protocols.output_schema import digest_schema

if TYPE_CHECKING:
    from hiveloom_cli.protocols.output_schema import OutputSchema
    from hiveloom_cli.protocols.request import ChatRequest

Body = dict[str, Any]
_JSON_OBJECT = {"type": "json_object"}
_TOOL_DESCRIPTION = "Give the answer; call it once, with the whole answer."


def drop_stream_by_schema(body: Body, _found: str, _chat: ChatRequest) -> Body:
    """Ask for an answer by schema in one piece."""
    if find_format_schema(body) is None:
        return body
    return _drop(body, "stream", "stream_options")


def drop_strict(body: Body, found: str, _chat: ChatRequest) -> Body:
    """Ask for an answer by schema without holding the model to each word of it."""
    if not is_strict_asked(body) or not _is_about(find_format_schema(body), found):
        return body
    described = _drop(body["response_format"]["json_schema"], "strict")
    return {**body, "response_format": {**body["response_format"], "json_schema": described}}


def tell_schema_beside_tools(body: Body, _found: str, chat: ChatRequest) -> Body:
    """Describe the schema in words where the upstream takes either tools or a schema."""
    if chat.output is None or not body.get("tools") or find_format_schema(body) is None:
        return body
    return _tell(_drop_format(body), chat.output, is_openai="response_format" in body)


def use_answer_tool(body: Body, found: str, chat: ChatRequest) -> Body:
    """Have the model call a tool whose arguments are the answer.

    An agent that has tools of its own is told in words, since it could not use them otherwise, and
    so is one whose answer is no object, as arguments have to be.
    """
    schema = find_format_schema(body)
    if chat.output is None or schema is None or not _is_about(schema, found):
        return body
    rest, is_openai = _drop_format(body), "response_format" in body
    if chat.tools or not chat.output.is_object:
        return _tell(rest, chat.output, is_openai=is_openai)
    tool, choice = _build_tool(chat.output, is_openai=is_openai)
    return {**rest, "tools": [*rest.get("tools", ()), tool], "tool_choice": choice}


def use_instruction(body: Body, found: str, chat: ChatRequest) -> Body:
    """Describe the schema in words; where the upstream may know it, ask for any JSON object."""
    schema = find_tool_schema(body)
    if chat.output is None or schema is None or not _is_about(schema, found):
        return body
    is_openai = get_text(get_map(body, "tool_choice"), "type") == "function"
    rest = _drop(body, "tool_choice", "tools")
    if kept := [tool for tool in body["tools"] if _name(tool) != chat.output.name]:
        rest["tools"] = kept
    elif is_openai:
        rest["response_format"] = _JSON_OBJECT
    return _tell(rest, chat.output, is_openai=is_openai)


def drop_json_object(body: Body, _found: str, _chat: ChatRequest) -> Body:
    """Leave the words alone to ask for JSON."""
    return _drop(body, "response_format") if asks_json_object(body) else body


def find_format_schema(body: Body) -> Body | None:
    """Return the schema in the protocol's own field, if it is there."""
    described = get_map(get_map(body, "response_format"), "json_schema")
    described = described or get_map(get_map(body, "output_config"), "format")
    return get_map(described, "schema") if described else None


def find_tool_schema(body: Body) -> Body | None:
    """Return the schema of the tool that has to be called, if one has to be."""
    choice = get_map(body, "tool_choice")
    name = get_text(choice, "name") or get_text(get_map(choice, "function"), "name")
    for tool in body.get("tools", ()) if name else ():
        if _name(tool) == name:
            return get_map(tool, "input_schema") or get_map(tool.get("function"), "parameters")
    return None


def is_strict_asked(body: Body) -> bool:
    """Whether the model is to be held to each word of the schema."""
    return bool(get_map(get_map(body, "response_format"), "json_schema").get("strict"))


def asks_json_object(body: Body) -> bool:
    """Whether any JSON object is asked for."""
    return body.get("response_format") == _JSON_OBJECT


def _is_about(schema: Body | None, found: str) -> bool:
    return schema is not None and found in ("", digest_schema(schema))


def _drop(body: Body, *names: str) -> Body:
    return {key: value for key, value in body.items() if key not in names}


def _drop_format(body: Body) -> Body:
    rest = _drop(body, "response_format", "output_config")
    if kept := _drop(get_map(body, "output_config"), "format"):
        rest["output_config"] = kept
    return rest


def _build_tool(output: OutputSchema, *, is_openai: bool) -> tuple[Body, Body]:
    said = {"name": output.name, "description": _TOOL_DESCRIPTION}
    if is_openai:
        function = said | {"parameters": output.build_schema()}
        choice = {"type": "function", "function": {"name": output.name}}
        return {"type": "function", "function": function}, choice
    tool = said | {"input_schema": output.build_schema()}
    return tool, {"type": "tool", "name": output.name}


def _name(tool: Body) -> str:
    return get_text(tool, "name") or get_text(tool.get("function"), "name")


def _tell(body: Body, output: OutputSchema, *, is_openai: bool) -> Body:
    told = output.build_instruction()
    if not is_openai:
        return {**body, "system": _append(body.get("system", ""), told)}
    first, *rest = body["messages"]
    if first["role"] == "system":
        first = {**first, "content": _append(first["content"], told)}
        return {**body, "messages": [first, *rest]}
    return {**body, "messages": [{"role": "system", "content": told}, first, *rest]}


def _append(prompt: Any, told: str) -> Any:
    if isinstance(prompt, list):
        return [*prompt, {"type": "text", "text": told}]
    return f"{prompt}\n\n{told}" if prompt else told
