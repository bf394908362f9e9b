"""From a reply's bytes to events, for both wire formats.

What an upstream sends is told by its first byte, not by the content type that it claims: some
answer a request for a stream with one JSON body, some with an HTML page under status 200, and blank
lines may come before either.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Protocol

from hiveloom_cli.errors import AnswerEmpty, ReplyNotUnderstood, StreamCutShort
from hiveloom_cli.protocols.event import FinishReason, ReplyEnded, ReplyEvent
from hiveloom_cli.protocols.faults import format_page, is_error, parse_error_event
from hiveloom_cli.protocols.lookup import parse_json
from hiveloom_cli.protocols.message import Message, ReasoningPart, ToolCall
from hiveloom_cli.protocols.sse import ServerSentEvent, SseDecoder

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BODY_BYTES = 64 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_LONGEST_TOKEN = len(r"\u00e9")
_SHOWN = 200
# transformers writes an error with raw line breaks into one event, which ends it at the first.
_BROKEN_ERROR = re.compile(r'\{\s*"error"\s*:\s*"(.+)', re.DOTALL)
# Anthropic's and Mistral's words for it.
_WINDOW_FULL = ("model_context_window_exceeded", "model_length")
_STRANGE = "ask again; if it goes on, check the base URL and what serves it"


class ReplyFold(Protocol):
    """What a wire format makes of decoded values; it remembers what the reply has said so far."""

    def take_event(self, value: dict[str, Any]) -> Iterator[ReplyEvent]:
        """Read one event of a stream."""
        ...

    def take_done(self) -> Iterator[ReplyEvent]:
        """Read the `[DONE]` mark."""
        ...

    def take_whole(self, value: dict[str, Any]) -> Iterator[ReplyEvent]:
        """Read a reply that came as one JSON body."""
        ...

    def close(self) -> Iterator[ReplyEvent]:
        """Take note that the bytes have ended.

        Yields the terminal event if the reply is complete and none was given yet; raises
        `StreamCutShort` if it is not complete.
        """
        ...

    def build_message(self, *, complete: bool) -> Message:
        """Build the message from what has arrived."""
        ...


class ReplyReader:
    """Bytes in, in pieces of any size; events out, the last of them `ReplyEnded`.

    Raises `UpstreamRefused` for an error inside the reply, `ReplyNotUnderstood` for what is not the
    protocol's, `AnswerEmpty` for a complete reply without text or tool calls, and `StreamCutShort`
    for one that ends too early or says that it does. The events before the fault have been yielded
    by then.
    """

    def __init__(self, fold: ReplyFold) -> None:
        self._fold = fold
        self._stream: SseDecoder | None = None
        # A JSON body or a page, or what came before the first byte that tells.
        self._body = bytearray()
        self._is_body = False
        self._blank = 0  # how many bytes of white space came before
        self._ended = False

    def feed(self, chunk: bytes) -> Iterator[ReplyEvent]:
        """Take the next bytes; yield the events that they complete. Read it to its end."""
        if self._stream is None and not self._is_body:
            chunk = self._sniff(chunk)
        if self._stream is not None:
            for event in self._stream.feed(chunk):
                yield from self._take(event)
        elif self._is_body:
            self._body += chunk
            self._bound(len(self._body))

    def close(self) -> Iterator[ReplyEvent]:
        """Take note that no more bytes come; yield what is still to be said."""
        if self._stream is not None:
            for event in self._stream.close():
                if not _is_cut(event.data.strip()):
                    yield from self._take(event)
        elif self._body.strip():
            yield from self._take_body(bytes(self._body))
        elif not self._ended:
            raise ReplyNotUnderstood("the upstream sent an empty reply", hint=_STRANGE)
        if not self._ended:
            yield from self._watch(self._fold.close())

    def build_partial(self) -> Message:
        """Build the message from what has arrived so far, marked incomplete."""
        return self._fold.build_message(complete=False)

    def _sniff(self, chunk: bytes) -> bytes:
        head = (bytes(self._body) + chunk).lstrip()
        if _BOM.startswith(head):
            # Nothing yet, or the beginning of a byte order mark: only that has to be kept.
            self._body[:] = head
            self._blank += len(chunk)
            self._bound(self._blank)
            return b""
        head = head.removeprefix(_BOM).lstrip()
        self._body.clear()
        if head[:1] in b"{[<":
            self._is_body = True
        else:
            self._stream = SseDecoder()
        return head

    def _bound(self, size: int) -> None:
        if size > MAX_BODY_BYTES:
            raise ReplyNotUnderstood("the upstream sent more than 64 MiB", hint=_STRANGE)

    def _take(self, event: ServerSentEvent) -> Iterator[ReplyEvent]:
        if self._ended:
            return
        data = event.data.strip()
        if not data:
            return
        if data.startswith("[DONE]"):
            yield from self._watch(self._fold.take_done())
            return
        value = _parse_event(event.name, data)
        if is_error(value) or event.name == "error":
            raise parse_error_event(value)
        yield from self._watch(self._fold.take_event(value))

    def _take_body(self, body: bytes) -> Iterator[ReplyEvent]:
        text = body.decode("utf-8", "replace").strip()
        if text.startswith("<"):
            raise ReplyNotUnderstood(
                f"the upstream answered with a web page, “{format_page(text)}”",
                hint="check the base URL: it must be the API's, often ending in /v1",
            )
        if _is_cut(text):
            raise StreamCutShort("the upstream's answer ended in the middle", hint="ask again")
        value = _parse_object(text)
        if is_error(value):
            raise parse_error_event(value)
        yield from self._watch(self._fold.take_whole(value))

    def _watch(self, events: Iterator[ReplyEvent]) -> Iterator[ReplyEvent]:
        for event in events:
            if isinstance(event, ReplyEnded):
                self._ended = True
                _check_end(event)
            yield event


def _parse_event(name: str, data: str) -> dict[str, Any]:
    try:
        return _parse_object(data)
    except ReplyNotUnderstood:
        if name == "error":
            return {"error": data}
        if broken := _BROKEN_ERROR.match(data):
            return {"error": broken[1]}
        raise


def _is_cut(text: str) -> bool:
    """Whether a JSON object begins in the last of the bytes, and does not end there."""
    if not text.startswith("{") or text.startswith('{"error"'):
        return False
    try:
        json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        # Where the decoder wanted more: the end, the beginning of a word or of an escape, or the
        # first quote of a string.
        return len(text) - error.pos <= _LONGEST_TOKEN or "Unterminated" in error.msg
    except (ValueError, RecursionError):
        pass
    return False


def _parse_object(text: str) -> dict[str, Any]:
    try:
        value = parse_json(text)
    except ValueError:
        raise ReplyNotUnderstood(
            f"the upstream sent what cannot be read as JSON: {text[:_SHOWN]}", hint=_STRANGE
        ) from None
    if not isinstance(value, dict):
        raise ReplyNotUnderstood(
            f"the upstream sent JSON of another kind: {text[:_SHOWN]}", hint=_STRANGE
        )
    return value


def _check_end(ended: ReplyEnded) -> None:
    message, reason = ended.message, ended.finish_reason
    if reason is FinishReason.ERROR:
        raise StreamCutShort(
            f"the upstream broke its answer off (it says “{ended.raw_reason}”)", hint="ask again"
        )
    if message.text.strip() or any(isinstance(part, ToolCall) for part in message.parts):
        return
    if reason is FinishReason.PAUSE and message.parts:
        return
    raise _build_empty(ended)


def _build_empty(ended: ReplyEnded) -> AnswerEmpty:
    match ended.finish_reason:
        case FinishReason.LENGTH if ended.raw_reason in _WINDOW_FULL:
            return AnswerEmpty(
                "the context window was full before the answer began",
                hint="begin a new conversation, or ask a model with a longer context",
            )
        case FinishReason.LENGTH:
            return AnswerEmpty(
                "the token limit was reached before the answer began",
                hint="allow more tokens: set max_tokens in the agent, or pass --max-tokens",
            )
        case FinishReason.CONTENT_FILTER:
            why = f": {ended.explanation}" if ended.explanation else ""
            return AnswerEmpty(
                f"the model refused to answer, or a filter withheld the answer{why}",
                hint="ask in another way, or ask another model",
            )
        case _:
            thought = any(isinstance(part, ReasoningPart) for part in ended.message.parts)
            what = "only reasoning and no answer" if thought else "no text"
            word = ended.raw_reason or "nothing"
            return AnswerEmpty(f"the upstream sent {what} (it says “{word}”)", hint="ask again")
