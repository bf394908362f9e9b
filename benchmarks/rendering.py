"""What rendering a streamed answer costs for each token, as a ratio to an answer of 1,000 tokens.

    python benchmarks/rendering.py [RUNS]

The answer is a mix of prose, lists, tables and code, and comes a token at a time at a steady speed
by a clock of its own, so that the number of frames does not depend on the machine. Printed are the
medians of the processor time that a token costs and of what is written to the terminal for it.
Below it are answers that are one single block, of which what is finished is drawn for good as well:
the items of a list, the lines of code. Nothing is asserted.
"""

from __future__ import annotations

import io
import re
import statistics
import sys
import time

from rich.console import Console

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.terminal.look import Look
from hiveloom_cli.terminal.markdown import MarkdownStream

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
SIZES = (1_000, 5_000, 10_000, 50_000)

TOKENS_PER_S = 80
_TOKEN = re.compile(r"\s*\w{1,6}|\s*[^\w\s]|\s+")
_MIX = """## Part {n}: what follows

A paragraph with **bold**, `code` and a [link](https://example.org/{n}) in it, which is as long as
paragraphs of answers are: two or three sentences. The second one says a little more. And a third.

- The first point of part {n}
- The second point, with a few more words than the first one had
  - and one below it
- The third

| Option | Meaning | Default |
|:-------|---------|--------:|
| `one`  | the first of part {n} | {n} |
| `two`  | the second | 42 |

```python
def part_{n}(values: list[int]) -> int:
    # A comment in the middle of it.
    total = sum(value * 2 for value in values if value > {n})
    return total + len("part {n}")
```

1. Do this.
2. Then do that, and look at what came of it.

"""
_ITEM = "- point {n} of a list that does not end, with some words in it\n"
_CODE = "    total_{n} = compute(values[{n}], scale=2.5)  # line {n}\n"


class TokenClock(SystemClock):
    """Goes on by one token's time when it is told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def elapsed_s(self) -> float:
        """See `Clock.elapsed_s`."""
        return self.now_s


def build_tokens(pattern: str, count: int, head: str = "") -> list[str]:
    """Cut as much of a repeated text as has `count` tokens into these."""
    tokens = _TOKEN.findall(head)
    n = 0
    while len(tokens) < count:
        tokens += _TOKEN.findall(pattern.format(n=n))
        n += 1
    return tokens[:count]


def render(tokens: list[str]) -> tuple[float, float]:
    """Render an answer; return the microseconds and the characters written for each token."""
    clock, screen = TokenClock(), io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, height=24, color_system="256")
    started = time.process_time()
    with MarkdownStream(console, Look(clock=clock)) as stream:
        for token in tokens:
            stream.feed(token)
            clock.now_s += 1 / TOKENS_PER_S
    spent_s = time.process_time() - started
    return 1e6 * spent_s / len(tokens), screen.tell() / len(tokens)


def measure(title: str, pattern: str, head: str = "") -> None:
    """Print a line for each size."""
    print(f"{title}, {TOKENS_PER_S} tokens a second")
    render(build_tokens(pattern, SIZES[0], head))  # once to load what is loaded late
    base = 0.0
    for size in SIZES:
        tokens = build_tokens(pattern, size, head)
        costs, written = zip(*(render(tokens) for _ in range(RUNS)), strict=True)
        cost = statistics.median(costs)
        base = base or cost
        share = cost * TOKENS_PER_S / 1e4
        print(
            f"  {size:>6,} tokens  {cost / base:5.2f} x  {cost:7.0f} µs a token"
            f"  {share:5.1f} % of a core  {statistics.median(written):6.0f} characters a token"
        )


def main() -> None:
    """Measure a realistic answer, then the two blocks that can grow without end."""
    measure("a mix of prose, lists, tables and code", _MIX)
    measure("one list", _ITEM)
    measure("one block of code", _CODE, "```python\n")


if __name__ == "__main__":
    main()
