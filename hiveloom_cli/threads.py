"""What threads beside the main one have to know."""

from __future__ import annotations

import signal
import sys

# A signal that comes just before the main thread begins to wait for another is noticed only once
# the wait is over, so a wait for what may take long is made in steps of this.
NOTICE_S = 0.2


def leave_signals_to_main() -> None:
    """Have this thread get no signal that the main one waits for.

    Only the main thread acts on signals, and it notices one at once only if the system gives it
    to that thread. A process that is started from here would inherit this, so none is to be.
    """
    if sys.platform != "win32":
        ours = {signal.SIGCONT, signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGTSTP}
        signal.pthread_sigmask(signal.SIG_BLOCK, ours)
