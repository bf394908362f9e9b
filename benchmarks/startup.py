"""How long a command takes, as a ratio to starting Python and doing nothing.

    python benchmarks/startup.py [RUNS]

Each command runs in turn with the baseline, so that a machine whose speed drifts slows both.
Printed are the median of the pairs' ratios, and the median time. Nothing is asserted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hiveloom_cli.demo.upstream import LoopbackUpstream

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
PYTHON = (sys.executable, "-c", "pass")
PROGRAM = (str(Path(sys.executable).with_name("hiveloom")),)
COMMANDS = (
    ("--version",),
    ("--help",),
    ("agent", "list"),
    ("credential", "list"),
    ("chat", "--model", "gpt-4o-mini", "hi"),
    ("chat", "--model", "claude-sonnet-5", "hi"),
)


def time_s(command: tuple[str, ...], environ: dict[str, str]) -> float:
    """Run a command once; return its wall time in seconds."""
    started = time.perf_counter()
    subprocess.run(command, env=environ, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Measure each command and print a line for it."""
    with LoopbackUpstream() as upstream, tempfile.TemporaryDirectory() as home:
        environ = {
            **os.environ,
            "HIVELOOM_HOME": home,
            "HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url,
            "HIVELOOM_ANTHROPIC_BASE_URL": upstream.anthropic_base_url,
        }
        for words in COMMANDS:
            command = (*PROGRAM, *words)
            time_s(command, environ)  # once to warm the caches
            pairs = [(time_s(command, environ), time_s(PYTHON, environ)) for _ in range(RUNS)]
            ratio = statistics.median(ours / bare for ours, bare in pairs)
            median_ms = 1000 * statistics.median(ours for ours, _ in pairs)
            print(f"{ratio:6.1f} x   {median_ms:6.0f} ms   hiveloom {' '.join(words)}")


if __name__ == "__main__":
    main()
