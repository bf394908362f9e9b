"""Agents as manifests describe them: all or none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.program import Finished, build_environment, run_hiveloom, spawn_hiveloom

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = """\
agents:
- name: one
  model: gpt-4o-mini
  system_prompt: |
    Be terse.
- name: two
  model: m
  capabilities:
  - {name: weather, type: tool}
"""
# Ends itself, as a power cut would, or finds the disk full, after so many agents' files.
_CUT_SHORT = """
import os, sys
from pathlib import Path
from hiveloom_cli.cli import main
left, how = int(sys.argv[1]), sys.argv[2]
replace, unlink = Path.replace, Path.unlink
def count(path):
    global left
    if path.parent.name != "agents" or path.suffix != ".md":
        return
    left -= 1
    if left == -1 and how == "fail":
        raise OSError(28, "No space left on device")
    if left < 0 and how == "kill":
        os._exit(9)
def counted_replace(self, target):
    count(Path(target))
    return replace(self, target)
def counted_unlink(self, missing_ok=False):
    count(self)
    return unlink(self, missing_ok)
Path.replace, Path.unlink = counted_replace, counted_unlink
main(sys.argv[3:])
"""


@pytest.fixture
def agents(home: Path) -> Path:
    """Give the folder of the agents, which is not there yet."""
    return home / "agents"


def apply(text: str, *args: str, **options: Any) -> Finished:
    return run_hiveloom("apply", "-f", "-", *args, input=text, **options)


def read(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in sorted(folder.glob("*.md"))}


def test_agents_are_created_updated_and_left_alone(agents: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "agents.yaml"
    manifest.write_text(MANIFEST, "utf-8")
    done = run_hiveloom("apply", "-f", str(manifest))
    assert (done.stdout, done.stderr) == ("one: created\ntwo: created\n", "")
    assert read(agents) == {
        "one": "---\nmodel: gpt-4o-mini\n---\nBe terse.\n",
        "two": "---\nmodel: m\ntools: [weather]\n---\n\n",
    }
    again = run_hiveloom("apply", "-f", str(manifest))
    assert again.stdout == "one: unchanged\ntwo: unchanged\n"
    manifest.write_text(MANIFEST.replace("gpt-4o-mini", "gpt-5"), "utf-8")
    changed = run_hiveloom("apply", "-f", str(manifest))
    assert changed.stdout == "one: updated (model gpt-4o-mini → gpt-5)\ntwo: unchanged\n"


def test_a_file_that_says_the_same_is_left_alone_byte_for_byte(agents: Path) -> None:
    agents.mkdir()
    text = "---\n# mine\nmodel: 'gpt-4o-mini'\nmood: fine # x\n---\n\n\nBe terse.\n\n"
    (agents / "one.md").write_text(text, "utf-8")
    assert apply(MANIFEST).stdout == "one: unchanged\ntwo: created\n"
    assert read(agents)["one"] == text


def test_what_is_not_ours_survives_an_update(agents: Path) -> None:
    agents.mkdir()
    (agents / "one.md").write_text("---\nmodel: m\nmood: fine\ntop_p: 1\n---\nx\n", "utf-8")
    done = apply(MANIFEST)
    assert "one: updated (model m → gpt-4o-mini, top_p removed, prompt +1 -1 lines)" in done.stdout
    assert "mood: fine" in read(agents)["one"]


def test_comments_survive_an_update(agents: Path) -> None:
    agents.mkdir(parents=True)
    path = agents / "one.md"
    path.write_text(
        "---\nmodel: m # M\ntools: # T\n  - x # why x\n  # about y\n  - y # why y\n"
        "stop: [p, # P\n  q] # Q\n# tail\n---\n"
    )
    done = apply("name: one\nmodel: n\ntools: [x, y, z]\nstop: [p]\n")
    assert done.exit_code == 0, done.stderr
    assert path.read_text() == (
        "---\nmodel: n # M\ntools: # T\n  - x # why x\n  # about y\n  - y # why y\n  - z\n"
        "stop: [p, # P\n  ] # Q\n# tail\n---\n"
    )


def test_a_layout_that_cannot_be_edited_is_written_anew_unless_that_loses_comments(
    agents: Path,
) -> None:
    agents.mkdir(parents=True)
    path = agents / "one.md"
    path.write_text("---\n{model: m, tools: [x]}\n---\n")
    assert apply("name: one\nmodel: n\n").exit_code == 0
    assert path.read_text() == "---\nmodel: n\n---\n\n"
    for settings in ("{model: m} # mine", "model: &x m # mine\ndescription: *x"):
        path.write_text(f"---\n{settings}\n---\n")
        done = apply("name: one\nmodel: n\ndescription: d\n")
        assert (done.exit_code, "the way its settings are laid out" in done.stderr) == (1, True)
        assert "hiveloom agent edit one" in done.stderr
        assert path.read_text() == f"---\n{settings}\n---\n"


def test_several_manifests_and_documents_are_one_description(agents: Path, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("---\nname: a\nmodel: m\n---\nname: b\nmodel: m\n", "utf-8")
    (tmp_path / "c.json").write_text('{"name": "c", "model": "m"}', "utf-8")
    done = run_hiveloom("apply", "-f", "a.yaml", "-f", "c.json", cwd=tmp_path)
    assert done.stdout == "a: created\nb: created\nc: created\n"
    assert list(read(agents)) == ["a", "b", "c"]


def test_a_dry_run_shows_each_difference_and_changes_nothing(agents: Path) -> None:
    apply(MANIFEST)
    before = read(agents)
    text = MANIFEST.replace("terse", "kind").replace("two", "new")
    done = apply(text, "--dry-run", "--prune")
    assert done.stdout.splitlines() == [
        "one: would be updated (prompt +1 -1 lines)",
        "--- a/one.md",
        "+++ b/one.md",
        "@@ -1,4 +1,4 @@",
        " ---",
        " model: gpt-4o-mini",
        " ---",
        "-Be terse.",
        "+Be kind.",
        "new: would be created",
        "--- /dev/null",
        "+++ b/new.md",
        "@@ -0,0 +1,5 @@",
        "+---",
        "+model: m",
        "+tools: [weather]",
        "+---",
        "+",
        "two: would be deleted",
        "--- a/two.md",
        "+++ /dev/null",
        "@@ -1,5 +0,0 @@",
        "----",
        "-model: m",
        "-tools: [weather]",
        "----",
        "-",
    ]
    assert read(agents) == before
    rows = json.loads(apply(text, "--dry-run", "--prune", "--json").stdout)
    assert [(row["name"], row["action"]) for row in rows] == [
        ("one", "update"),
        ("new", "create"),
        ("two", "prune"),
    ]
    assert rows[0]["diff"].startswith("--- a/one.md\n+++ b/one.md\n")
    assert read(agents) == before


def test_json_tells_what_was_done_to_each(agents: Path) -> None:
    assert json.loads(apply(MANIFEST, "--json").stdout) == [
        {"name": "one", "action": "create", "changes": "", "version": 1},
        {"name": "two", "action": "create", "changes": "", "version": 1},
    ]
    assert len(read(agents)) == 2


def test_pruning_asks_first_and_keeps_the_versions(
    agents: Path, home: Path, tmp_path: Path
) -> None:
    apply(MANIFEST)
    (agents / "broken.md").write_text("not an agent", "utf-8")
    (tmp_path / "m.yaml").write_text("name: one\nmodel: gpt-4o-mini\n", "utf-8")
    args = ("apply", "-f", str(tmp_path / "m.yaml"), "--prune")
    refused = run_hiveloom(*args)
    assert (refused.exit_code, "add --yes" in refused.stderr) == (2, True)
    with spawn_hiveloom(*args) as terminal:
        terminal.expect("Delete 2 agents that no manifest names (broken, two)? [y/N]")
        terminal.send_line("n")
        assert terminal.wait() == 1
    assert list(read(agents)) == ["broken", "one", "two"]
    done = run_hiveloom(*args, "--yes")
    assert done.stdout == ("one: updated (prompt -1 line)\nbroken: deleted\ntwo: deleted\n")
    assert list(read(agents)) == ["one"]
    assert (home / "versions" / "own" / "two.json").exists()


def test_no_agents_at_all_have_to_be_meant(agents: Path) -> None:
    apply(MANIFEST)
    for text in ("", "# nothing\n", "---\n"):
        done = apply(text, "--prune", "--yes")
        assert (done.exit_code, "is empty" in done.stderr) == (2, True)
    assert len(read(agents)) == 2
    assert apply("agents: []", "--prune", "--yes").stdout == "one: deleted\ntwo: deleted\n"
    assert read(agents) == {}


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("agents: [", ["stdin:2: not valid YAML"]),
        ("name: !!str a", ["stdin:1: a value begins with `!`"]),
        ("model: m", ["stdin:1: expected a name"]),
        ("name: a", ["stdin:1: expected a model"]),
        ("name: A\nmodel: m", ["stdin:1: `name`: “A” cannot name an agent"]),
        ("name: sk-made-up-0123456789\nmodel: m", ["stdin:1: `name`: that looks like a key"]),
        ("[{name: a, model: m},\n{name: a, model: m}]", ["stdin:2: a is described a second time"]),
        (
            "- {name: a, model: 7}",
            ["stdin:1: `model`: expected a text"],
        ),
        (
            "agents:\n- {name: a, model: 7}\n- name: b\n  top_p: 2\n  model: m\n- model: m\n",
            ["stdin:2: `model`", "stdin:4: `top_p`", "stdin:6: expected a name"],
        ),
        ('{"name": "a", "model": "m", "x": "\\ud800"}', ["stdin:1: not valid YAML"]),
        (b"\xff", ["stdin:1: not UTF-8 text"]),
    ],
)
def test_every_fault_is_told_and_nothing_is_written(
    agents: Path, text: str | bytes, faults: list[str]
) -> None:
    done = run_hiveloom("apply", "-f", "-", input=text)
    told = [line.removeprefix("error: ") for line in done.stderr.splitlines() if "error: " in line]
    assert done.exit_code == 1
    assert [line[: len(fault)] for line, fault in zip(told, faults, strict=False)] == faults
    assert len(told) == (len(faults) + 1 if len(faults) > 1 else 1), done.stderr
    assert "sk-" not in done.stderr
    assert not agents.exists()


def test_a_broken_file_is_not_overwritten(agents: Path) -> None:
    agents.mkdir()
    (agents / "one.md").write_text("not an agent", "utf-8")
    done = apply(MANIFEST)
    assert (done.exit_code, f"{agents / 'one.md'}:1: expected" in done.stderr) == (1, True)
    assert read(agents) == {"one": "not an agent"}


def test_what_an_agent_has_no_place_for_is_told(agents: Path) -> None:
    done = apply("name: a\nmodel: m\nscope_mode: team\n")
    assert done.stderr == "a: left out: scope_mode: team (an agent is one person's)\n"
    assert list(read(agents)) == ["a"]


def run_cut_short(count: int, how: str, text: str, *args: str) -> int:
    return subprocess.run(
        [sys.executable, "-c", _CUT_SHORT, str(count), how, "apply", "-f", "-", *args],
        input=text.encode(),
        env=build_environment(),
        cwd=os.environ["HOME"],
        capture_output=True,
        check=False,
    ).returncode


@pytest.mark.parametrize("how", ["kill", "fail"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_what_is_cut_short_in_the_middle_changes_nothing(
    agents: Path, how: str, count: int
) -> None:
    apply(MANIFEST)
    before = read(agents)
    text = MANIFEST.replace("name: two", "name: new").replace("terse", "kind")
    assert run_cut_short(count, how, text, "--prune", "--yes") != 0
    listed = json.loads(run_hiveloom("agent", "list", "--json").stdout)
    assert [agent["name"] for agent in listed] == ["one", "two"]
    assert read(agents) == before


def test_the_next_apply_puts_back_what_was_cut_short_and_goes_on(agents: Path) -> None:
    apply(MANIFEST)
    text = MANIFEST.replace("name: two", "name: new").replace("terse", "kind")
    assert run_cut_short(2, "kill", text, "--prune", "--yes") == 9
    done = apply(text, "--prune", "--yes")
    assert done.stdout == "one: updated (prompt +1 -1 lines)\nnew: created\ntwo: deleted\n"
    assert list(read(agents)) == ["new", "one"]


def test_a_thousand_agents_are_applied(agents: Path) -> None:
    text = "agents:\n" + "".join(
        f"- name: a{number}\n  model: m\n  system_prompt: Number {number}.\n"
        for number in range(1000)
    )
    assert apply(text, timeout=300).stdout.count(": created") == 1000
    assert len(read(agents)) == 1000
    again = apply(text.replace("Number 7.", "Seven."), timeout=300)
    assert again.stdout.count(": unchanged") == 999
    assert "a7: updated (prompt +1 -1 lines)" in again.stdout


def test_what_never_ends_is_not_taken_in(agents: Path) -> None:
    for args in (
        ("apply", "-f"),
        ("agent", "import"),
        ("agent", "create", "x", "--model", "m", "--system-prompt-file"),
    ):
        done = run_hiveloom(*args, "/dev/zero")
        assert (done.exit_code, "larger than 10 MB" in done.stderr) == (1, True)
        assert done.stderr.count("error: ") == 1
    assert not agents.exists()
