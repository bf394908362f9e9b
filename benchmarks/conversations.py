"""How fast commands are with very many saved conversations.

    python benchmarks/conversations.py [CONVERSATIONS [MESSAGES [RUNS]]]

Makes a database of 100,000 conversations with 1,000,000 messages, unless told otherwise, and runs
each command in turn with `--version`, whose time is what starting up takes. Printed is the median
of the differences, in milliseconds. Nothing is asserted.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.chat.message_json import format_content, format_settings
from hiveloom_cli.chat.store import Store
from hiveloom_cli.clock import build_id
from hiveloom_cli.demo.upstream import LoopbackUpstream
from hiveloom_cli.protocols.message import TextPart

if TYPE_CHECKING:
    from collections.abc import Iterator

CONVERSATIONS, MESSAGES, RUNS = (
    int(word) for word in [*sys.argv[1:], "100000", "1000000", "9"][:3]
)
PROGRAM = str(Path(sys.executable).with_name("hiveloom"))
FIRST_MS = 1_700_000_000_000
STEP_MS = 600_000
ADD_CONVERSATION = "INSERT INTO conversation VALUES (?, ?, ?, 'm', ?, ?, ?, ?)"
ADD_MESSAGE = """
    INSERT INTO message VALUES (
        ?, ?, ?, ?, 'complete', 0, ?, ?, ?, ?, 1, 'm', 'openai', 'http://127.0.0.1/v1', 'openai',
        100, 200, 0, 400, 4000, 'stop'
    )
"""


def build_words(chance: random.Random) -> list[str]:
    """Build a vocabulary."""
    return [
        "".join(chance.choices("abcdefghijklmnop", k=chance.randint(3, 9))) for _ in range(20000)
    ]


def build_conversations(count: int, per: int) -> Iterator[tuple[object, ...]]:
    """Build the rows of conversations."""
    settings = format_settings(Agent("", "m"))
    for number in range(1, count + 1):
        at = FIRST_MS + number * STEP_MS
        id_ = build_id(datetime.fromtimestamp(at / 1000, UTC), number)
        yield number, id_, f"agent{number % 7}", f"title {number}", settings, at, at + per * 1000


def build_messages(count: int, per: int) -> Iterator[tuple[object, ...]]:
    """Build the rows of messages: questions and answers of 40 words."""
    chance = random.Random(1)  # noqa: S311 - the same database each time
    words = build_words(chance)
    for number in range(1, count + 1):
        conversation, is_answer = (number - 1) // per + 1, not number % 2
        text = " ".join(chance.choices(words, k=40)) + (" needle" if number % 1000 == 7 else "")
        yield (
            number,
            conversation,
            number - is_answer,
            "assistant" if is_answer else "user",
            format_content([TextPart(text)]),
            text,
            FIRST_MS + conversation * STEP_MS + number % per * 1000,
            f"agent{conversation % 7}",
        )


def fill(path: Path) -> None:
    """Make the database."""
    store = Store(path)
    per = max(2, MESSAGES // CONVERSATIONS)
    with store.write() as database:
        database.executemany(ADD_CONVERSATION, build_conversations(CONVERSATIONS, per))
        database.executemany(ADD_MESSAGE, build_messages(MESSAGES, per))
    store.close()


def time_ms(command: list[str], environ: dict[str, str]) -> float:
    """Run a command once; return its wall time."""
    started = time.perf_counter()
    subprocess.run(command, env=environ, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Measure each command and print a line for it."""
    with LoopbackUpstream() as upstream, tempfile.TemporaryDirectory() as home:
        environ = os.environ | {
            "HIVELOOM_HOME": home,
            "HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url,
        }
        started = time.perf_counter()
        path = Path(home) / "conversations.db"
        fill(path)
        size = path.stat().st_size / 1e6
        print(f"made {MESSAGES:,} messages in {time.perf_counter() - started:.0f} s, {size:.0f} MB")
        words = ["conversation", "list", "--json", "--limit", "1"]
        listed = subprocess.run([PROGRAM, *words], env=environ, check=True, capture_output=True)
        last = listed.stdout.decode().partition('"id": "')[2][:13]
        new_chat = ("chat", "--model", "m", "hi", "--no-save")
        for command, bare in (
            (("conversation", "list"), ("--version",)),
            (("conversation", "list", "--agent", "agent3"), ("--version",)),
            (("conversation", "show", last), ("--version",)),
            (("conversation", "search", "needle"), ("--version",)),
            (("conversation", "search", "abc*"), ("--version",)),
            (("conversation", "search", "needle", "--agent", "agent3"), ("--version",)),
            (("chat", "--model", "m", "hi"), new_chat),
            (("chat", "--resume", last, "hi"), new_chat),
            (("chat", "-c", "hi"), new_chat),
            (("conversation", "stats", "--since", "7d"), ("--version",)),
            (("conversation", "delete", last, "--yes"), ("--version",)),
        ):
            ours, base = [PROGRAM, *command], [PROGRAM, *bare]
            runs = 1 if "delete" in command else RUNS
            pairs = [(time_ms(ours, environ), time_ms(base, environ)) for _ in range(runs)]
            more = statistics.median(one - other for one, other in pairs)
            print(f"{more:7.0f} ms   hiveloom {' '.join(command)}", flush=True)


if __name__ == "__main__":
    main()
