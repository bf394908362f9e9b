"""How much a model reads at once: its context window, in tokens.

Nobody says it in one place. The person may, in the agent's file; the upstream may, in its list of
models or in the words with which it refuses what is too long; and of a few models it is known.
"""

from __future__ import annotations

import re

from hiveloom_cli.protocols.anthropic_messages.limits import find_context_length

# The row of what is learned of a model that holds its window.
CONTEXT_WINDOW = "context-window"
_SMALLEST = 256  # a smaller number in a refusal counts something else
_NUMBER = r"(\d[\d,_]*)"
_SAID = tuple(
    re.compile(wording.replace("N", _NUMBER), re.IGNORECASE)
    for wording in (
        r"maximum context length is N",  # OpenAI, OpenRouter, DeepSeek, vLLM
        r"maximum context length: N",  # Fireworks
        r"N maximum context length",  # Mistral
        r"tokens > N maximum",  # Anthropic
        r"context limit: \d+ \+ \d+ > N",  # Anthropic, with the output
        r"`?inputs`? tokens \+ `?max_new_tokens`? must be <= N",  # Together
        r"longer than the model's context length \(N",  # Together
        r"current length is \d+ while limit is N",  # Cerebras
        r"range of input length should be \[\d+, ?N\]",  # DashScope
        r"exceeded model token limit:? N",  # Kimi
        r"available context size:? \(?N",  # llama.cpp
        r"exceeds the maximum number of tokens allowed:? \(?N",  # Google
    )
)
_MILLION = 1_000_000
_KNOWN = (("deepseek-v4", _MILLION), ("deepseek-flash", _MILLION))


def decide_window(
    *, own: int | None, offered: int | None, learned: int | None, model: str
) -> int | None:
    """Decide how much a model reads; None where nobody has said.

    The person's own number goes first, then what the upstream offers, then what a refusal said.
    """
    return own or offered or learned or find_known_window(model)


def find_known_window(model: str) -> int | None:
    """Return the window that a model is known to have by its name, or None."""
    known = (window for prefix, window in _KNOWN if model.startswith(prefix))
    return find_context_length(model) or next(known, None)


def find_said_window(text: str) -> int | None:
    """Find the window in the words with which an upstream refuses what is too long."""
    for pattern in _SAID:
        if match := pattern.search(text):
            window = parse_window(match[1])
            if window is not None:
                return window
    return None


def parse_window(text: str) -> int | None:
    """Read a number of tokens that can be a window; None for any other text."""
    digits = text.replace(",", "").replace("_", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
        return None
    return int(digits) if int(digits) >= _SMALLEST else None
