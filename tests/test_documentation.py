"""The examples in the documentation are run, in a real shell, and print what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers.process import find_free_port
from tests.support.program import build_environment

if TYPE_CHECKING:
    from hiveloom_cli.demo.upstream import LoopbackUpstream

_ROOT = Path(__file__).parents[1]
_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ANYTHING = "…"


@dataclass(frozen=True, slots=True)
class Example:
    """A command line and what it prints; `…` stands for any text, alone on a line for any lines."""

    command: str
    output: str

    def matches(self, printed: str) -> bool:
        pattern = re.escape(self.output.strip("\n")).replace(re.escape(_ANYTHING), ".*")
        return re.fullmatch(pattern, printed.strip("\n"), re.DOTALL) is not None


def parse_examples(text: str) -> list[Example]:
    """Read the commands of a console block and the lines under each."""
    examples: list[Example] = []
    for piece in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = piece.partition("\n")
        examples.append(Example(command, output))
    return examples


def run_examples(markdown: str, folder: Path, environ: dict[str, str]) -> None:
    """Run a text's console blocks one after the other in one shell; write its named files first."""
    examples: list[Example] = []
    for language, name, content in _FENCE.findall(markdown):
        if name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
        elif language == "console":
            examples += parse_examples(content)
    assert examples
    script = "".join(f"{one.command}\nprintf '\\n<%s>\\n' $?\n" for one in examples)
    done = subprocess.run(
        ["bash", "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
        cwd=folder,
        check=True,
        timeout=600,
    )
    printed = re.split(r"\n<(\d+)>\n", done.stdout.decode())
    for example, text, code in zip(examples, printed[::2], printed[1::2], strict=False):
        assert int(code) == (1 if example.output.startswith("error:") else 0), (example, text)
        assert example.matches(text), f"$ {example.command}\n{text}\nis not\n{example.output}"
    assert len(printed) == 2 * len(examples) + 1


@pytest.fixture
def environ(tmp_path: Path, loopback: LoopbackUpstream) -> dict[str, str]:
    """Give the environment of a shell that finds `hiveloom`, and an upstream on this machine."""
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "hiveloom"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hiveloom_cli "$@"\n')
    program.chmod(0o755)
    # What a reader would fetch with uvx, from where `make servers` has put it.
    fetcher = programs / "uvx"
    fetcher.write_text(f'#!/bin/sh\nname=$1; shift\nexec "{_ROOT}/.env-mcp-time/bin/$name" "$@"\n')
    fetcher.chmod(0o755)
    return build_environment(
        {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(_ROOT),
            "HIVELOOM_OPENAI_BASE_URL": loopback.openai_base_url,
            "HIVELOOM_ANTHROPIC_BASE_URL": loopback.anthropic_base_url,
        }
    )


def test_the_examples_of_the_readme_on_agents_work(tmp_path: Path, environ: dict[str, str]) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    readme = (_ROOT / "README.md").read_text()
    section = re.search(r"^## Agents\n(.*?)^## ", readme, re.MULTILINE | re.DOTALL)
    assert section
    run_examples(section[1], folder, environ)


def test_an_example_that_prints_something_else_is_found() -> None:
    assert Example("x", "a …\nb\n").matches("a long\nb")
    assert Example("x", "…\n").matches("a\nb\n")
    assert not Example("x", "").matches("a")
    assert not Example("x", "a …\n").matches("b")
    assert not Example("x", "a\n").matches("a\nb")


@pytest.mark.parametrize("page", ["agents", "chat", "mcp", "serve", "skills", "tools"])
def test_the_examples_of_a_page_work(tmp_path: Path, environ: dict[str, str], page: str) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    text = (_ROOT / f"docs/{page}.md").read_text()
    for port in ("3000", "3001"):  # another program may have them here
        text = text.replace(port, str(find_free_port()))
    run_examples(text, folder, environ)
