"""What the wire formats' requests have in common, once their own words are left behind."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from hiveloom_cli.json_schema import check_schema
from hiveloom_cli.protocols.history import pair_tool_calls
from hiveloom_cli.protocols.message import Message, TextPart
from hiveloom_cli.protocols.output_schema import OutputSchema
from hiveloom_cli.protocols.request import ToolDefinition
from hiveloom_cli.serve.formats.fields import Field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hiveloom_cli.protocols.message import Part

MOST_MESSAGES = 1000
MOST_PARTS = 1000  # of one message
MOST_TOOLS = 1000  # OpenAI takes 128 and says so itself, Anthropic takes what its clients have
MOST_STOPS = 16
MOST_TOKENS = 10_000_000
LONGEST_SCHEMA = 64_000  # as JSON; checking one takes long, and longer by the square of that
LONGEST_NAME = 200
TOOL_NAME = "[a-zA-Z0-9_-]{1,128}"
ANSWER_NAME = "[a-zA-Z0-9_-]{1,64}"
_NO_PARAMETERS = {"type": "object", "properties": {}}


def parse_agent(field: Field) -> str:
    """Read the name of the agent that is asked."""
    name = field.read_text()
    if not 0 < len(name) <= LONGEST_NAME:
        raise field.refuse("the name of an agent is expected")
    return name


def pair_messages(said: Sequence[Message], field: Field) -> tuple[Message, ...]:
    """Build the turns of a conversation, the last of them the user's; `field` holds them.

    Neighbours of one side are one turn, so that the last one has all that is to be answered.
    """
    messages = [message for message in said if message.parts]
    if not messages:
        raise field.refuse("it holds nothing to answer")
    if messages[-1].role != "user" or not _says_something(messages[-1]):
        raise field.refuse(
            "the last message has to be the user's, or the result of a tool, and not empty"
        )
    return pair_tool_calls(messages)


def _says_something(message: Message) -> bool:
    return bool(message.text.strip()) or any(
        not isinstance(part, TextPart) for part in message.parts
    )


def build_text(text: str) -> tuple[Part, ...]:
    """Build the part that a text is, none for an empty one."""
    return (TextPart(text),) if text else ()


def parse_stops(field: Field) -> tuple[str, ...] | None:
    """Read one text or several at which an answer is to stop."""
    if isinstance(field.value, str):
        return (field.value,) if field.value else None
    if not field.is_set:
        return None
    stops = field.read_items(MOST_STOPS)
    return tuple(text for stop in stops if (text := stop.read_text())) or None


def parse_tool(field: Field, schema: Field) -> ToolDefinition:
    """Read a tool of the client's; `schema` is the field that its parameters are in."""
    name = field.get("name")
    if not re.fullmatch(TOOL_NAME, name.read_text()):
        raise name.refuse("letters, digits, '_' and '-' are expected, 128 at most")
    parameters: dict[str, Any] = schema.read_map() if schema.is_set else {}
    if parameters.get("type", "object") != "object":
        raise schema.refuse("a JSON Schema of type object is expected")
    description = field.get("description").read_optional_text()
    return ToolDefinition(name.value, description, parameters or _NO_PARAMETERS)


def check_tools(tools: Sequence[ToolDefinition], field: Field) -> tuple[ToolDefinition, ...]:
    """Return tools that differ in name."""
    names = [tool.name for tool in tools]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise field.refuse(f"two tools are called {twice}")
    return tuple(tools)


def check_choice(name: str, tools: Sequence[ToolDefinition], field: Field) -> str:
    """Return the name of the tool that has to be called, "" for any of `tools`."""
    names = [tool.name for tool in tools]
    if not names:
        raise field.refuse("there are no tools to call")
    if name and name not in names:
        raise field.refuse(f"no tool is called {Field(name).shown}")
    return name


def parse_output(schema: Field, name: Field | None = None) -> OutputSchema:
    """Read the JSON Schema that an answer has to fit, and what it is called."""
    value = schema.read_map()
    if len(json.dumps(value, ensure_ascii=False)) > LONGEST_SCHEMA:
        raise schema.refuse(f"it is longer than {LONGEST_SCHEMA} characters")
    if faults := check_schema(value):
        raise schema.refuse(f"this is no JSON Schema that can be used: {faults[0]}")
    if name is None:
        return OutputSchema(value)
    if not re.fullmatch(ANSWER_NAME, name.read_text()):
        raise name.refuse("letters, digits, '_' and '-' are expected, 64 at most")
    return OutputSchema(value, name.value)
