"""`hiveloom skill`: what is installed is shown, asked about, copied, listed and removed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.program import build_environment, run_hiveloom, spawn_hiveloom
from tests.support.skills import NOTES, build_archive, build_text, write_skill

if TYPE_CHECKING:
    from pathlib import Path

FOREIGN = """\
---
name: release-notes
description: Writes release notes. Use it before a release.
license: MIT
compatibility: Needs git
allowed-tools: Bash(git:*) Read
model: opus
metadata: {author: somebody, version: 1.0}
---
# How

Group the *commits*.
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Give the folder of a skill that was made for another program."""
    files = {"references/style.md": "Be short.\n", "scripts/run.sh": "touch ran\n"}
    root = write_skill(tmp_path / "source", FOREIGN, files)
    (root / "scripts/run.sh").chmod(0o755)
    return root


def test_a_skill_is_installed_and_an_agent_uses_it(source: Path, home: Path) -> None:
    done = run_hiveloom("skill", "install", str(source), "--yes")
    folder = home / "skills/release-notes"
    assert (done.exit_code, done.stdout) == (0, f"Installed release-notes: {folder}\n")
    assert done.stderr == (
        "This would be installed; none of it is run:\n"
        "  name           release-notes\n"
        "  description    Writes release notes. Use it before a release.\n"
        "  license        MIT\n"
        "  needs          Needs git\n"
        "  allowed-tools  not obeyed, you decide: Bash(git:*) Read\n"
        "  metadata       author: somebody\n"
        "  metadata       version: 1.0\n"
        f"  file           SKILL.md ({len(FOREIGN)} B)\n"
        "  file           references/style.md (10 B)\n"
        "  file           scripts/run.sh (10 B, executable)\n"
        "Let an agent use it: hiveloom agent edit AGENT --add-skill release-notes\n"
    )
    assert (folder / "references/style.md").read_text() == "Be short.\n"
    assert list((home / "skills").iterdir()) == [folder]
    run_hiveloom("agent", "create", "helper", "--model", "m")
    edited = run_hiveloom("agent", "edit", "helper", "--add-skill", "release-notes")
    assert edited.exit_code == 0
    assert run_hiveloom("skill", "list").stdout == (
        "NAME           USED BY  DESCRIPTION\n"
        "release-notes  helper   Writes release notes. Use it before a release.\n"
    )
    (row,) = json.loads(run_hiveloom("skill", "list", "--json").stdout)
    assert row == {
        "name": "release-notes",
        "description": "Writes release notes. Use it before a release.",
        "used_by": ["helper"],
        "path": str(folder),
    }
    removed = run_hiveloom("skill", "remove", "release-notes", "--yes")
    assert removed.stdout == f"Removed release-notes: {folder}\n"
    assert removed.stderr == (
        "note: helper still names it: hiveloom agent edit helper --remove-skill release-notes\n"
    )
    assert list((home / "skills").iterdir()) == []


def test_a_skill_is_shown_with_its_files_and_what_is_not_obeyed(source: Path, home: Path) -> None:
    run_hiveloom("skill", "install", str(source), "--yes")
    shown = run_hiveloom("skill", "show", "release-notes")
    assert shown.exit_code == 0
    assert shown.stdout == (
        "name:           release-notes\n"
        "description:    Writes release notes. Use it before a release.\n"
        "license:        MIT\n"
        "needs:          Needs git\n"
        "allowed-tools:  not obeyed, you decide: Bash(git:*) Read\n"
        "metadata:       author: somebody\n"
        "metadata:       version: 1.0\n"
        "used by:        no agent: hiveloom agent edit AGENT --add-skill release-notes\n"
        f"folder:         {home}/skills/release-notes\n"
        "file:           references/style.md (10 B)\n"
        "file:           scripts/run.sh (10 B)\n"
        "\n"
        "# How\n"
        "\n"
        "Group the *commits*.\n"
    )
    document = json.loads(run_hiveloom("skill", "show", "--name", "release-notes", "--json").stdout)
    assert document == {
        "name": "release-notes",
        "description": "Writes release notes. Use it before a release.",
        "license": "MIT",
        "compatibility": "Needs git",
        "allowed_tools": "Bash(git:*) Read",
        "allowed_tools_obeyed": False,
        "metadata": {"author": "somebody", "version": "1.0"},
        "used_by": [],
        "path": f"{home}/skills/release-notes",
        "files": [
            {"path": "references/style.md", "size": 10},
            {"path": "scripts/run.sh", "size": 10},
        ],
        "body": "# How\n\nGroup the *commits*.",
    }
    path = run_hiveloom("skill", "path", "release-notes").stdout
    assert path == f"{home}/skills/release-notes\n"


def test_without_a_terminal_nothing_is_installed_without_yes(source: Path, home: Path) -> None:
    done = run_hiveloom("skill", "install", str(source))
    assert done.exit_code == 2
    assert done.stderr.endswith(
        "error: nobody is there to ask: Install the skill release-notes?\n  try: add --yes\n"
    )
    assert not (home / "skills").exists()


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_on_a_terminal_it_is_shown_and_asked_about(
    source: Path, home: Path, answer: str, code: int
) -> None:
    with spawn_hiveloom("skill", "install", str(source), columns=100) as terminal:
        terminal.expect("Install the skill release-notes? [y/N]")
        assert "file           scripts/run.sh (10 B, executable)" in terminal.text
        terminal.send_line(answer)
        assert terminal.wait() == code
    assert (home / "skills/release-notes").exists() == (code == 0)


def test_a_skill_is_replaced_only_with_force(source: Path, home: Path) -> None:
    run_hiveloom("skill", "install", str(source), "--yes")
    (source / "SKILL.md").write_text(NOTES)
    again = run_hiveloom("skill", "install", str(source), "--yes")
    assert again.exit_code == 1
    assert again.stderr == (
        f"error: there is a skill named release-notes already ({home}/skills/release-notes)\n"
        "  try: add --force to replace it\n"
    )
    with spawn_hiveloom("skill", "install", str(source), "--force", columns=100) as terminal:
        terminal.expect("Replace the skill release-notes by it? [y/N]")
        terminal.send_line("y")
        assert terminal.wait() == 0
    assert (home / "skills/release-notes/SKILL.md").read_text() == NOTES


def test_an_archive_and_a_file_alone_are_installed(tmp_path: Path, home: Path) -> None:
    archive = tmp_path / "notes.skill"
    archive.write_bytes(build_archive({"notes/SKILL.md": NOTES, "notes/a/b.md": "x"}))
    assert run_hiveloom("skill", "install", str(archive), "--yes").exit_code == 0
    assert (home / "skills/release-notes/a/b.md").read_text() == "x"
    alone = tmp_path / "SKILL.md"
    alone.write_text(build_text("alone"))
    assert run_hiveloom("skill", "install", "SKILL.md", "--yes", cwd=tmp_path).exit_code == 0
    assert list((home / "skills/alone").iterdir()) == [home / "skills/alone/SKILL.md"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\nname: x\n---\n", "SKILL.md:1: `description` is missing: a model chooses a skill by"),
        (
            "---\nname: ../x\ndescription: y\n---\n",
            "SKILL.md:2: `name`: “../x” cannot name a skill",
        ),
        ("no settings\n", "SKILL.md:1: expected `---` on the first line, then the settings"),
    ],
)
def test_what_is_broken_is_not_installed_and_the_line_is_named(
    tmp_path: Path, home: Path, text: str, message: str
) -> None:
    (tmp_path / "SKILL.md").write_text(text)
    done = run_hiveloom("skill", "install", str(tmp_path), "--yes")
    assert done.exit_code == 1
    assert f"error: {tmp_path}/{message}" in done.stderr
    assert not (home / "skills").exists()


def test_what_is_not_there_is_not_found(home: Path) -> None:
    run_hiveloom("skill", "install", "none")
    done = run_hiveloom("skill", "install", "none")
    assert (done.exit_code, "none: no such file" in done.stderr) == (1, True)
    for command in (("show",), ("remove", "--yes")):
        done = run_hiveloom("skill", *command, "none")
        assert done.exit_code == 5
        assert done.stderr == (
            "error: there is no skill named none\n  try: hiveloom skill install PATH\n"
        )
    error = json.loads(run_hiveloom("skill", "show", "none", "--json").stdout)["error"]
    assert error["code"] == "tool_not_found"
    assert run_hiveloom("skill", "show", "../agents").exit_code == 2
    assert "There is no skill yet" in run_hiveloom("skill", "list").stderr
    assert run_hiveloom("skill", "list", "--json").stdout == "[]\n"


def test_a_broken_skill_is_named_beside_the_list_of_the_others(home: Path) -> None:
    write_skill(home / "skills", NOTES)
    write_skill(home / "skills", "---\nname: broken\n---\n")
    (home / "skills/Odd Name").mkdir()
    done = run_hiveloom("skill", "list")
    assert done.exit_code == 1
    assert "release-notes  -        Writes release notes." in done.stdout
    assert f"error: {home}/skills/broken/SKILL.md:1: `description` is missing" in done.stderr
    assert f"error: {home}/skills/Odd Name: its name is none of a skill\n  try: ren" in done.stderr


def test_nothing_of_a_skills_author_steers_a_terminal_or_passes_for_a_line_of_ours(
    home: Path, tmp_path: Path
) -> None:
    text = (
        '---\nname: evil\ndescription: "a\\e[2J\\nused by: me\\u202e"\nlicense: "MIT\\n  name  x"\n'
        'metadata: {"a\\nfile": "x\\e]0;t\\a"}\n---\n\x1b[31mred\x1b]0;title\x07\n'
    )
    source = write_skill(tmp_path, text, {"a\x1b[2Jb.md": "x"})
    refused = run_hiveloom("skill", "install", str(source), "--yes")
    assert "a character that no path here has" in refused.stderr
    assert "\x1b" not in refused.stderr
    (source / "a\x1b[2Jb.md").unlink()
    shown = run_hiveloom("skill", "install", str(source), "--yes").stderr
    assert not set("\x1b\x07\u202e") & set(shown)
    lines = shown.splitlines()
    assert "  license        MIT name  x" in lines
    assert not [line for line in lines if line.startswith(("used by", "  name  x", "file"))]
    with spawn_hiveloom("skill", "show", "evil", columns=100) as terminal:
        assert terminal.wait() == 0
        assert "␛[31mred␛]0;title␇" in terminal.text
        assert not [line for line in terminal.lines if line.startswith("used by: me")]
    for hostile in (b"\x1b]0;", b"\x1b[2J", b"\xe2\x80\xae"):
        assert hostile not in terminal.output


def test_names_are_completed(home: Path) -> None:
    write_skill(home / "skills", NOTES)
    write_skill(home / "skills", build_text("pdf"))
    for words in ("skill show re", "skill remove --name re", "agent edit helper --add-skill re"):
        environment = build_environment(
            {
                "_HIVELOOM_COMPLETE": "bash_complete",
                "COMP_WORDS": f"hiveloom {words}",
                "COMP_CWORD": str(words.count(" ") + 1),
            }
        )
        assert run_hiveloom(env=environment).stdout == "plain,release-notes\n"
