"""A SKILL.md is read as the Agent Skills specification says; what is wrong has line and fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.errors import SettingsInvalid, UsageMistake
from hiveloom_cli.tools.skill import is_skill_name, parse_skill, parse_skill_name

PATH = Path("skills/pdf/SKILL.md")

FOREIGN = """\
---
name: pdf
description: >-
  Extracts text from PDF files.
  Use it for PDFs.
version: 2
model: opus
disable-model-invocation: true
hooks:
  PreToolUse:
    - matcher: Bash
      hooks: [{type: command, command: ./x.sh}]
allowed-tools: Bash(git add:*), Read
license: Proprietary. LICENSE.txt has complete terms
compatibility: Requires Python 3.14+ and uv
metadata:
  author: example-org
  version: 1.0
---

# PDF

Read it.
"""


def test_a_skill_of_another_program_is_read_and_its_own_settings_are_left_alone() -> None:
    skill = parse_skill(FOREIGN, PATH, folder="pdf")
    assert skill.name == "pdf"
    assert skill.description == "Extracts text from PDF files. Use it for PDFs."
    assert skill.body == "# PDF\n\nRead it."
    assert skill.license == "Proprietary. LICENSE.txt has complete terms"
    assert skill.compatibility == "Requires Python 3.14+ and uv"
    assert skill.allowed_tools == "Bash(git add:*), Read"
    assert skill.metadata == (("author", "example-org"), ("version", "1.0"))


def test_the_least_skill_is_a_name_and_a_description() -> None:
    skill = parse_skill("---\nname: a\ndescription: b\n---\n", PATH)
    assert (skill.name, skill.description, skill.body) == ("a", "b", "")
    assert (skill.license, skill.allowed_tools, skill.metadata) == ("", "", ())


@pytest.mark.parametrize(
    ("settings", "tools"),
    [
        ("allowed-tools: Read Write\n", "Read Write"),
        ("allowed-tools: [Read, 'Bash(git:*)']\n", "Read, Bash(git:*)"),
        ("allowed-tools:\n- Read\n- Write\n", "Read, Write"),
        ("allowed-tools:\n", ""),
    ],
)
def test_the_tools_that_it_would_like_are_read_in_each_form(settings: str, tools: str) -> None:
    text = f"---\nname: a\ndescription: b\n{settings}---\n"
    assert parse_skill(text, PATH).allowed_tools == tools


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("# Title\n", ":1: expected `---` on the first line", ""),
        ("---\nname: a\n", ":2: expected a second `---` line", ""),
        ("---\ndescription: b\n---\n", ":1: `name` is missing", "name: my-skill"),
        ("---\n# x\nname: PDF\n---\n", ":3: `name`: “PDF” cannot name a skill", "small letters"),
        ("---\nname: a--b\n---\n", ":2: `name`: “a--b” cannot name a skill", "single hyphens"),
        ("---\nname: [a]\n---\n", ":2: `name`: “['a']” cannot name a skill", ""),
        ("---\nname: pdf\n---\n", ":1: `description` is missing", "description: What it does"),
        ("---\nname: pdf\ndescription: ''\n---\n", ":3: `description` is missing", ""),
        ("---\nname: pdf\ndescription: [x]\n---\n", ":3: `description` is missing", ""),
        (
            f"---\nname: pdf\ndescription: {'x' * 1025}\n---\n",
            ":3: `description`: longer than 1,024 characters",
            "leave the details",
        ),
        (
            "---\nname: other\ndescription: b\n---\n",
            ":2: `name`: it is other, and its folder's is pdf",
            "give both the same name",
        ),
        ("---\nname: pdf\ndescription: Use when: PDF\n---\n", ":3: ", ""),
    ],
)
def test_what_is_wrong_is_told_with_line_and_fix(text: str, message: str, hint: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        parse_skill(text, PATH, folder="pdf")
    assert caught.value.message.startswith(f"{PATH}{message}")
    assert hint in caught.value.hint


@pytest.mark.parametrize("name", ["a", "7", "a-b", "release-notes-2", "a" * 64])
def test_names_of_the_specification_are_names(name: str) -> None:
    assert parse_skill_name(name) == name
    text = f"---\nname: {name}\ndescription: b\n---\n"
    assert parse_skill(text, PATH, folder=name).name == name


@pytest.mark.parametrize(
    "name",
    ["", "-a", "a-", "a--b", "A", "ä", "a_b", "a b", "a/b", "..", ".", "a.b", "a\n", "a" * 65, "٣"],
)
def test_nothing_else_is_a_name(name: str) -> None:
    with pytest.raises(UsageMistake, match="cannot name a skill"):
        parse_skill_name(name)


@given(st.text(max_size=80))
def test_a_name_is_never_a_path(text: str) -> None:
    if is_skill_name(text):
        assert Path(text).name == text
        assert not text.startswith(".")


@given(st.text(max_size=200) | st.text(max_size=200).map("---\nname: a\n{}\n---\n".format))
def test_any_text_is_a_skill_or_an_error_with_its_path(text: str) -> None:
    try:
        skill = parse_skill(text, PATH)
    except SettingsInvalid as error:
        assert error.message.startswith(str(PATH))  # noqa: PT017 -- both outcomes are right
    else:
        assert is_skill_name(skill.name)
        assert skill.description
        assert "\n" not in skill.description
