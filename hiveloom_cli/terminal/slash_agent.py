"""Commands about who answers, and how they are asked."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hiveloom_cli.agents.schema import find_expected
from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.terminal.spent import format_context
from hiveloom_cli.terminal.visible import format_one_line

if TYPE_CHECKING:
    from hiveloom_cli.protocols.event import Usage
    from hiveloom_cli.protocols.request import Parameters
    from hiveloom_cli.terminal.repl import Repl
    from hiveloom_cli.terminal.world import Answerer

PARAMETERS = ("temperature", "top_p", "max_tokens", "stop")

_MOST_DESCRIBED = 120  # characters of a tool's description


def switch_agent(chat: Repl, argument: str) -> None:
    """Go on with another agent; what was said stays."""
    chat.switch(chat.world.open_agent(argument))
    chat.streams.print_line(f"{_describe(chat.answerer)} answers from here on.")


def switch_model(chat: Repl, argument: str) -> None:
    """Go on with another model; what was said stays."""
    former = chat.conversation.agent
    agent = replace(chat.answerer.agent, model=argument)
    chat.switch(chat.world.open_model(chat.answerer, agent))
    agent = chat.answerer.agent
    # What /system and /set said holds on, and for this conversation alone.
    chat.conversation.agent = replace(former, model=agent.model, credential=agent.credential)
    chat.streams.print_line(f"{_describe(chat.answerer)} answers from here on.")


def _describe(answerer: Answerer) -> str:
    agent, upstream = answerer.agent, answerer.upstream
    where = f"{upstream.base_url.origin} (credential {upstream.credential})"
    who = f"{agent.name}: {agent.model}" if agent.name else agent.model
    return format_one_line(f"{who} at {where}")


def system(chat: Repl, argument: str) -> None:
    """Show the system prompt, or set it for this conversation."""
    if not argument:
        chat.streams.print_line(chat.conversation.agent.system_prompt or "(no system prompt)")
        return
    chat.conversation.agent = replace(chat.conversation.agent, system_prompt=argument)
    chat.streams.print_line("The system prompt of this conversation is set.")


def set_parameter(chat: Repl, argument: str) -> None:
    """Show temperature, top_p, max_tokens and stop, or set one; without VALUE it is unset."""
    if argument:
        key, sign, value = argument.partition("=")
        parameters = _change(chat.conversation.agent.parameters, key.strip(), sign, value.strip())
        chat.conversation.agent = replace(chat.conversation.agent, parameters=parameters)
    for key in PARAMETERS:
        chat.streams.print_line(_format_parameter(chat.conversation.agent.parameters, key))


def _change(parameters: Parameters, key: str, sign: str, text: str) -> Parameters:
    if key not in PARAMETERS or not sign:
        raise UsageMistake(
            "/set takes KEY=VALUE; the keys are " + ", ".join(PARAMETERS),
            hint="/set temperature=0.2, or /set temperature= for the upstream's own",
        )
    value = _parse_value(text)
    if value is None:
        return replace(parameters, **{key: None})
    if expected := find_expected(key, value):
        raise UsageMistake(f"{key}: expected {expected}")
    if key == "stop":
        value = (value,) if isinstance(value, str) else tuple(value)
    return replace(parameters, **{key: value})


def _parse_value(text: str) -> Any:
    """Read a value: JSON where it is some, else the text itself; None for nothing."""
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return text


def _format_parameter(parameters: Parameters, key: str) -> str:
    value = getattr(parameters, key)
    if value is None:
        return f"{key}: the upstream's own"
    return f"{key}: {json.dumps(value, ensure_ascii=False)}"


def show_tools(chat: Repl, _argument: str) -> None:
    """Show the tools of the agent, and which of them ask before they run."""
    turns = chat.answerer.turns
    for card in turns.cards:
        description = format_one_line(card.definition.description, limit=_MOST_DESCRIBED)
        chat.streams.print_line(f"{card.reference} ({card.approval}): {description}")
    if not turns.cards:
        chat.streams.print_line("the agent has no tools; hiveloom tool --help says how to add some")


def show_usage(chat: Repl, _argument: str) -> None:
    """Show the tokens of this conversation and of the last turn, cost and context."""
    chat.streams.print_line(f"this conversation: {_format_usage(chat.spent.usage)}")
    chat.streams.print_line(f"the last turn: {_format_usage(chat.last_spent)}")
    chat.streams.print_line(f"cost: {chat.spent.format_cost() or 'not known'}")
    context = format_context(chat.conversation, chat.answerer).removeprefix("context ")
    chat.streams.print_line(f"context: {context or 'not known'}")


def _format_usage(usage: Usage | None) -> str:
    if usage is None:
        return "not known"
    went, came = ("?" if n is None else f"{n:,}" for n in (usage.input_tokens, usage.output_tokens))
    cached = usage.cached_input_tokens
    return f"{went} tokens in, {came} out" + ("" if cached is None else f", {cached:,} cached")


def show_request(chat: Repl, _argument: str) -> None:
    """Show what is sent: where, to which model, with which settings; no key."""
    upstream, agent = chat.answerer.upstream, chat.conversation.agent
    address = replace(upstream.base_url, query="")  # some services take keys there
    rows = {
        "protocol": upstream.protocol,
        "address": f"{address}",
        "credential": upstream.credential,
        "agent": f"{agent.name} (version {chat.answerer.version})" if agent.name else "none",
        "model": agent.model,
        "system prompt": f"{len(agent.system_prompt):,} characters",
        "messages": f"{len(chat.conversation.messages):,}",
        "streaming": "yes" if chat.conversation.stream else "no",
        "conversation": chat.conversation.id
        if chat.answerer.turns.has_saved
        else "not kept so far",
    }
    for label, value in rows.items():
        chat.streams.print_line(f"{label}: {format_one_line(value)}")
    set_parameter(chat, "")
