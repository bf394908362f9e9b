"""MCP servers that run, each lent to whoever needs it: to one chat, or to many at once."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hiveloom_cli.errors import McpServerFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.tools.mcp_launch import Launch
    from hiveloom_cli.tools.mcp_session import McpSession

_LOOK_S = 15.0


@dataclass(slots=True)
class _Kept:
    """A server; `idle_s` is when somebody last let go of it, `failed_s` when its start was over."""

    launch: Launch
    session: McpSession
    users: int = 0
    idle_s: float = 0.0
    failed_s: float | None = None
    is_former: bool = False  # another one was started in its place

    @property
    def is_sound(self) -> bool:
        return self.session.is_alive and not self.session.is_late and not self.is_former

    @property
    def has_failed_to_start(self) -> bool:
        return not self.session.is_alive and not self.session.was_ready


class ServerPool:
    """One process, or connection, for each server, however many use it. Any thread may.

    A server that nobody uses is ended after `kept_s` seconds; one that does not start is not tried
    again for `pause_s` seconds, in which whoever needs it is told the same at once.
    """

    def __init__(self, clock: Clock, *, kept_s: float = 0.0, pause_s: float = 0.0) -> None:
        self._clock = clock
        self._kept_s = kept_s
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._kept: list[_Kept] = []
        self._closed = threading.Event()
        self._watch: threading.Thread | None = None

    def borrow(self, launch: Launch) -> McpSession:
        """Give the server that was started just so, or start it; it may still have to say hello.

        One of the same name that was started otherwise is ended when nobody uses it any more.
        Raises `McpServerFailed` once the pool is closed, and for an SDK that is too old.
        """
        with self._lock:
            if self._closed.is_set():
                raise McpServerFailed(f"the MCP server {launch.name} was ended with the chat")
            kept = self._find(launch) or self._start(launch)
            kept.users += 1
            self._begin_sweep()
            return kept.session

    def give_back(self, session: McpSession) -> None:
        """Let go of a server that was borrowed."""
        with self._lock:
            for kept in self._kept:
                if kept.session is session:
                    kept.users -= 1
                    kept.idle_s = self._clock.elapsed_s()
                    if kept.has_failed_to_start and kept.failed_s is None:
                        kept.failed_s = kept.idle_s
            self._begin_sweep()

    def close_idle(self) -> None:
        """End what nobody has used for long, and forget what has ended."""
        with self._lock:
            self._begin_sweep()
            self._kept = [
                kept for kept in self._kept if not self._is_due(kept) or kept.session.is_running
            ]

    def begin_close(self) -> None:
        """Tell all servers to end, and do not wait; none is started from now on."""
        with self._lock:
            self._closed.set()
            _begin_close(self._kept)

    def close(self) -> None:
        """End all servers, and all that they started."""
        self.begin_close()
        for kept in self._kept:
            kept.session.close()

    def _find(self, launch: Launch) -> _Kept | None:
        for kept in self._kept:
            is_pausing = kept.has_failed_to_start and not self._has_paused(kept)
            if (kept.is_sound or is_pausing) and kept.launch.is_like(launch):
                return kept
        return None

    def _start(self, launch: Launch) -> _Kept:
        try:
            from hiveloom_cli.tools.mcp_session import McpSession
        except ImportError:
            raise build_missing("the installed package mcp is too old") from None
        kept = _Kept(launch, McpSession(launch))
        for former in self._kept:
            if former.launch.name == launch.name:
                former.is_former = True
        self._kept.append(kept)
        if self._kept_s and self._watch is None:
            self._watch = threading.Thread(target=self._run_watch, name="mcp-watch", daemon=True)
            self._watch.start()
        return kept

    def _is_due(self, kept: _Kept) -> bool:
        if kept.users:
            return False
        if kept.has_failed_to_start:
            return self._has_paused(kept)
        return not kept.is_sound or self._is_past(kept.idle_s, self._kept_s)

    def _has_paused(self, kept: _Kept) -> bool:
        if kept.failed_s is None:
            return not kept.users  # nobody was there to be told why
        return self._is_past(kept.failed_s, self._pause_s)

    def _is_past(self, since_s: float, limit_s: float) -> bool:
        return self._clock.elapsed_s() - since_s >= limit_s

    def _begin_sweep(self) -> None:
        _begin_close(kept for kept in self._kept if self._is_due(kept))

    def _run_watch(self) -> None:
        while not self._closed.wait(_LOOK_S):
            self.close_idle()


def build_missing(problem: str) -> McpServerFailed:
    """Build what is said where the MCP SDK is missing."""
    return McpServerFailed(
        problem, hint="pip install 'hiveloom-cli[mcp]' (or: pipx inject hiveloom-cli 'mcp>=2.3')"
    )


def _begin_close(kept: Iterable[_Kept]) -> None:
    for one in kept:
        one.session.begin_close()
