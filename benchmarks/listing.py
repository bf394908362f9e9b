"""How much longer it takes to list 1,000 agents than 10, both above the program's start-up.

    python benchmarks/listing.py [RUNS]

Start-up, the short list and the long one run in turn, so that a machine whose speed drifts slows
all three. Printed are the medians of the differences to start-up, and the median of their ratios,
for agents as most are written and for such as only YAML reads. Nothing is asserted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
PROGRAM = str(Path(sys.executable).with_name("hiveloom"))
START_UPS = (("--version",), ("agent", "--help"))
LIST = ("agent", "list")
FEW, MANY = 10, 1000
PLAIN = """\
---
# For the reviews of team {number}.
model: gpt-4o-mini          # cheap
description: Reviews changes of team {number}, tersely
credential: openai
temperature: 0.2
tools: [weather, mcp:github]
skills: [release-notes]
---
You review changes for team {number}.

- Be terse.
- Name file and line.
- Say what is good as well.
"""
NEEDS_YAML = PLAIN.replace("skills: [release-notes]", "skills:\n  - release-notes").replace(
    "Reviews changes of team {number}, tersely", '"Reviews: team {number} # tersely"'
)


def write_agents(home: Path, count: int, text: str) -> dict[str, str]:
    """Write that many agents into a home; return the environment that leads there."""
    folder = home / "agents"
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"reviewer-{number:04}.md").write_text(text.format(number=number))
    return {**os.environ, "HIVELOOM_HOME": str(home)}


def time_s(words: tuple[str, ...], environ: dict[str, str]) -> float:
    """Run a command once; return its wall time in seconds."""
    started = time.perf_counter()
    subprocess.run(
        (PROGRAM, *words), env=environ, check=True, capture_output=True, stdin=subprocess.DEVNULL
    )
    return time.perf_counter() - started


def measure(kind: str, text: str, root: Path) -> None:
    """Measure one kind of agents, and print a line for each start-up it is held against."""
    few = write_agents(root / kind / "few", FEW, text)
    many = write_agents(root / kind / "many", MANY, text)
    for start_up in START_UPS:
        for environ in (few, many):
            time_s(LIST, environ)  # once to warm the caches
        rounds = [
            (time_s(start_up, few), time_s(LIST, few), time_s(LIST, many)) for _ in range(RUNS)
        ]
        short_ms = 1000 * statistics.median(short - bare for bare, short, _ in rounds)
        long_ms = 1000 * statistics.median(long - bare for bare, _, long in rounds)
        ratio = statistics.median((long - bare) / (short - bare) for bare, short, long in rounds)
        print(
            f"{ratio:6.1f} x   {FEW}: {short_ms:5.0f} ms   {MANY}: {long_ms:5.0f} ms"
            f"   {kind}, above hiveloom {' '.join(start_up)}"
        )


def main() -> None:
    """Measure both kinds."""
    with tempfile.TemporaryDirectory() as root:
        measure("plain", PLAIN, Path(root))
        measure("needs-yaml", NEEDS_YAML, Path(root))


if __name__ == "__main__":
    main()
