"""Run the LiteLLM proxy until standard input ends.

Run with the Python of `.env-litellm`: serve_litellm.py [litellm's own options]
"""

from __future__ import annotations

import os
import sys
import threading

from litellm.proxy.proxy_cli import run_server


def leave_with_parent() -> None:
    """End the process when the one that started it is gone, however it went."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=leave_with_parent, daemon=True).start()
    run_server()
