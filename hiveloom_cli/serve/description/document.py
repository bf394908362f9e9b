"""The whole description, ready to be written as JSON."""

from __future__ import annotations

from typing import Any

from hiveloom_cli import __version__
from hiveloom_cli.serve.description import anthropic, mcp, openai, own
from hiveloom_cli.serve.description.parts import (
    REQUEST_IDS,
    Schema,
    build_object,
    build_text,
    build_words,
)
from hiveloom_cli.serve.description.paths import build_paths
from hiveloom_cli.serve.formats.said import LONGEST_SCHEMA

_SUMMARY = """Agents for other programs, in the ways that they already speak.

An agent is a model of its name. Every path but `/` and `/healthz` wants a token, unless the server
was told to want none. Errors come in the form of the path that was asked for, or, from what stands
before them all, in one that clients of both protocols read; both are described at each path."""


def build_document() -> dict[str, Any]:
    """Build the description as an OpenAPI document, ready to be written as JSON."""
    return {
        "openapi": "3.1.1",
        "info": {"title": "hiveloom serve", "version": __version__, "description": _SUMMARY},
        # Relative to where the document was read: right behind a proxy that speaks TLS, too.
        "servers": [{"url": "/", "description": "The server that this was read from."}],
        "security": [{"bearer": []}, {"key": []}],
        "tags": [{"name": name} for name in ("server", "openai", "anthropic", "agents", "mcp")],
        "paths": build_paths(),
        "components": {
            "schemas": {
                **openai.build_schemas(),
                **anthropic.build_schemas(),
                **own.build_schemas(),
                **mcp.build_schemas(),
                **_build_shared(),
            },
            "headers": _build_headers(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }


def _build_shared() -> dict[str, Schema]:
    data = build_text(
        minLength=1,
        pattern=r"^([Dd][Aa][Tt][Aa]:[^,]{0,200};[Bb][Aa][Ss][Ee]64,)?[A-Za-z0-9+/\s]+={0,2}\s*$",
        description="The data itself, in base64, or as a data URL. Its bytes tell what it is: "
        "PNG, JPEG, GIF, WebP, or, where files are taken, PDF or text.",
    )
    bounds = f"what it refers to stands in it, and it is no longer than {LONGEST_SCHEMA} characters"
    schema = {"type": "object", "description": f"A JSON Schema; {bounds}."}
    parameters = build_object({}, {"type": {"const": "object"}}, description="A JSON Schema.")
    return {"Data": data, "AnswerSchema": schema, "ToolParameters": parameters}


def _build_headers() -> dict[str, Any]:
    id_ = {
        "description": "The request's id, as the access log has it.",
        "required": True,
        "schema": build_text(pattern="^[A-Za-z0-9._-]{1,64}$"),
    }
    seconds = {"type": "integer", "minimum": 1}
    return {
        **dict.fromkeys(REQUEST_IDS, id_),
        "Retry-After": {"description": "How many seconds to wait.", "schema": seconds},
        "X-Should-Retry": {
            "description": "Where asking again changes nothing.",
            "schema": build_words("false"),
        },
        "WWW-Authenticate": {"required": True, "schema": {"const": "Bearer"}},
        "ETag": {"required": True, "schema": build_text(pattern='^".+"$')},
        "Allow": {"description": "The methods that there are.", "schema": build_text()},
    }
