"""Which paths there are, and what comes of each.

A new route has its place in `build_paths`; a test holds that to the application's routes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from hiveloom_cli.serve.description import anthropic, mcp, openai, own
from hiveloom_cli.serve.description import refusals as told
from hiveloom_cli.serve.description.parts import (
    JSON,
    build_either,
    build_object,
    build_operation,
    build_reply,
    build_text,
    refer,
)
from hiveloom_cli.serve.formats import anthropic_messages, native, openai_chat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hiveloom_cli.serve.formats.wire_format import WireFormat

_OPENAI, _ANTHROPIC, _OWN = (
    cast("WireFormat", module) for module in (openai_chat, anthropic_messages, native)
)
_WATCH = (told.FOR_ALL, told.FOR_TOKENS)
_GET = (*_WATCH, told.FOR_PLACES)
_POST = (*_GET, told.FOR_BODIES)


def build_paths() -> dict[str, Any]:
    """Build the operations, by path and method."""
    agents = "/api/tenants/default/agents"
    return {
        "/": {"get": _build_page()},
        "/healthz": {"get": _build_health()},
        "/openapi.json": {"get": _build_own_description()},
        "/metrics": {"get": _build_metrics()},
        "/v1/models": {"get": _build_models(), "parameters": [_build_version()]},
        "/v1/models/{agent}": {
            "get": _build_model(),
            "parameters": [_build_agent(), _build_version()],
        },
        "/v1/chat/completions": {"post": _build_chat_completions()},
        "/v1/messages": {"post": _build_messages()},
        "/v1/messages/count_tokens": {"post": _build_count()},
        agents: {"get": _build_agents()},
        f"{agents}/{{agent}}/chat": {"post": _build_chat(), "parameters": [_build_agent()]},
        "/mcp/{agent}": {"post": _build_mcp(), "parameters": [_build_agent()]},
    }


def _build_page() -> dict[str, Any]:
    had = {"name": "if-none-match", "in": "header", "schema": build_text(), "required": False}
    answers = {
        "200": build_reply("The page.", {"text/html": build_text()}, ["ETag"]),
        "304": build_reply("It is the one that was had.", {}, ["ETag"]),
    }
    responses = {**answers, **_refuse([told.FOR_ALL], {})}
    return build_operation(
        "page",
        "Show the page that a person talks to the agents with",
        responses,
        tag="server",
        security=[],
        parameters=[had],
    )


def _build_health() -> dict[str, Any]:
    answer = build_reply("It is.", {JSON: build_object({"status": {"const": "ok"}})})
    responses = {"200": answer, **_refuse([told.FOR_ALL], {})}
    return build_operation(
        "health", "Whether the server is alive", responses, tag="server", security=[]
    )


def _build_own_description() -> dict[str, Any]:
    shape = build_object({"openapi": build_text(pattern="^3\\.1\\.")})
    responses = {
        "200": build_reply("This document.", {JSON: shape}),
        **_refuse(_GET, {}),
    }
    return build_operation("description", "Show this document", responses, tag="server")


def _build_metrics() -> dict[str, Any]:
    numbers = build_reply("Prometheus' text format, 0.0.4.", {"text/plain": build_text()})
    responses = {"200": numbers, **_refuse(_WATCH, {})}
    return build_operation("metrics", "Show what the server counts", responses, tag="server")


def _build_models() -> dict[str, Any]:
    shapes = build_either(refer("ModelList"), refer("ModelInfoList"))
    # With an agent among them, one can be asked for by its name, and be asked.
    links = {"model": _build_link("model", "$response.body#/data/0/id")}
    formats = {_OPENAI: told.ON_READING, _ANTHROPIC: told.ON_READING}
    responses = {
        "200": build_reply("The agents, as models.", {JSON: shapes}, links=links),
        **_refuse(_GET, formats),
    }
    return build_operation("models", "List the agents as models", responses, tag="openai")


def _build_model() -> dict[str, Any]:
    shapes = build_either(refer("Model"), refer("ModelInfo"))
    codes = told.join([told.ON_READING, told.ON_NAMING])
    responses = {
        "200": build_reply("The agent, as a model.", {JSON: shapes}),
        **_refuse(_GET, {_OPENAI: codes, _ANTHROPIC: codes}),
    }
    return build_operation("model", "Show an agent as a model", responses, tag="openai")


def _build_chat_completions() -> dict[str, Any]:
    return build_operation(
        "chatCompletions",
        "Have an agent answer, as OpenAI's service does",
        {"200": openai.build_answer(), **_refuse_to_answer(_OPENAI)},
        tag="openai",
        body=openai.build_request(),
    )


def _build_messages() -> dict[str, Any]:
    return build_operation(
        "messages",
        "Have an agent answer, as Anthropic's service does",
        {"200": anthropic.build_answer(), **_refuse_to_answer(_ANTHROPIC)},
        tag="anthropic",
        body=anthropic.build_request(),
    )


def _build_count() -> dict[str, Any]:
    codes = told.join([told.ON_SAYING, told.ON_READING])
    return build_operation(
        "countTokens",
        "Estimate how many tokens a request is",
        {"200": anthropic.build_count(), **_refuse(_POST, {_ANTHROPIC: codes})},
        tag="anthropic",
        body=anthropic.build_counted(),
    )


def _build_agents() -> dict[str, Any]:
    links = {"chat": _build_link("chat", "$response.body#/agents/0/name")}
    responses = {
        "200": build_reply("The agents.", {JSON: refer("AgentList")}, links=links),
        **_refuse(_GET, {_OWN: told.ON_READING}),
    }
    return build_operation("agents", "List the agents", responses, tag="agents")


def _build_chat() -> dict[str, Any]:
    return build_operation(
        "chat",
        "Say something to an agent",
        {"200": own.build_answer(), **_refuse_to_answer(_OWN, told.ON_NAMING, told.ON_GOING_ON)},
        tag="agents",
        body=own.build_request(),
    )


def _build_mcp() -> dict[str, Any]:
    return build_operation(
        "mcp",
        "Ask an agent's tools, by the Model Context Protocol",
        {**_refuse(_POST, {_OPENAI: told.ON_NAMING}), **mcp.build_answers()},
        tag="mcp",
        body=mcp.build_request(),
    )


def _refuse_to_answer(format_: WireFormat, *more: told.Codes) -> dict[str, Any]:
    codes = told.join([told.list_answering(), *more])
    return {**_refuse(_POST, {format_: codes}), **told.build_gone()}


def _refuse(
    guard: Sequence[told.Codes], formats: Mapping[WireFormat, told.Codes]
) -> dict[str, Any]:
    """Build what else can come, in these formats or, where there is none, in OpenAI's.

    Whoever sends `anthropic-version` is told of a path or a method in Anthropic's.
    """
    asked = formats or {_OPENAI: {}}
    lost = {404: ("not_found",)} if any(404 in codes for codes in asked.values()) else {}
    spoken = asked if _ANTHROPIC in asked else {**asked, _ANTHROPIC: lost}
    return told.build_refusals(
        guard, {format_: told.join([codes, told.ON_ASKING]) for format_, codes in spoken.items()}
    )


def _build_link(operation: str, agent: str) -> dict[str, Any]:
    return {"operationId": operation, "parameters": {"agent": agent}}


def _build_agent() -> dict[str, Any]:
    return {
        "name": "agent",
        "in": "path",
        "required": True,
        "description": "The name of an agent.",
        "schema": build_text(minLength=1),
        "example": "helper",
    }


def _build_version() -> dict[str, Any]:
    return {
        "name": "anthropic-version",
        "in": "header",
        "description": "Whoever sends it, be it empty, is answered in Anthropic's form.",
        "schema": build_text(),
    }
