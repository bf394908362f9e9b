"""The scripts under `completions/` are what the program prints, and work in real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.program import PROGRAM, build_environment, run_hiveloom

_COMPLETIONS = Path(__file__).parents[1] / "completions"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_what_the_commands_generate(shell: str) -> None:
    generated = run_hiveloom("completion", shell)
    assert generated.exit_code == 0
    assert (_COMPLETIONS / f"hiveloom.{shell}").read_text() == generated.stdout


@pytest.fixture
def program(tmp_path: Path) -> dict[str, str]:
    """Put a `hiveloom` on the PATH of a shell, and two agents in its home."""
    script = tmp_path / "bin" / "hiveloom"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{PROGRAM[0]}" -m hiveloom_cli "$@"\n')
    script.chmod(0o755)
    for name in ("helper", "helen"):
        run_hiveloom("agent", "create", name, "--model", "m")
    return build_environment({"PATH": f"{script.parent}:{os.environ['PATH']}"})


def find_shell(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed; `make system-deps` does it")
    return path


def run_shell(shell: str, script: str, environment: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [find_shell(shell), "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("hiveloom a", ["agent", "apply"]),
        ("hiveloom agent re", ["rename", "restore"]),
        ("hiveloom chat he", ["helen", "helper"]),
        (
            "hiveloom chat helper --no",
            ["--no-compaction", "--no-markdown", "--no-save", "--no-stream"],
        ),
        ("hiveloom agent delete --name help", ["helper"]),
    ],
)
def test_bash_offers_commands_options_and_agents(
    program: dict[str, str], words: str, offered: list[str]
) -> None:
    script = f"""
        source {_COMPLETIONS}/hiveloom.bash
        complete -p hiveloom > /dev/null || exit 1
        COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        _hiveloom_completion hiveloom
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert sorted(run_shell("bash", script, program)) == offered


def test_fish_offers_agents(program: dict[str, str]) -> None:
    script = f"source {_COMPLETIONS}/hiveloom.fish; complete -C 'hiveloom chat he'"
    assert sorted(run_shell("fish", script, program)) == ["helen", "helper"]


def test_zsh_takes_the_script(program: dict[str, str]) -> None:
    script = f"""
        autoload -Uz compinit; compinit -D -u
        source {_COMPLETIONS}/hiveloom.zsh
        print ${{_comps[hiveloom]}}
    """
    assert run_shell("zsh", script, program) == ["_hiveloom_completion"]
