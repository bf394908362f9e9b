"""`hiveloom agent edit` with options."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.models import ModelInfo
from hiveloom_cli.upstream.model_cache import ModelCache
from hiveloom_cli.upstream.resolve import StoredKey, Upstream
from tests.support.program import Finished

if TYPE_CHECKING:
    from pathlib import Path

Hiveloom = Callable[..., Finished]
KEY = "sk-a-made-up-key-0123456789"
TEXT = """---
# Terse, and cheap.
model: gpt-4o-mini   # cheap
temperature: 0.2
tools:
  - weather   # asks the sky
---

You are terse.

"""


@pytest.fixture
def agent(home: Path) -> Path:
    path = home / "agents" / "helper.md"
    path.parent.mkdir()
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize(
    ("words", "old", "new", "summary"),
    [
        (["--model", "gpt-5"], "gpt-4o-mini", "gpt-5", "model gpt-4o-mini → gpt-5"),
        (["--temperature", "1.5"], "0.2", "1.5", "temperature 0.2 → 1.5"),
        (["--top-p", "0.5"], "sky\n", "sky\ntop_p: 0.5\n", "top_p 0.5"),
        (["--max-tokens", "9"], "sky\n", "sky\nmax_tokens: 9\n", "max_tokens 9"),
        (["--credential", "groq"], "sky\n", "sky\ncredential: groq\n", "credential groq"),
        (["--description", "A: b"], "sky\n", "sky\ndescription: 'A: b'\n", "description A: b"),
        (["--add-tool", "x", "--add-tool", "y"], "sky\n", "sky\n  - x\n  - y\n", "tools +x +y"),
        (["--add-skill", "x"], "sky\n", "sky\nskills: [x]\n", "skills [x]"),
        (
            ["--remove-tool", "weather"],
            "tools:\n  - weather   # asks the sky\n",
            "tools: []\n",
            "tools -weather",
        ),
        (["--set", "stop=[a,b]"], "sky\n", "sky\nstop: [a, b]\n", "stop [a, b]"),
        (["--set", "temperature= 1"], "0.2", "1", "temperature 0.2 → 1"),
        (["--unset", "temperature"], "temperature: 0.2\n", "", "temperature removed"),
        (["--system-prompt", "You sing."], "You are terse.", "You sing.", "prompt +1 -1 lines"),
    ],
)
def test_an_option_changes_its_own_line_and_says_so(
    hiveloom: Hiveloom, agent: Path, words: list[str], old: str, new: str, summary: str
) -> None:
    done = hiveloom("agent", "edit", "helper", *words, env=KEYS)
    kinds = {"--add-tool": "tool", "--add-skill": "skill"}
    added = [(kinds[option], name) for option, name in pairwise(words) if option in kinds]
    notes = "".join(f"note: there is no {kind} named {name}\n" for kind, name in added)
    assert (done.exit_code, done.stderr) == (0, notes)
    assert done.stdout == f"Changed helper: {summary} (version 2): {agent}\n"
    assert agent.read_text() == TEXT.replace(old, new)


def test_a_prompt_is_read_from_a_file_or_a_pipe(
    hiveloom: Hiveloom, agent: Path, tmp_path: Path
) -> None:
    file = tmp_path / "prompt.txt"
    file.write_bytes("\ufeffÄ\r\nB\r\n".encode())
    hiveloom("agent", "edit", "helper", "--system-prompt-file", str(file))
    assert agent.read_text() == TEXT.replace("You are terse.", "Ä\nB")
    hiveloom("agent", "edit", "helper", "--system-prompt-file", "-", input="C\n")
    assert agent.read_text() == TEXT.replace("You are terse.", "C")


def test_what_is_so_already_is_said_and_not_written(hiveloom: Hiveloom, agent: Path) -> None:
    before = agent.stat()
    done = hiveloom("agent", "edit", "--name", "helper", "--temperature", "0.2")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"Nothing changed in helper (version 1): {agent}\n"
    after = agent.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_setting_that_is_not_known_is_kept_with_a_warning(
    hiveloom: Hiveloom, agent: Path
) -> None:
    done = hiveloom("agent", "edit", "helper", "--set", "temprature=1")
    assert done.exit_code == 0
    assert "did you mean `temperature`?" in done.stderr
    assert "temprature: 1\n---\n" in agent.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no option says what to change"),
        (["--set", "temperature=5"], "error: temperature: expected a number from 0 to 2\n"),
        (["--set", "temperature=hot"], "error: temperature: expected a number from 0 to 2\n"),
        (["--temperature", "nan"], "--temperature: expected a number from 0 to 2\n"),
        (["--temperature", "5"], "--temperature: expected a number from 0 to 2\n"),
        (["--top-p", "x"], "--top-p: expected a number from 0 to 1\n"),
        (["--max-tokens", "0"], "--max-tokens: expected a whole number of at least 1\n"),
        (["--model", " "], "error: the name of the model is empty\n"),
        (["--set", "model="], "error: model: expected a text"),
        (["--credential", "My Key"], "credential: expected the name of a credential"),
        (["--credential", KEY], "this looks like a key"),
        (["--set", f"api_key={KEY}"], "looks like a key"),
        (["--set", "model=x", "--model", "y"], "model is to be changed in two ways"),
        (["--set", "x=1", "--set", " x =2"], "x is to be changed in two ways"),
        (["--set", "x=1", "--unset", "x"], "x is to be changed in two ways"),
        (["--unset", "temperature", "--unset", "temperature"], "in two ways"),
        (["--temperature", "1", "--unset", "temperature"], "in two ways"),
        (["--set", "tools=[a]", "--add-tool", "b"], "tools is to be changed in two ways"),
        (["--add-tool", "b", "--remove-tool", "b"], "“b” is to be added and removed"),
        (["--add-tool", " "], "an empty name"),
        (["--add-tool", b"\xff"], "not UTF-8"),
        (["--set", b"x=\xff"], "not UTF-8"),
        (["--system-prompt", b"\xff"], "not UTF-8"),
        (["--set", "x"], "expected a key and a value"),
        (["--set", "=x"], "expected a key and a value"),
        (["--set", "x=[a"], "x: the value is not valid YAML"),
        (["--set", "x=!!python/name:os.system"], "x: the value is not valid YAML"),
        (["--set", "x=" + "[" * 20_000], "longer than 10,000"),
        (["--description", "x" * 20_000], "longer than 10,000"),
        (["--remove-tool", "x"], "“x” is not among the tools; there are: weather"),
        (["--remove-skill", "x"], "“x” is not among the skills; there are none"),
        (["--unset", "mood"], "mood is not set, so it cannot be unset"),
        (["--unset", "model"], "an agent needs a model"),
        (["--system-prompt", "a", "--system-prompt-file", "-"], "given twice"),
        (["--model", "a", "more"], "one name is expected"),
    ],
)
def test_what_cannot_be_done_is_a_usage_error_and_changes_nothing(
    hiveloom: Hiveloom, agent: Path, words: list[str], message: str
) -> None:
    done = hiveloom("agent", "edit", "helper", *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert str(agent) not in done.stderr
    assert KEY not in done.stderr
    assert done.stdout == ""
    assert agent.read_text() == TEXT


def test_without_a_terminal_the_way_to_the_options_is_told(hiveloom: Hiveloom, agent: Path) -> None:
    done = hiveloom("agent", "edit", "helper", env={"EDITOR": "false"})
    assert "hiveloom agent edit helper --model MODEL (hiveloom agent edit --help" in done.stderr


def test_an_agent_that_is_not_there_is_not_made(hiveloom: Hiveloom, agent: Path) -> None:
    done = hiveloom("agent", "edit", "helpr", "--model", "m")
    assert done.exit_code == 5
    assert "did you mean helper?" in done.stderr


def test_a_broken_file_is_told_with_its_line_and_the_way_out(
    hiveloom: Hiveloom, agent: Path
) -> None:
    agent.write_text("---\nmodel: m\ntemperature: hot\n---\n")
    done = hiveloom("agent", "edit", "helper", "--temperature", "1")
    assert done.exit_code == 1
    assert f"{agent}:3: " in done.stderr
    assert "hiveloom agent edit helper" in done.stderr
    assert agent.read_text() == "---\nmodel: m\ntemperature: hot\n---\n"


def test_a_layout_that_cannot_be_changed_is_left_to_the_editor(
    hiveloom: Hiveloom, agent: Path
) -> None:
    agent.write_text("---\n{model: m}\n---\n")
    done = hiveloom("agent", "edit", "helper", "--model", "n")
    assert done.exit_code == 2
    assert "hiveloom agent edit helper" in done.stderr
    assert agent.read_text() == "---\n{model: m}\n---\n"


@pytest.fixture
def offered(home: Path) -> None:
    base_url = parse_base_url("https://api.openai.com/v1", source="a test")
    upstream = Upstream("openai", base_url, StoredKey("openai"), credential="openai")
    models = (ModelInfo("gpt-4o-mini"), ModelInfo("o3"))
    ModelCache(home / "cache" / "models", SystemClock()).save(upstream, models)


KEYS = {f"{name}_API_KEY": KEY for name in ("OPENAI", "ANTHROPIC", "GROQ")}
NOTE = "note: openai did not offer gpt-4o-mni when it was last asked; did you mean gpt-4o-mini?\n"


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize(
    ("words", "note"),
    [
        (["--model", "gpt-4o-mni"], NOTE),
        (["--model", "gpt-4o-mini"], ""),
        (["--model", "llama-3.3-70b"], ""),
        (["--model", "gpt-4o-mni", "--credential", "groq"], ""),
        (["--model", "claude-o3"], ""),
    ],
)
def test_a_model_that_was_nearly_offered_is_noted(
    hiveloom: Hiveloom, agent: Path, words: list[str], note: str
) -> None:
    agent.write_text("---\nmodel: m\n---\n")
    edited = hiveloom("agent", "edit", "helper", *words, env=KEYS)
    assert (edited.exit_code, edited.stderr) == (0, note)
    created = hiveloom("agent", "create", "other", *words, env=KEYS)
    assert created.exit_code == 0
    assert created.stderr == f"{note}Talk to it: hiveloom chat other\n"
