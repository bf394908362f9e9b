"""One reply, as it comes, with what it takes to get it.

Before the first visible piece of an answer a failure can be mended without anyone losing anything:
a request that the upstream refuses is changed as the table of adaptations says and sent again at
once, and one that meets a passing fault is sent again after a wait. After it nothing is sent again
by itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hiveloom_cli.errors import StreamCutShort, UpstreamError, UpstreamRefused
from hiveloom_cli.protocols.adaptations import (
    STREAM_REFUSED,
    TOOLS_REFUSED,
    add_learned,
    apply_adaptations,
    decide_adaptation,
    format_notice,
)
from hiveloom_cli.protocols.context_windows import find_said_window
from hiveloom_cli.protocols.event import ReasoningDelta, ReplyEnded, TextDelta, ThoughtEnded
from hiveloom_cli.protocols.message import name_media, stamp_message
from hiveloom_cli.protocols.output_schema import relay_answer, take_answer
from hiveloom_cli.protocols.providers import find_dialect
from hiveloom_cli.protocols.refusals import Refusal
from hiveloom_cli.protocols.table import PROTOCOLS
from hiveloom_cli.upstream.advice import decide_hint, explain_media
from hiveloom_cli.upstream.dialects import format_maker, format_place
from hiveloom_cli.upstream.event import Notice, RetryWaiting
from hiveloom_cli.upstream.fault_kind import FaultKind, decide_kind
from hiveloom_cli.upstream.retry import decide_wait, format_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.protocols.dialect import Learned
    from hiveloom_cli.protocols.event import ReplyEvent
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.protocols.request import ChatRequest, WireRequest
    from hiveloom_cli.upstream.dialects import Dialects
    from hiveloom_cli.upstream.event import UpstreamEvent
    from hiveloom_cli.upstream.limits import Patience
    from hiveloom_cli.upstream.resolve import Upstream


_VISIBLE = (TextDelta, ReasoningDelta, ThoughtEnded)
# What no change of the request could mend.
_NOT_THE_REQUEST = {
    FaultKind.AUTHENTICATION,
    FaultKind.PERMISSION,
    FaultKind.BALANCE,
    FaultKind.QUOTA,
    FaultKind.RATE_LIMIT,
    FaultKind.OVERLOADED,
    FaultKind.OVERFLOW,
    FaultKind.MEDIA,
}


class Reply:
    """The reply to one request; `open_bytes` sends a request and gives the bytes that come back."""

    def __init__(
        self,
        chat: ChatRequest,
        upstream: Upstream,
        open_bytes: Callable[[WireRequest], AbstractContextManager[Iterator[bytes]]],
        *,
        dialects: Dialects,
        clock: Clock,
        patience: Patience,
        load_offered: Callable[[], Sequence[str]],
    ) -> None:
        self._upstream = upstream
        self._where = format_place(upstream)
        self._chat = replace(chat, asked_of=format_maker(upstream, chat.model))
        self._open_bytes = open_bytes
        self._dialects = dialects
        self._clock = clock
        self._patience = patience
        self._load_offered = load_offered
        self._wire = PROTOCOLS[upstream.protocol]
        self._reader = self._wire.open_reader()
        self._preset = find_dialect(upstream.base_url, upstream.protocol)
        self._learned = dialects.load(self._where, chat.model)
        self._news: tuple[Learned, ...] = ()  # what this request has taught

    def stream_events(self) -> Iterator[UpstreamEvent]:
        """Send the request and yield the reply's events, `ReplyEnded` last.

        Closing the iterator, or an exception in its consumer, closes the connection at once. Raises
        `UpstreamError` with a hint that fits the upstream.
        """
        started_s = self._clock.elapsed_s()
        tried = 0
        yield from self._tell_missed()
        while True:
            request = self._build_request()
            visible = False
            try:
                for event in self._exchange(request):
                    visible = visible or isinstance(event, _VISIBLE)
                    yield event
            except UpstreamError as error:
                notice = None if visible else self._adapt(error, request, tried)
                if notice is not None:
                    yield notice
                    continue
                tried += 1
                spent_s = self._clock.elapsed_s() - started_s
                wait = None if visible else self._decide_wait(error, tried, spent_s)
                if wait is None:
                    self._explain(error)
                    raise
                yield wait
                self._clock.sleep(wait.wait_s)
            else:
                return

    def _tell_missed(self) -> Iterator[Notice]:
        """Say at the beginning of a conversation that it has no tools; the refusal was long ago."""
        is_begun = any(message.role == "assistant" for message in self._chat.messages)
        if self._chat.tools and not is_begun:
            missed = (learned for learned in self._known if learned.name == TOOLS_REFUSED)
            yield from (Notice(format_notice(learned)) for learned in missed)

    def build_partial(self) -> Message:
        """Build the answer from what has arrived so far, marked incomplete."""
        partial = self._reader.build_partial()
        if self._chat.output is not None:
            partial = take_answer(partial, self._chat.output.name)
        return stamp_message(partial, self._chat.asked_of)

    def _build_request(self) -> WireRequest:
        known = self._known
        refused = any(learned.name == STREAM_REFUSED for learned in known)
        chat = replace(self._chat, stream=self._chat.stream and not refused)
        request = self._wire.requests.build_request(chat, self._upstream.base_url)
        body = apply_adaptations(dict(request.body or {}), known, chat, self._upstream.protocol)
        return replace(request, body=body)

    @property
    def _known(self) -> tuple[Learned, ...]:
        return (*self._preset, *(row for row in self._learned if row not in self._preset))

    def _exchange(self, request: WireRequest) -> Iterator[ReplyEvent]:
        """Send one request and yield the events of its reply."""
        self._reader = self._wire.open_reader()
        with self._open_bytes(request) as pieces:
            events = self._read(pieces)
            if self._chat.output is not None:
                events = relay_answer(events, self._chat.output.name)
            for event in events:
                self._remember()
                if isinstance(event, ReplyEnded):
                    message = stamp_message(event.message, self._chat.asked_of)
                    yield replace(event, message=message)
                    return
                yield self._stamp(event)

    def _stamp(self, event: ReplyEvent) -> ReplyEvent:
        if isinstance(event, ThoughtEnded):
            return ThoughtEnded(replace(event.part, made_by=self._chat.asked_of))
        return event

    def _read(self, pieces: Iterator[bytes]) -> Iterator[ReplyEvent]:
        try:
            for piece in pieces:
                yield from self._reader.feed(piece)
        except StreamCutShort as broken:
            # A connection that breaks after the finish reason has cost nothing but its [DONE].
            try:
                yield from self._reader.close()
            except UpstreamRefused:
                raise
            except UpstreamError:
                raise broken from None
            return
        yield from self._reader.close()

    def _adapt(self, error: UpstreamError, request: WireRequest, tried: int) -> Notice | None:
        if not isinstance(error, UpstreamRefused) or decide_kind(error) in _NOT_THE_REQUEST:
            return None
        if error.status >= 500 and not tried and self._patience.tries > 1:
            return None  # more often than not it passes by itself
        text = " ".join((error.detail, *error.labels))
        body = dict(request.body or {})
        refusal = Refusal(error.status, text, body, self._upstream.protocol)
        learned = decide_adaptation(refusal, self._news, self._chat)
        if learned is None:
            return None
        self._news = (*self._news, learned)
        self._learned = add_learned(self._learned, learned)
        return Notice(format_notice(learned))

    def _remember(self) -> None:
        # Only what led to an answer is worth remembering.
        if self._news:
            self._news = ()
            self._dialects.save(self._where, self._chat.model, self._learned)

    def _decide_wait(self, error: UpstreamError, tried: int, spent_s: float) -> RetryWaiting | None:
        wait_s = decide_wait(
            error, self._patience, tried=tried, spent_s=spent_s, draw=self._clock.draw()
        )
        if wait_s is None:
            return None
        return RetryWaiting(format_reason(error), wait_s, tried + 1, self._patience.tries)

    def _explain(self, error: UpstreamError) -> None:
        if isinstance(error, UpstreamRefused) and not error.hint:
            kind = decide_kind(error)
            if kind is FaultKind.OVERFLOW and (window := find_said_window(error.detail)):
                self._dialects.save_window(self._where, self._chat.model, window)
            offered = self._load_offered() if kind is FaultKind.NO_MODEL else ()
            error.hint = decide_hint(error, self._upstream, self._chat.model, offered)
            if sent := name_media(self._chat.messages):
                explain_media(error, kind, sent)
