"""The walk that `hiveloom demo` takes: real commands, the loopback upstream, a passing home.

Each step runs the program as a process of its own, as a shell would, and shows what it printed.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hiveloom_cli.demo.upstream import LoopbackUpstream
from hiveloom_cli.errors import HiveloomError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STEP_LIMIT_S = 60


@dataclass(frozen=True, slots=True)
class _Step:
    """One command; `piped` is what a shell would pipe into it, "" for nothing."""

    words: tuple[str, ...]
    piped: str = ""


_PROMPT = ("--system-prompt", "You are terse.")
_STEPS = (
    _Step(("credential", "set", "--name", "openai"), piped="a-made-up-key"),
    _Step(("credential", "set", "--name", "anthropic"), piped="another-made-up-key"),
    _Step(("agent", "create", "helper", "--model", "gpt-4o-mini", *_PROMPT)),
    _Step(("agent", "create", "poet", "--model", "claude-sonnet-5", *_PROMPT)),
    _Step(("credential", "list")),
    _Step(("chat", "helper", "Hello over Chat Completions!")),
    _Step(("chat", "poet", "Hello over Anthropic Messages!")),
    _Step(("chat", "helper", "Which fruit is this?"), piped="a pear"),
)


def run_walk(environ: Mapping[str, str], write: Callable[[str], None]) -> None:
    """Walk through all steps, writing each command and its output; leaves nothing behind.

    Raises `HiveloomError` if a step fails.
    """
    with (
        LoopbackUpstream() as upstream,
        tempfile.TemporaryDirectory(prefix="hiveloom-demo-") as home,
    ):
        write(
            "This demo talks to a server on this machine that speaks both protocols and is not a\n"
            "language model. It works in a temporary HIVELOOM_HOME; your own keys and agents are\n"
            "not touched.\n"
        )
        settings = {
            "HIVELOOM_HOME": home,
            "HIVELOOM_KEYRING": "vault",
            "HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url,
            "HIVELOOM_ANTHROPIC_BASE_URL": upstream.anthropic_base_url,
        }
        for name, value in settings.items():
            write(f"$ export {name}={value}\n")
        for step in _STEPS:
            _run_step(step, {**_clean(environ), **settings}, write)
        write("\nThat was all. Next: hiveloom credential set --name openai\n")


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in environ.items() if not key.startswith("HIVELOOM_")}


def _run_step(step: _Step, environ: dict[str, str], write: Callable[[str], None]) -> None:
    line = shlex.join(("hiveloom", *step.words))
    write(f"\n$ echo {shlex.quote(step.piped)} | {line}\n" if step.piped else f"\n$ {line}\n")
    finished = subprocess.run(  # noqa: S603 - our own program, with words of our own
        [sys.executable, "-m", "hiveloom_cli", *step.words],
        input=f"{step.piped}\n".encode() if step.piped else b"",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**environ, "PYTHONUTF8": "1"},
        cwd=environ["HIVELOOM_HOME"],
        timeout=_STEP_LIMIT_S,
        check=False,
    )
    output = finished.stdout.decode("utf-8", "replace")
    write(output if output.endswith("\n") else f"{output}\n")
    if finished.returncode:
        raise HiveloomError(
            f"the step “{line}” failed with exit code {finished.returncode}",
            hint="please report it with the output above",
        )
