"""Every refusal that upstreams are known to give: its kind, its text, and what helps.

The bodies are those of the wire's facts, word for word; they come over a real socket, for a stream
and for one body alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.errors import (
    AnswerEmpty,
    AnswerTimedOut,
    BaseUrlInvalid,
    HostUnknown,
    ProxyFailed,
    ReplyNotUnderstood,
    StreamCutShort,
    TlsFailed,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnreachable,
)
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.upstream.advice import decide_hint
from hiveloom_cli.upstream.fault_kind import FaultKind, decide_kind
from hiveloom_cli.upstream.resolve import (
    EnvironmentKey,
    PlaceholderKey,
    StoredKey,
    SystemdKey,
    Upstream,
)
from tests.support.faults import Wire, check_outcome, take_turn
from tests.support.upstream import json_reply
from tests.support.wire import anthropic_error, encode_json, openai_error

if TYPE_CHECKING:
    from hiveloom_cli.protocols.providers import ProtocolName
    from hiveloom_cli.upstream.resolve import KeySource

KEY_HINT = "hiveloom credential rotate --name work"
LESS = "begin anew with /new"


@dataclass(frozen=True)
class Row:
    status: int
    body: bytes
    kind: FaultKind
    said: str
    hint: str


def say(text: str, **fields: Any) -> bytes:
    return encode_json({"error": {"message": text, **fields}})


def flat(text: str, **fields: Any) -> bytes:
    return encode_json({"message": text, **fields})


PAGE = b"<html>\r\n<head><title>%b</title></head>\r\n<body><center>nginx</center></body></html>"
ROUTED = {"raw": '{"error":{"message":"the real one"}}', "provider_name": "Acme"}
EXTRA = {
    "type": "extra_forbidden",
    "loc": ["body", "messages", 1, "reasoning_content"],
    "msg": "Extra inputs are not permitted",
}
OVERFLOWS = {
    "OpenAI": (400, "This model's maximum context length is 8192 tokens. However, your messages"),
    "OpenAI's newer": (400, "Your input exceeds the context window of this model. Please adjust"),
    "OpenRouter": (400, "This endpoint's maximum context length is 200000 tokens. However, you"),
    "Groq": (400, "Please reduce the length of the messages or completion."),
    "Together": (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097"),
    "Together's other": (400, "The input (9 tokens) is longer than the model's context length (8"),
    "Mistral": (400, "Prompt contains 9 tokens and 0 draft tokens, too large for model with 8 ma"),
    "Mistral's newer": (400, "Prompt 262280 > 262144 maximum context length"),
    "Cerebras": (400, "Please reduce the length of the messages or completion. Current length is"),
    "Fireworks": (400, "The prompt is too long: 1000008, model maximum context length: 131071"),
    "Anthropic": (400, "prompt is too long: 200005 tokens > 200000 maximum"),
    "Anthropic's sum": (400, "input length and `max_tokens` exceed context limit: 188240 + 21333"),
    "DashScope": (400, "Range of input length should be [1, 30720]"),
    "Kimi": (400, "Invalid request: Your request exceeded model token limit: 8192"),
    "MiniMax": (400, "invalid params, context window exceeds limit"),
    "llama.cpp": (
        400,
        "the request exceeds the available context size. try increasing it",
    ),
    "Google": (400, "The input token count exceeds the maximum number of tokens allowed 1048576."),
    "vLLM": (400, "... However, your request has 9 input tokens. Please reduce the length of the"),
    "as a server's fault": (500, "litellm.BadRequestError: maximum context length is 8192 tokens"),
    "as a limit": (429, "prompt is too long: 9 tokens > 8 maximum"),
    "as a size": (413, "Input is too long for requested model."),
}
NO_MODELS = {
    "OpenAI": (404, "The model `m` does not exist or you do not have access to it."),
    "Anthropic": (404, "model: claude-x"),
    "Ollama": (404, "model 'm' not found"),
    "Ollama's older": (404, 'model "m" not found, try pulling it first'),
    "vLLM": (404, "The model `m` does not exist."),
    "OpenRouter": (400, "x/y is not a valid model ID"),
    "LiteLLM": (400, "/chat/completions: Invalid model name passed in model=m. Call `/v1/models`"),
    "Fireworks": (404, "Model not found, inaccessible, and/or not deployed"),
    "DeepSeek": (400, "Model Not Exist: no such model"),
    "Together": (404, "Unable to access model m: model not available"),
    "generic": (404, "Unknown model: m"),
}
ROWS: dict[str, Row] = {
    **{
        f"overflow, {name}": Row(status, say(text), FaultKind.OVERFLOW, text[:30], LESS)
        for name, (status, text) in OVERFLOWS.items()
    },
    "overflow by its code": Row(
        400, say("No.", code="context_length_exceeded"), FaultKind.OVERFLOW, "No.", LESS
    ),
    **{
        f"no model, {name}": Row(status, say(text), FaultKind.NO_MODEL, text, "model list")
        for name, (status, text) in NO_MODELS.items()
    },
    "no model by its code": Row(
        404, say("No.", code="model_not_found"), FaultKind.NO_MODEL, "No.", "--credential work"
    ),
    "401 of OpenAI": Row(
        401,
        openai_error("Incorrect API key provided: sk-12**34.", code="invalid_api_key"),
        FaultKind.AUTHENTICATION,
        "401 Unauthorized: Incorrect API key",
        KEY_HINT,
    ),
    "401 of Anthropic": Row(
        401,
        anthropic_error("invalid x-api-key", kind="authentication_error"),
        FaultKind.AUTHENTICATION,
        "401 Unauthorized: invalid x-api-key",
        KEY_HINT,
    ),
    "401 of vLLM": Row(
        401, b'{"error":"Unauthorized"}', FaultKind.AUTHENTICATION, "401 Unauthorized", KEY_HINT
    ),
    "401 of Mistral": Row(
        401,
        b'{"message":"Unauthorized","request_id":"1"}',
        FaultKind.AUTHENTICATION,
        ": Unauthorized",
        "the key stored as work was sent",
    ),
    "401 of llama-cpp-python": Row(
        401, b'{"detail":"Invalid API key"}', FaultKind.AUTHENTICATION, "Invalid API key", KEY_HINT
    ),
    "401 of LiteLLM": Row(
        401,
        say(
            "Authentication Error, No api key passed in.",
            type="auth_error",
            param="None",
            code="401",
        ),
        FaultKind.AUTHENTICATION,
        "No api key passed in",
        KEY_HINT,
    ),
    "400 of LiteLLM without a database": Row(
        400, say("No connected db."), FaultKind.AUTHENTICATION, "No connected db", KEY_HINT
    ),
    "401 of Fireworks": Row(
        401, b"unauthorized", FaultKind.AUTHENTICATION, ": unauthorized", KEY_HINT
    ),
    "401 of DeepSeek": Row(
        401,
        say("Authentication Fails, Your api key is invalid"),
        FaultKind.AUTHENTICATION,
        "Authentication Fails",
        KEY_HINT,
    ),
    "400 of Google": Row(
        400, say("API key not valid."), FaultKind.AUTHENTICATION, "API key not valid", KEY_HINT
    ),
    "401 without a body": Row(401, b"", FaultKind.AUTHENTICATION, "it gave no reason", KEY_HINT),
    "402 of DeepSeek": Row(
        402, say("Insufficient Balance"), FaultKind.BALANCE, "402 Payment Required", "balance"
    ),
    "402 of OpenRouter": Row(
        402,
        say("This request requires more credits, or fewer max_tokens.", code=402),
        FaultKind.BALANCE,
        "more credits",
        "balance and limits at 127.0.0.1",
    ),
    "400 of Anthropic, credit": Row(
        400,
        anthropic_error("Your credit balance is too low to access the Anthropic API."),
        FaultKind.BALANCE,
        "credit balance",
        "balance",
    ),
    "412 of Fireworks": Row(
        412, say("Account suspended"), FaultKind.BALANCE, "412", "the key stored as work"
    ),
    "429 of OpenAI, quota": Row(
        429,
        openai_error(
            "You exceeded your current quota, please check your plan and billing details.",
            kind="insufficient_quota",
            code="insufficient_quota",
        ),
        FaultKind.QUOTA,
        "current quota",
        "balance",
    ),
    "403 of OpenAI": Row(
        403,
        say("Country, region, or territory not supported"),
        FaultKind.PERMISSION,
        "403 Forbidden: Country",
        "--credential NAME",
    ),
    "403 of OpenRouter": Row(
        403,
        say("Input was flagged", metadata={"reasons": ["violence"], "flagged_input": "x"}),
        FaultKind.PERMISSION,
        "flagged",
        "what it may use",
    ),
    "403 of a gateway": Row(
        403, PAGE % b"Attention Required! | Cloudflare", FaultKind.PERMISSION, "Cloudflare", "sent"
    ),
    "404 of a router, tools": Row(
        404,
        say("No endpoints found that support tool use.", code=404),
        FaultKind.NO_ROUTE,
        "No endpoints",
        "ask another model",
    ),
    "404 of a router, images": Row(
        404,
        say("No endpoints found that support image input", code=404),
        FaultKind.MEDIA,
        "image input",
        "takes images or documents",
    ),
    "404 of a router, policy": Row(
        404,
        say("No endpoints found matching your data policy.", code=404),
        FaultKind.NO_ROUTE,
        "data policy",
        "router's settings",
    ),
    "404 of FastAPI": Row(
        404, b'{"detail":"Not Found"}', FaultKind.ADDRESS, "404 Not Found", "base URL"
    ),
    "404 of a web server": Row(
        404, PAGE % b"404 Not Found", FaultKind.ADDRESS, "a web page, “404 Not Found”", "base URL"
    ),
    "405 of a web server": Row(
        405, PAGE % b"405 Not Allowed", FaultKind.ADDRESS, "405 Method Not Allowed", "base URL"
    ),
    "413 of Groq": Row(
        413,
        openai_error(
            "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 9",
            kind="tokens",
            code="rate_limit_exceeded",
        ),
        FaultKind.TOO_LARGE,
        "Request too large",
        "send less",
    ),
    "429 of OpenAI, size": Row(
        429,
        openai_error(
            "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000.",
            kind="tokens",
            code="rate_limit_exceeded",
        ),
        FaultKind.TOO_LARGE,
        "Request too large",
        "send less",
    ),
    "413 of Anthropic": Row(
        413,
        anthropic_error("Request exceeds the maximum size", kind="request_too_large"),
        FaultKind.TOO_LARGE,
        "maximum size",
        "send less",
    ),
    "413 of nginx": Row(
        413,
        PAGE % b"413 Request Entity Too Large",
        FaultKind.TOO_LARGE,
        "Entity Too Large",
        "send less",
    ),
    "413 without a body": Row(413, b"", FaultKind.TOO_LARGE, "it gave no reason", "send less"),
    "400 without a body": Row(400, b"", FaultKind.BAD_REQUEST, "it gave no reason", "parameters"),
    "422 of FastAPI": Row(
        422,
        encode_json({"detail": [{"loc": ["body", "n"], "msg": "too big", "type": "x"}]}),
        FaultKind.BAD_REQUEST,
        "body.n: too big",
        "parameters",
    ),
    "422 of Mistral": Row(
        422,
        encode_json({"object": "error", "message": {"detail": [EXTRA]}, "code": None}),
        FaultKind.BAD_REQUEST,
        "body.messages.1.reasoning_content: Extra inputs are not permitted",
        "parameters",
    ),
    "422 of DeepSeek, images": Row(
        422,
        say("Failed to deserialize: messages[0]: unknown variant `image_url`, expected `text`"),
        FaultKind.MEDIA,
        "image_url",
        "takes images or documents",
    ),
    "400 of vLLM, images": Row(
        400,
        say("m is not a multimodal model"),
        FaultKind.MEDIA,
        "multimodal",
        "takes images or documents",
    ),
    "400 of Anthropic, images": Row(
        400,
        anthropic_error("messages.0.image.source.base64.data: image exceeds 5 MB maximum"),
        FaultKind.BAD_MEDIA,
        "5 MB",
        "attach something smaller",
    ),
    "400 of Cerebras": Row(
        400,
        flat("body.thinking: property 'body.thinking' is unsupported", code="wrong_api_format"),
        FaultKind.BAD_REQUEST,
        "body.thinking: property",
        "parameters",
    ),
    "400 behind a router": Row(
        400,
        say("Provider returned error", code=400, metadata=ROUTED),
        FaultKind.BAD_REQUEST,
        "Provider returned error (Acme: the real one)",
        "parameters",
    ),
    "an overflow behind a router": Row(
        400,
        say("Provider returned error", metadata={"raw": "prompt is too long: 9 tokens"}),
        FaultKind.OVERFLOW,
        "(provider: prompt is too long",
        LESS,
    ),
    "400 of old vLLM": Row(
        400,
        flat("Oh", object="error", type="BadRequestError", param=None, code=400),
        FaultKind.BAD_REQUEST,
        "400 Bad Request: Oh",
        "parameters",
    ),
    "408": Row(408, b"", FaultKind.BUSY, "408 Request Timeout", "ask again"),
    "409 of Anthropic": Row(
        409, anthropic_error("Oh", kind="conflict_error"), FaultKind.BUSY, "409", "ask again"
    ),
    "429 of Groq": Row(
        429,
        openai_error("Rate limit reached for m. Please try again in 7.66s.", kind="tokens"),
        FaultKind.RATE_LIMIT,
        "Rate limit reached",
        "wait 8 s",
    ),
    "429 of Cerebras": Row(
        429,
        flat("We're experiencing high traffic right now!", code="queue_exceeded"),
        FaultKind.OVERLOADED,
        "high traffic",
        "wait a little",
    ),
    "429 of Mistral": Row(
        429,
        flat("Service tier capacity exceeded for this model.", code="3505"),
        FaultKind.OVERLOADED,
        "capacity exceeded",
        "wait a little",
    ),
    "429 of LiteLLM": Row(
        429,
        say("No deployments available for selected model, Try again in 60 seconds."),
        FaultKind.RATE_LIMIT,
        "No deployments",
        "wait 60 s",
    ),
    "a limit that speaks of context": Row(
        429,
        say("Rate limit: too many tokens per minute, reduce the length of the messages"),
        FaultKind.RATE_LIMIT,
        "Rate limit",
        "wait",
    ),
    "500 of a text": Row(
        500, b"Internal Server Error", FaultKind.SERVER, "500 Internal", "upstream's"
    ),
    "500 of Anthropic": Row(
        500, anthropic_error("Oh", kind="api_error"), FaultKind.SERVER, "500", "upstream's"
    ),
    "501 of vLLM": Row(
        501,
        flat("not supported", type="NotImplementedError", code=501),
        FaultKind.BAD_REQUEST,
        "501 Not Implemented",
        "parameters",
    ),
    "502 of a gateway": Row(
        502, PAGE % b"502 Bad Gateway", FaultKind.SERVER, "“502 Bad Gateway”", "upstream's"
    ),
    "503 of Ollama": Row(
        503,
        say("server busy, please try again.  maximum pending requests exceeded"),
        FaultKind.OVERLOADED,
        "server busy, please try again. maximum",
        "wait",
    ),
    "503 without a body": Row(503, b"", FaultKind.OVERLOADED, "503", "wait a little"),
    "504 of Anthropic": Row(
        504, anthropic_error("Oh", kind="timeout_error"), FaultKind.SERVER, "504", "upstream's"
    ),
    "520 of Cloudflare": Row(
        520, PAGE % b"520: Web server is returning", FaultKind.SERVER, "520: a web page", "upstream"
    ),
    "529 of Anthropic": Row(
        529,
        anthropic_error("Overloaded", kind="overloaded_error"),
        FaultKind.OVERLOADED,
        "529: Overloaded",
        "wait",
    ),
    "498 of Groq": Row(498, say("Flex capacity exceeded"), FaultKind.OVERLOADED, "498", "wait"),
    "499": Row(499, b"", FaultKind.OTHER, "499", "what serves it"),
    "407 of a proxy": Row(407, b"", FaultKind.PROXY, "407 Proxy", "HTTPS_PROXY"),
    "a long text": Row(500, b"x" * 300_000, FaultKind.SERVER, "xxx…", "upstream's"),
    "a text of many lines": Row(500, b"a\r\nb\n\nc", FaultKind.SERVER, "a b c", "upstream's"),
    "a nest": Row(500, b"[" * 100_000, FaultKind.SERVER, "[[[", "upstream's"),
    "a nest that ends": Row(
        500, b'{"error":' * 900 + b'"x"' + b"}" * 900, FaultKind.SERVER, "no reason", "upstream's"
    ),
    "what is no text": Row(500, bytes(range(256)), FaultKind.SERVER, "500", "upstream's"),
    "a byte order mark": Row(
        500, b"\xef\xbb\xbf" + say("Oh"), FaultKind.SERVER, "Error: Oh", "upstream's"
    ),
    "values of other types": Row(
        400, say("Oh", type=7, code=[], metadata="x"), FaultKind.BAD_REQUEST, ": Oh", "parameters"
    ),
}


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
@pytest.mark.parametrize("name", ROWS)
def test_a_refusal_says_what_helps(protocol: str, name: str, *, streamed: bool) -> None:
    row = ROWS[name]
    wire = Wire("anthropic" if protocol == "anthropic" else "openai", streamed=streamed)
    outcome = take_turn(json_reply(row.body, status=row.status), wire)
    check_outcome(outcome, "", [row.said, row.hint])
    assert isinstance(outcome.error, UpstreamRefused)
    assert (outcome.error.status, decide_kind(outcome.error)) == (row.status, row.kind)


def build_upstream(
    url: str, protocol: str = "openai", key: KeySource | None = None, moved_by: str = ""
) -> Upstream:
    base_url = parse_base_url(url, source="the test")
    spoken: ProtocolName = "anthropic" if protocol == "anthropic" else "openai"
    return Upstream(spoken, base_url, key or StoredKey("work"), moved_by)


@pytest.mark.parametrize(
    ("key", "status", "hint"),
    [
        (StoredKey("work"), 401, "the key stored as work was sent; put another in its place: hive"),
        (EnvironmentKey("GROQ_API_KEY"), 401, "the key in the variable GROQ_API_KEY was sent"),
        (SystemdKey("groq"), 401, "the key that systemd hands over as hiveloom.groq was sent; put"),
        (SystemdKey("groq"), 403, "the key that systemd hands over as hiveloom.groq was sent"),
        (PlaceholderKey(), 401, "this server wants a key: hiveloom credential set --name openai"),
        (StoredKey("work"), 403, "the key stored as work was sent"),
        (EnvironmentKey("GROQ_API_KEY"), 402, "(the key in the variable GROQ_API_KEY was sent)"),
        (PlaceholderKey(), 403, "no key was sent"),
    ],
)
def test_the_hint_names_the_key_that_was_sent(key: KeySource, status: int, hint: str) -> None:
    upstream = build_upstream("https://api.groq.com/openai/v1", key=key)
    assert hint in decide_hint(UpstreamRefused("", status=status), upstream)


@pytest.mark.parametrize(
    ("url", "protocol", "meant"),
    [
        ("http://127.0.0.1:8000", "openai", "did you mean http://127.0.0.1:8000/v1?"),
        ("https://llm.example/api?x=1", "openai", "did you mean https://llm.example/api/v1?x=1?"),
        ("https://openrouter.ai/v1", "openai", "did you mean https://openrouter.ai/api/v1?"),
        ("https://api.groq.com", "openai", "did you mean https://api.groq.com/openai/v1?"),
        ("http://h/v1/chat/completions", "openai", "did you mean http://h/v1?"),
        ("http://h/v1/messages", "anthropic", "did you mean http://h?"),
        ("https://api.openai.com/v1", "openai", "check the model's name and the base URL"),
        ("http://h/v1", "openai", "check the model's name and the base URL (http://h/v1)"),
        ("http://h", "anthropic", "check the model's name and the base URL (http://h)"),
    ],
)
def test_a_404_says_which_address_was_probably_meant(url: str, protocol: str, meant: str) -> None:
    assert meant in decide_hint(UpstreamRefused("", status=404), build_upstream(url, protocol))


def test_a_404_names_the_variable_that_moved_the_address() -> None:
    upstream = build_upstream("http://h", moved_by="HIVELOOM_OPENAI_BASE_URL")
    hint = decide_hint(UpstreamRefused("", status=404), upstream)
    assert hint == "check HIVELOOM_OPENAI_BASE_URL (http://h): did you mean http://h/v1?"


def test_an_unknown_model_has_look_alikes() -> None:
    error = UpstreamRefused("", status=404, detail="The model `gpt-4o-mni` does not exist")
    upstream = build_upstream("https://api.openai.com/v1")
    offered = ["whisper-1", "gpt-4o", "gpt-4o-mini"]
    hint = decide_hint(error, upstream, "gpt-4o-mni", offered)
    assert hint.startswith("did you mean gpt-4o-mini or gpt-4o?")
    assert "model list" in decide_hint(error, upstream, "zzz", offered)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (HostUnknown(""), FaultKind.HOST),
        (TlsFailed(""), FaultKind.TLS),
        (ProxyFailed(""), FaultKind.PROXY),
        (AnswerTimedOut(""), FaultKind.TIMEOUT),
        (UpstreamUnreachable(""), FaultKind.UNREACHABLE),
        (BaseUrlInvalid(""), FaultKind.ADDRESS),
        (StreamCutShort(""), FaultKind.CUT),
        (ReplyNotUnderstood(""), FaultKind.STRANGE),
        (AnswerEmpty(""), FaultKind.EMPTY),
        (UpstreamError(""), FaultKind.OTHER),
        (UpstreamRefused("", detail="Rate limit reached"), FaultKind.RATE_LIMIT),
        (UpstreamRefused("", detail="Overloaded"), FaultKind.OVERLOADED),
        (UpstreamRefused(""), FaultKind.OTHER),
    ],
)
def test_every_error_has_a_kind(error: UpstreamError, kind: FaultKind) -> None:
    assert decide_kind(error) is kind


def test_headers_say_how_long_to_wait() -> None:
    for headers, wait_s, should_retry in [
        ([("Retry-After", "3")], 3.0, None),
        ([("retry-after-ms", "250"), ("Retry-After", "3")], 0.25, None),
        ([("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")], 0.0, None),
        ([("X-Should-Retry", "false")], 7.66, False),
        ([], 7.66, None),
    ]:
        body = openai_error("Please try again in 7.66s")
        reply = json_reply(body, status=429, headers=headers)
        outcome = take_turn(reply, Wire("openai", streamed=True))
        assert isinstance(outcome.error, UpstreamRefused)
        assert outcome.error.retry_after_s == wait_s
        assert outcome.error.should_retry is should_retry
