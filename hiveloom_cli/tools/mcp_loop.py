"""An event loop that knows which processes were started in it, and can end all they left."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from typing import Any

import anyio

if sys.platform == "win32":
    _Base = asyncio.ProactorEventLoop
else:
    _Base = asyncio.SelectorEventLoop


class ProcessLoop(_Base):
    """The usual loop of the system; a process that it starts leads a group of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._processes: list[asyncio.SubprocessTransport] = []

    async def subprocess_exec(self, protocol_factory: Any, *args: Any, **options: Any) -> Any:
        """Start a process, and remember it.

        Cancelling waits until it is there: halfway its pipes would be closed by nobody.
        """
        with anyio.CancelScope(shield=True):
            transport, protocol = await super().subprocess_exec(protocol_factory, *args, **options)
        self._processes.append(transport)
        return transport, protocol

    @property
    def exit_code(self) -> int | None:
        """How the process that was started last ended; None while it runs, or without one."""
        return self._processes[-1].get_returncode() if self._processes else None

    def terminate(self) -> None:
        """Ask the process that runs, and all that it started, to end."""
        if self._processes and self.exit_code is None:
            self._signal("SIGTERM")

    def kill(self) -> None:
        """End at once what is left of the processes and of all that they started."""
        self._signal("SIGKILL")

    def _signal(self, name: str) -> None:
        if sys.platform == "win32":
            return  # the SDK holds them in a job, which ends with them
        import signal

        for process in self._processes:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.get_pid(), signal.Signals[name])
