"""Lines from a descriptor, for an event loop that may stop waiting for them at any time."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from hiveloom_cli.threads import leave_signals_to_main

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def read_lines(descriptor: int) -> AsyncIterator[str]:
    """Yield lines of UTF-8 as they come; what cannot be read any more is the end.

    They are read in a thread, which a pipe without an end holds up, and nobody waits for. It has a
    file of its own, since Python waits for the usual one when it ends.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[str | None] = asyncio.Queue()

    def put(line: str | None) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(arrived.put_nowait, line)

    def work() -> None:
        leave_signals_to_main()
        with suppress(OSError), os.fdopen(descriptor, "rb", closefd=False) as file:
            for line in file:
                put(line.decode("utf-8", "replace"))
        put(None)

    threading.Thread(target=work, name="stdin", daemon=True).start()
    while (line := await arrived.get()) is not None:
        yield line
