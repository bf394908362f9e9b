"""What goes wrong on a server and is its own matter, told to whoever runs it."""

from __future__ import annotations

import json
import re
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from hiveloom_cli.clock import format_timestamp
from hiveloom_cli.errors import HiveloomError, ReplyNotUnderstood
from hiveloom_cli.serve.formats.failure import explain_failure, is_kept_back

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from hiveloom_cli.app import App
    from hiveloom_cli.chat.event import Event

_ANSWERS = "answers"
_NUMBER = re.compile(r"\d+")


class Notes:
    """Tells what is wrong on standard error, and again only after it was well; any thread may.

    It is a line of JSON, if `as_json`, as those of an access log beside it are.
    """

    def __init__(self, app: App, *, as_json: bool = False) -> None:
        self._app = app
        self._as_json = as_json
        self._lock = threading.Lock()
        self._told: dict[tuple[str, str], frozenset[str]] = {}

    def tell(self, topic: str, agent: str, problems: Sequence[HiveloomError]) -> None:
        """Tell which problems there are now with a side of an agent: what it had was told."""
        # The number of a process, or a time, in what a server said last makes no other cause.
        causes = {_NUMBER.sub("0", problem.message): problem for problem in problems}
        with self._lock:
            known = self._told.get((topic, agent), frozenset())
            self._told[topic, agent] = frozenset(causes)
        for cause, problem in causes.items():
            if cause not in known:
                self._print(agent, problem)

    @contextmanager
    def failures_told(self, agent: str) -> Iterator[None]:
        """Tell why an agent cannot be asked, as far as clients are not told."""
        try:
            yield
        except HiveloomError as error:
            if is_kept_back(error):
                self.tell(_ANSWERS, agent, [_drop_quote(error)])
            raise

    def watch(self, agent: str, events: Generator[Event]) -> Generator[Event]:
        """Yield a turn's events, and tell why it failed likewise."""
        with closing(events), self.failures_told(agent):
            yield from events
        self.tell(_ANSWERS, agent, [])

    def _print(self, agent: str, problem: HiveloomError) -> None:
        streams = self._app.streams
        if self._as_json:
            row = {
                "time": format_timestamp(self._app.clock.now()),
                "agent": agent,
                "warning": problem.message,
                "hint": problem.hint,
            }
            streams.write_aside(json.dumps(row).replace("\x7f", "\\u007f") + "\n")
        else:
            hint = f"; {problem.hint}" if problem.hint else ""
            streams.print_notice(f"warning: the agent {agent}: {problem.message}{hint}")


def _drop_quote(error: HiveloomError) -> HiveloomError:
    """Leave out what an upstream sent instead of an answer, which may be a piece of one."""
    if isinstance(error, ReplyNotUnderstood):
        return HiveloomError(explain_failure(error), hint=error.hint)
    return error
