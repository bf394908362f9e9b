"""The README says what the program does: its tables are held against the code."""

from __future__ import annotations

import re
from pathlib import Path

from hiveloom_cli.protocols.providers import PROVIDERS

_ROOT = Path(__file__).parents[1]
_README = (_ROOT / "README.md").read_text()


def test_the_table_of_providers_is_the_tables_own() -> None:
    rows = dict(re.findall(r"^\| (.+?) \|(.+)\|$", _README, re.MULTILINE))
    for provider in PROVIDERS:
        title = "OpenAI (default)" if provider.name == "openai" else provider.title
        assert title in rows, title
        assert all(model in rows[title] for model in provider.example_models)
        if provider.name not in ("openai", "anthropic"):
            assert f"`{provider.base_url}`" in rows[title]


def test_every_variable_that_the_code_reads_is_in_the_readme() -> None:
    sources = [path.read_text() for path in (_ROOT / "hiveloom_cli").rglob("*.py")]
    read = set(re.findall(r'"(HIVELOOM_[A-Z_]+)"', "\n".join(sources)))
    assert read
    assert [name for name in sorted(read) if f"`{name}`" not in _README] == []


def test_the_test_command_of_the_readme_is_the_one_that_ci_runs() -> None:
    assert "\n$ make test\n" in _README
    assert "\nmake test\n" in (_ROOT / ".ci/run").read_text()


def test_commands_of_the_readme_exist() -> None:
    from hiveloom_cli.commands import COMMANDS

    named = set(re.findall(r"(?:[$|] |`)hiveloom ([a-z]+)", _README))
    assert named <= set(COMMANDS)
