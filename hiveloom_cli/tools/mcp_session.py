"""One MCP server that was started, or is connected to, for threads that wait.

The SDK is asynchronous, the rest of this program is not: each session has an event loop in a daemon
thread of its own. In what a server gives and in its errors stand neither keys nor the secret values
of its entry, even if it repeats them: they would go on to the model, and to disk.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from hiveloom_cli.errors import McpServerFailed
from hiveloom_cli.tools.mcp_client import Connection, ServerRefused, list_causes
from hiveloom_cli.tools.mcp_loop import ProcessLoop
from hiveloom_cli.tools.mcp_server import HttpTransport

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from hiveloom_cli.stop import Stop
    from hiveloom_cli.tools.mcp_launch import Launch

_Given = TypeVar("_Given")

_START_S = 30.0
_LIST_S = 30.0
_JOIN_S = 9.0  # more than the SDK takes for a process that obeys no signal
_TELL_S = 2.0
_MOST_SAID = 1_000
_LOGGERS = ("mcp", "client", "httpx2", "httpcore2", "asyncio")
_SILENT = logging.NullHandler()


class McpSession:
    """A session with one server. Any thread may use it.

    `is_late` is whether a call took too long: the server may never answer again.
    """

    def __init__(self, launch: Launch) -> None:
        for name in _LOGGERS:  # what they have to say would end up on the person's terminal
            logging.getLogger(name).addHandler(_SILENT)
        self._launch = launch
        self._loop = ProcessLoop()
        self._connection = Connection(launch, self._loop)
        self._ready: Future[None] = Future()
        self._fault: BaseException | None = None
        self._is_gone = False
        self.is_late = False
        self._thread = threading.Thread(target=self._run, name=f"mcp-{launch.name}", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the server can be asked, as far as is known."""
        return not self._is_gone and self._loop.exit_code is None and self._thread.is_alive()

    @property
    def was_ready(self) -> bool:
        """Whether the server has said hello."""
        return self._ready.done() and self._ready.exception() is None

    @property
    def is_running(self) -> bool:
        """Whether anything of it is left."""
        return self._thread.is_alive()

    def wait_until_ready(self, stop: Stop) -> None:
        """Return once the server has said hello. Raises `McpServerFailed`.

        One that says nothing for too long is ended; being stopped ends the waiting alone, since
        others may wait too.
        """
        own: Future[None] = Future()
        self._ready.add_done_callback(lambda ready: _pass_on(ready, own))
        try:
            self._wait(own, _START_S, stop, self._hint_at_cause())
        except McpServerFailed:
            if not stop.is_set:
                self.begin_close()
            raise

    def list_tools(self, stop: Stop) -> list[dict[str, Any]]:
        """Ask what the server offers: objects as `tools/list` has them. Raises as `call`."""
        hint = self._hint_at_cause()
        tools: list[dict[str, Any]] = self._ask(self._connection.list_tools(), _LIST_S, stop, hint)
        return [self._launch.mask_value(tool) for tool in tools]

    def call(
        self, tool: str, arguments: Mapping[str, Any], limit_s: float, stop: Stop
    ) -> dict[str, Any]:
        """Have a tool run: a `CallToolResult` as its JSON.

        A call that takes too long, or is stopped, is cancelled at the server. Raises
        `McpServerFailed`, also where the server answers with an error.
        """
        hint = "give it longer: `timeout` in mcp.json, in seconds"
        result = self._ask(self._connection.call_tool(tool, arguments), limit_s, stop, hint)
        masked: dict[str, Any] = self._launch.mask_value(result)
        return masked

    def begin_close(self) -> None:
        """Tell the server to end, and do not wait for it."""
        self._is_gone = True
        with suppress(RuntimeError):  # the loop has ended already
            self._loop.call_soon_threadsafe(self._connection.end)

    def close(self) -> None:
        """End the server and all it started: asked first, then killed."""
        self.begin_close()
        self._thread.join(_JOIN_S)
        if self._thread.is_alive():
            self._loop.kill()
        if self._connection.log is not None:
            self._connection.log.close()

    def _ask(
        self, work: Coroutine[Any, Any, _Given], limit_s: float, stop: Stop, hint: str
    ) -> _Given:
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # the loop has ended in this moment
            work.close()
            raise self._build_gone() from None
        return self._wait(future, limit_s, stop, hint)

    def _wait(self, future: Future[_Given], limit_s: float, stop: Stop, hint: str) -> _Given:
        name = self._launch.name

        def cancel() -> None:
            future.cancel()

        try:
            with stop.on_stop(cancel):
                return future.result(limit_s)
        except TimeoutError:
            self.is_late = True
            raise McpServerFailed(
                f"the MCP server {name} gave no answer within {limit_s:.0f} s", hint=hint
            ) from None
        except CancelledError:
            if stop.is_set:
                raise McpServerFailed(f"the MCP server {name} was told to stop") from None
            raise self._build_gone() from None
        except ServerRefused as error:
            raise self._build_refused(error) from None
        except Exception as error:  # noqa: BLE001 -- whatever transports make of a server's end
            raise self._build_gone(error) from None
        finally:
            cancel()

    def _hint_at_cause(self) -> str:
        if isinstance(self._launch.transport, HttpTransport):
            return f"see whether the address is right: hiveloom mcp show {self._launch.name}"
        return f"see whether it is an MCP server; its log: {self._launch.log}"

    def _build_refused(self, error: ServerRefused) -> McpServerFailed:
        is_key = self._connection.status in (401, 403)
        hint = "give it another `credential` in mcp.json, or rotate the one it has"
        message = f"the MCP server {self._launch.name}: {self._show(error)}"
        return McpServerFailed(message, hint=hint if is_key else "")

    def _build_gone(self, error: BaseException | None = None) -> McpServerFailed:
        self.begin_close()
        self._thread.join(_TELL_S)  # until then neither exit code nor last words are there
        name, log = self._launch.name, self._connection.log
        cause = next(list_causes(self._fault or error), None)
        if isinstance(self._launch.transport, HttpTransport):
            return McpServerFailed(
                f"the MCP server {name} cannot be reached: {self._show(cause)}",
                hint=f"see whether it works: hiveloom mcp test {name}",
            )
        if isinstance(cause, OSError) and cause.strerror:
            command = self._launch.transport.command
            return McpServerFailed(
                f"the MCP server {name} cannot be started: {command}: {cause.strerror}",
                hint="install it, or correct mcp.json",
            )
        code, last = self._loop.exit_code, ""
        if log is not None:
            log.close()
            last = self._launch.mask(log.load_last_line())[:_MOST_SAID]
        how = f" with exit code {code}" if code is not None else ""
        said = f"; it said last: {last}" if last else ""
        return McpServerFailed(
            f"the MCP server {name} ended{how}{said}", hint=f"its log: {self._launch.log}"
        )

    def _show(self, error: BaseException | None) -> str:
        text = f"{error or ''}" or "the connection was closed"
        return self._launch.mask(text)[:_MOST_SAID]

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                try:
                    runner.run(self._connection.serve(self._tell_ready))
                finally:
                    self._loop.kill()
        except BaseException as error:  # noqa: BLE001 -- whoever waits is told instead
            self._fault = error
        self._is_gone = True
        with suppress(InvalidStateError):
            self._ready.set_exception(self._fault or ConnectionError())

    def _tell_ready(self) -> None:
        with suppress(InvalidStateError):  # nobody waits any more
            self._ready.set_result(None)


def _pass_on(ready: Future[None], own: Future[None]) -> None:
    """Tell one of those that wait; it may have gone."""
    with suppress(InvalidStateError):
        if (error := ready.exception()) is not None:
            own.set_exception(error)
        else:
            own.set_result(None)
