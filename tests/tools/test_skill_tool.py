"""An agent's skills: names in the prompt, texts when the model asks, nothing from elsewhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.errors import FileUnreadable, ToolNotFound
from hiveloom_cli.stop import Stop
from hiveloom_cli.tools.skill import MOST_TEXT
from hiveloom_cli.tools.skill_tool import SkillTools
from hiveloom_cli.tools.tool import Approval
from hiveloom_cli.tools.toolbox import open_toolbox
from tests.support.files import build_png
from tests.support.skills import NOTES, build_text, write_skill
from tests.tools.outsides import build_outside

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.tools.tool import Tool, ToolOutput


def open_tool(folder: Path, *names: str) -> Tool:
    tools = SkillTools(names, build_outside(folder)).load_tools()
    assert len(tools) == 1
    return tools[0][1]


def ask(folder: Path, **arguments: Any) -> ToolOutput:
    return open_tool(folder, "release-notes").run({"name": "release-notes", **arguments}, Stop())


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    """Give the folder of a skill with three files."""
    files = {"references/style.md": "Be short.\n", "scripts/run.sh": "exit\n"}
    return write_skill(tmp_path / "skills", NOTES, files)


def test_only_names_and_descriptions_go_into_the_prompt(tmp_path: Path, skill: Path) -> None:
    write_skill(tmp_path / "skills", build_text("pdf", "Reads\n  PDFs.", "The body."))
    write_skill(tmp_path / "skills", build_text("unnamed", "The agent does not name it."))
    box = open_toolbox(["skill:release-notes", "skill:pdf"], build_outside(tmp_path))
    assert box.instructions == (
        "You have skills, which are instructions for certain kinds of tasks. Before you begin a"
        " task that a skill is for, load it with the tool load_skill and follow it. The skills:\n"
        "- release-notes: Writes release notes. Use it before a release.\n"
        "- pdf: Reads PDFs."
    )
    (card,) = box.cards
    assert card.definition.name == "load_skill"
    assert card.definition.input_schema["properties"]["name"]["enum"] == ["release-notes", "pdf"]
    assert card.definition.input_schema["required"] == ["name"]
    assert (card.kind, card.approval, card.is_foreign) == ("skill", Approval.AUTO, False)
    assert card.definition_text == box.instructions
    assert "The body." not in str(box.definitions)
    assert box.problems == ()
    box.close()


def test_a_skill_is_loaded_with_a_list_of_its_other_files(tmp_path: Path, skill: Path) -> None:
    output = ask(tmp_path)
    assert output.content == (
        "Group the commits. See references/style.md.\n"
        "\n"
        "Other files of this skill, to be read with load_skill and `file`:\n"
        "- references/style.md (10 bytes)\n"
        "- scripts/run.sh (5 bytes)"
    )
    assert not output.is_error
    assert ask(tmp_path, file="") == output
    assert ask(tmp_path, file=None) == output


def test_a_skill_without_other_files_is_its_text(tmp_path: Path) -> None:
    write_skill(tmp_path / "skills", build_text("release-notes", body=""))
    assert ask(tmp_path).content == "(This skill has no text.)"


def test_a_file_is_given_as_it_is(tmp_path: Path, skill: Path) -> None:
    assert ask(tmp_path, file="references/style.md").content == "Be short.\n"
    assert ask(tmp_path, file="./references/style.md").content == "Be short.\n"
    assert ask(tmp_path, file="SKILL.md").content == NOTES


def test_a_skill_is_read_as_it_is_now(tmp_path: Path, skill: Path) -> None:
    tool = open_tool(tmp_path, "release-notes")
    (skill / "SKILL.md").write_text(NOTES.replace("Group", "Sort"))
    assert tool.run({"name": "release-notes"}, Stop()).content.startswith("Sort the commits.")
    (skill / "SKILL.md").write_text("broken")
    output = tool.run({"name": "release-notes"}, Stop())
    assert output.is_error
    assert "SKILL.md:1: expected `---`" in output.content


def test_the_call_is_described_by_what_is_read(tmp_path: Path, skill: Path) -> None:
    tool = open_tool(tmp_path, "release-notes")
    assert tool.describe_call({"name": "release-notes"}) == "load the skill release-notes"
    described = tool.describe_call({"name": "release-notes", "file": "../x"})
    assert described == "read ../x of the skill release-notes"


@pytest.mark.parametrize("name", ["other", "../skills/release-notes", "", None, 3, ["x"]])
def test_a_skill_that_the_agent_does_not_name_is_not_loaded(
    tmp_path: Path, skill: Path, name: Any
) -> None:
    write_skill(tmp_path / "skills", build_text("other"))
    output = open_tool(tmp_path, "release-notes").run({"name": name}, Stop())
    assert output.is_error
    assert output.content == f"there is no skill “{name}”; there are: release-notes"


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("../other/SKILL.md", "“../other/SKILL.md” has a “..”"),
        ("/etc/passwd", "“/etc/passwd” is an absolute path"),
        ("references", "“references” is a folder"),
        ("none.md", "the skill release-notes has no file “none.md”"),
        ("SKILL.md/x", "the skill release-notes has no file “SKILL.md/x”"),
        ("~/.ssh/id_rsa", "has no file “~/.ssh/id_rsa”"),
        ("out.md", "“out.md” is a link that leads out of the folder"),
        ("dir/passwd", "“dir/passwd” is a link that leads out of the folder"),
        ("pipe", "“pipe” is no plain file"),
        ("picture.png", "“picture.png” is no text: 45 bytes of something else"),
        ("latin.txt", "“latin.txt” is no text: 1 bytes of something else"),
        ("big.md", f"“big.md” is too large: {MOST_TEXT + 1:,} bytes, of {MOST_TEXT:,} at most"),
        ("x" * 300, "cannot be read (File name too long)"),
        ("a\0b", "a character that no path here has"),
        (7, "the skill release-notes has no file “7”"),
    ],
)
def test_what_is_no_text_of_the_skill_is_refused_with_a_reason(
    tmp_path: Path, skill: Path, file: Any, problem: str
) -> None:
    write_skill(tmp_path / "skills", build_text("other"))
    (skill / "out.md").symlink_to("../other/SKILL.md")
    (skill / "dir").symlink_to("/etc")
    os.mkfifo(skill / "pipe")
    (skill / "picture.png").write_bytes(build_png(size=45))
    (skill / "latin.txt").write_bytes(b"\xe4")
    (skill / "big.md").write_text("x" * (MOST_TEXT + 1))
    output = ask(tmp_path, file=file)
    assert output.is_error
    assert problem in output.content


@given(st.text(min_size=1))
def test_no_path_makes_the_tool_fail(tmp_path_factory: pytest.TempPathFactory, file: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "notes"
    if not folder.exists():
        write_skill(folder / "skills")
    output = ask(folder, file=file)
    assert output.is_error == (output.content != NOTES)


def test_the_list_of_files_is_bounded_and_each_is_one_line(tmp_path: Path, skill: Path) -> None:
    for number in range(120):
        (skill / f"z{number:03}").touch()
    (skill / "two\nlines").touch()
    (skill / "link").symlink_to("SKILL.md")
    lines = ask(tmp_path).content.splitlines()
    assert lines[3] == "- link (a link)"
    assert "- two\ufffdlines (0 bytes)" in lines
    assert lines[-1] == "- and 24 more"
    assert len(lines) == 3 + 100 + 1
    for number in range(1000):
        (skill / f"y{number}").touch()
    assert "(Its other files cannot be listed: " in ask(tmp_path).content


def test_a_skill_in_the_place_of_a_link_is_the_persons_choice(tmp_path: Path) -> None:
    kept = write_skill(tmp_path / "elsewhere", NOTES, {"a.md": "linked"})
    (tmp_path / "skills").mkdir()
    (tmp_path / "skills/release-notes").symlink_to(kept)
    assert ask(tmp_path, file="a.md").content == "linked"
    assert ask(tmp_path).content.startswith("Group the commits.")


def test_what_cannot_be_had_is_a_problem_and_keeps_nothing_back(
    tmp_path: Path, skill: Path
) -> None:
    folder = tmp_path / "skills"
    (folder / "empty").mkdir()
    write_skill(folder, "---\nname: broken\n---\n")
    write_skill(folder, build_text("long", body="x" * MOST_TEXT))
    write_skill(folder, build_text("linked")).joinpath("SKILL.md").unlink()
    (folder / "linked/SKILL.md").symlink_to("../release-notes/SKILL.md")
    names = ["empty", "broken", "release-note", "long", "../x", "linked", "release-notes"]
    tools = SkillTools([*names, *names], build_outside(tmp_path))
    assert tools.instructions.count("\n") == 1
    assert len(tools.load_tools()) == 1
    empty, broken, unknown, long, path, linked = tools.problems
    assert isinstance(empty, FileUnreadable)
    assert empty.message == f"{folder}/empty/SKILL.md: no such file, which makes a folder a skill"
    assert broken.message.startswith(f"{folder}/broken/SKILL.md:1: `description` is missing")
    assert "description:" in broken.hint
    assert isinstance(unknown, ToolNotFound)
    assert unknown.message == "there is no skill named release-note"
    assert unknown.hint == "did you mean release-notes?"
    assert f"{folder}/long/SKILL.md: “SKILL.md” is too large" in long.message
    assert "at most" in long.hint
    assert path.message == "“../x” cannot name a skill"
    assert f"{folder}/linked/SKILL.md: “SKILL.md” is a link that leads out" in linked.message


def test_without_any_skill_there_is_no_tool(tmp_path: Path) -> None:
    box = open_toolbox(["skill:none"], build_outside(tmp_path))
    assert (box.definitions, box.instructions) == ((), "")
    (problem,) = box.problems
    assert problem.hint == "hiveloom skill install PATH"
