"""Changes to single settings leave the rest of an agent's file as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hiveloom_cli.agents.editing import Changes, edit_settings
from hiveloom_cli.errors import SettingsInvalid, UsageMistake
from hiveloom_cli.front_matter import yaml_text

_PATH = Path("helper.md")


def edit(text: str, **changes: Any) -> str:
    return edit_settings(text, _PATH, Changes(**changes))


def edit_front(lines: str, **changes: Any) -> str:
    """Edit settings that stand between a model and a prompt, and return them alone."""
    head, tail = "---\nmodel: m # mine\n", "---\n\nPrompt\n\n"
    edited = edit(f"{head}{lines}{tail}", **changes)
    assert edited.startswith(head)
    assert edited.endswith(tail)
    return edited[len(head) : len(edited) - len(tail)]


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    base = getattr(yaml, request.param)
    monkeypatch.setattr(yaml_text, "_Loader", yaml_text._build_class(base))


SET = {
    "plain": ("mood: old\n", "mood: new\n"),
    "comment": ("mood: old    # why\n# below\n", "mood: new    # why\n# below\n"),
    "quoted": ("mood: 'old: #1'  # why\n", "mood: new  # why\n"),
    "quoted key": ('"mood" :   old\n', '"mood" :   new\n'),
    "empty": ("mood:\n", "mood: new\n"),
    "empty with a comment": ("mood:   # why\n", "mood: new   # why\n"),
    "on the next line": ("mood: # why\n  old\n", "mood: # why\n  new\n"),
    "several lines": ("mood: old\n  and older\n# end\n", "mood: new\n# end\n"),
    "quoted lines": ('mood: "old\n\n  older" # why\n', "mood: new # why\n"),
    "literal": ("mood: |\n  old\n  older\n\n# below\n", "mood: new\n\n# below\n"),
    "literal with a comment": ("mood: |-   # why\n  old\nx: 1\n", "mood: new   # why\nx: 1\n"),
    "literal that keeps": ("mood: |+\n  old\n\n\nx: 1\n", "mood: new\n\n\nx: 1\n"),
    "folded": ("mood: >2\n   old\n", "mood: new\n"),
    "empty literal": ("mood: |\nx: 1\n", "mood: new\nx: 1\n"),
    "flow list": ("mood: [a, # one\n  b]  # why\n", "mood: new  # why\n"),
    "block list": ("mood: # why\n  - a # one\n  - b\nx: 1\n", "mood: new # why\nx: 1\n"),
    "block mapping": ("mood:\n  a: 1\n  b: 2\nx: 1\n", "mood:\n  new\nx: 1\n"),
    "missing": ("x: 1\n\n# end\n\n", "x: 1\n\n# end\n\nmood: new\n"),
    "missing after a literal": ("x: |\n  a\n", "x: |\n  a\nmood: new\n"),
    "same": ("mood:   'new'   # why\n", "mood:   'new'   # why\n"),
    "wide characters": ("é: 😀\nmood: 😀 # 😀\n", "é: 😀\nmood: new # 😀\n"),
}


@pytest.mark.parametrize(("before", "after"), SET.values(), ids=SET)
def test_a_value_is_put_where_the_old_one_stood(before: str, after: str) -> None:
    assert edit_front(before, settings={"mood": "new"}) == after


VALUES = {
    "text": ("a text", "a text"),
    "colon": ("a: b # c", "'a: b # c'"),
    "number in words": ("7", "'7'"),
    "empty": ("", "''"),
    "lines": ("a\nb", '"a\\nb"'),
    "fence": ("a\n---\nb", '"a\\n---\\nb"'),
    "number": (0.5, "0.5"),
    "switch": (True, "true"),
    "nothing": (None, "null"),
    "list": (["a", "b, c"], "[a, 'b, c']"),
    "nested": ({"a": ["x", {"b": "y\nz"}]}, '{a: [x, {b: "y\\nz"}]}'),
    "no list": ([], "[]"),
    "escaped": ("\x07\u2028", '"\\a\\L"'),
}


@pytest.mark.parametrize(("value", "written"), VALUES.values(), ids=VALUES)
def test_a_value_is_written_on_one_line(value: Any, written: str) -> None:
    assert edit_front("", settings={"mood": value}) == f"mood: {written}\n"
    assert edit_front("mood: x # c\n", settings={"mood": value}) == f"mood: {written} # c\n"


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("tools: # c\n  - a # one\n  - b # two\n", ["x"], "tools: # c\n  - x # two\n"),
        ("tools:\n-   a\n", ["x", "y: z"], "tools:\n-   x\n-   'y: z'\n"),
        ("tools: # c\n  - a\n  # own\n  - b\nx: 1\n", [], "tools: [] # c\nx: 1\n"),
        ("tools: [a, b] # c\n", ["b"], "tools: [b] # c\n"),
    ],
)
def test_a_list_that_is_set_keeps_its_style(before: str, value: list[str], after: str) -> None:
    assert edit_front(before, settings={"tools": value}) == after


UNSET = {
    "plain": ("# above\nmood: old # on\n# below\nx: 1\n", "# above\n# below\nx: 1\n"),
    "empty": ("mood:\nx: 1\n", "x: 1\n"),
    "literal": ("mood: | # on\n  a\n\n  b\n\nx: 1\n", "\nx: 1\n"),
    "several lines": ("mood: a\n  b\n  c # on\nx: 1\n", "x: 1\n"),
    "block list": ("mood:\n- a\n# in\n- b # on\n# below\nx: 1\n", "# below\nx: 1\n"),
    "flow list": ("mood: [\n  a, # in\n  b\n] # on\nx: 1\n", "x: 1\n"),
    "mapping": ("mood:\n  a:\n    b: |\n      c\nx: 1\n", "x: 1\n"),
    "alias": ("x: &x 1\nmood: *x\n", "x: &x 1\n"),
}


@pytest.mark.parametrize(("before", "after"), UNSET.values(), ids=UNSET)
def test_an_entry_goes_with_its_lines_and_no_others(before: str, after: str) -> None:
    assert edit_front(before, unset=["mood"]) == after


ADD = {
    "missing": ("x: 1\n", "x: 1\ntools: [new]\n"),
    "none": ("tools: [] # c\n", "tools: [new] # c\n"),
    "blanks": ("tools: [  ]\n", "tools: [new]\n"),
    "a comment alone": ("tools: [ # none\n]\n", "tools: [new # none\n]\n"),
    "one line": ("tools: [ a,  b ] # c\n", "tools: [ a,  b, new ] # c\n"),
    "comma at the end": ("tools: [a, b,]\n", "tools: [a, b, new,]\n"),
    "own lines": ("tools: [\n  a, # ,\n  b # 2\n]\n", "tools: [\n  a, # ,\n  b, # 2\n  new\n]\n"),
    "own lines, comma": (
        "tools: [\n  a, # 1\n  b, # 2\n]\n",
        "tools: [\n  a, # 1\n  b, # 2\n  new,\n]\n",
    ),
    "under each other": ("tools: [a,\n        b]\n", "tools: [a,\n        b, new]\n"),
    "block": (
        "tools: # c\n  - a # 1\n  # end\nx: 1\n",
        "tools: # c\n  - a # 1\n  - new\n  # end\nx: 1\n",
    ),
    "block at the edge": ("tools:\n-   'a'\n", "tools:\n-   'a'\n-   new\n"),
    "block with lines": ("tools:\n- |-\n  a\n\nx: 1\n", "tools:\n- |-\n  a\n- new\n\nx: 1\n"),
    "dash alone": ("tools:\n  -\n    a\n", "tools:\n  -\n    a\n  - new\n"),
    "there already": ("tools: [ 'new' ]\n", "tools: [ 'new' ]\n"),
}


@pytest.mark.parametrize(("before", "after"), ADD.values(), ids=ADD)
def test_a_tool_is_added_in_the_lists_own_style(before: str, after: str) -> None:
    assert edit_front(before, added={"tools": ["new"]}) == after


REMOVE = {
    "alone": ("tools: [ old ] # c\n", "tools: [] # c\n"),
    "first": ("tools: [old, b]\n", "tools: [b]\n"),
    "middle": ("tools: [a, 'old' , b]\n", "tools: [a, b]\n"),
    "last": ("tools: [a, old] # c\n", "tools: [a] # c\n"),
    "last before a comma": ("tools: [a, old,]\n", "tools: [a,]\n"),
    "twice": ("tools: [old, a, old]\n", "tools: [a]\n"),
    "own line": (
        "tools: [\n  # first\n  a, # 1\n  old, # 2\n  b # 3\n]\n",
        "tools: [\n  # first\n  a, # 1\n  b # 3\n]\n",
    ),
    "last own line": ("tools: [\n  a, # 1\n  old # 2\n]\n", "tools: [\n  a, # 1\n]\n"),
    "alone with a comment": ("tools: [\n  # none\n  old\n]\n", "tools: [\n  # none\n]\n"),
    "alone in lines": ("tools: [\n  old,\n]\n", "tools: []\n"),
    "under each other": ("tools: [a,\n        old]\n", "tools: [a]\n"),
    "after a comment": ("tools: [a, # 1\n  old]\n", "tools: [a, # 1\n  ]\n"),
    "block": (
        "tools:\n  - a # 1\n  - old # 2\n  # in\n  - b\n",
        "tools:\n  - a # 1\n  # in\n  - b\n",
    ),
    "block alone": ("tools: # c\n- old # 1\n# below\n", "tools: [] # c\n# below\n"),
    "dash alone": ("tools:\n  -\n    old\n  - b\n", "tools:\n  - b\n"),
    "a dash before": ("tools:\n- a-b\n- old\n", "tools:\n- a-b\n"),
}


@pytest.mark.parametrize(("before", "after"), REMOVE.values(), ids=REMOVE)
def test_a_tool_is_removed_and_the_rest_stays(before: str, after: str) -> None:
    assert edit_front(before, removed={"tools": ["old"]}) == after


@pytest.mark.parametrize("before", ["tools: [a]\n", "tools:\n- a\n"])
def test_the_only_tool_can_be_exchanged(before: str) -> None:
    edited = edit_front(before, added={"tools": ["b"]}, removed={"tools": ["a"]})
    assert edited == before.replace("a]", "b]").replace("- a", "- b")


@pytest.mark.parametrize(
    ("before", "prompt", "after"),
    [
        ("---\n\n\nOld\n\n", "New\nlines", "---\n\n\nNew\nlines\n\n"),
        ("---\nOld", "New", "---\nNew\n"),
        ("---", "New", "---\nNew\n"),
        ("---\n", "\n\nNew\n", "---\nNew\n"),
        ("---\n\n\n", "New", "---\n\n\nNew\n"),
        ("---\n\nOld\n", "", "---\n\n\n"),
        ("---  \n  Old\n\n", "---\nNew\n---", "---  \n---\nNew\n---\n\n"),
        ("---\nA\r\nB\n", "A\nB", "---\nA\r\nB\n"),
        ("---", "", "---"),
    ],
)
def test_a_prompt_takes_the_place_of_the_old_one(before: str, prompt: str, after: str) -> None:
    head = "---\nmodel: m\n"
    assert edit(head + before, prompt=prompt) == head + after


def test_line_ends_and_a_byte_order_mark_stay() -> None:
    text = (
        "\ufeff---\r\nmodel: m # c\r\ntools:\r\n- a\r\n"
        "description: | # d\r\n  x\r\n---\r\n\r\nOld\r\n"
    )
    edited = edit(
        text,
        settings={"model": "n", "description": "y", "mood": "z"},
        added={"tools": ["b"]},
        prompt="New\nlines",
    )
    assert edited == (
        "\ufeff---\r\nmodel: n # c\r\ntools:\r\n- a\r\n- b\r\ndescription: y # d\r\nmood: z\r\n"
        "---\r\n\r\nNew\r\nlines\r\n"
    )


def test_a_new_key_is_indented_as_the_others_are() -> None:
    edited = edit("---\n  model: m\n  x: 1\n---\n", settings={"temperature": 0.5})
    assert edited == "---\n  model: m\n  x: 1\n  temperature: 0.5\n---\n"


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("---\n{model: m, x: 1}\n---\n", {"settings": {"x": 2}}),
        ("---\nmodel: m\n...\n---\n", {"settings": {"x": 2}}),
        ("---\nmodel: &m a\nx: *m\n---\n", {"settings": {"model": "b"}}),
        ("---\nmodel: &m a\nx: *m\n---\n", {"settings": {"x": "b"}}),
        ("---\nmodel: &m a\nx: *m\n---\n", {"unset": ["x"], "settings": {"y": 1, "model": "b"}}),
        ("---\nmodel: m\ntools: &t [a]\nskills: *t\n---\n", {"added": {"skills": ["b"]}}),
        ("---\n? model\n: m\n---\n", {"settings": {"x": 1}}),
    ],
)
def test_a_layout_is_refused_or_comes_out_as_wished(text: str, changes: dict[str, Any]) -> None:
    try:
        edited = edit(text, **changes)
    except UsageMistake as error:
        assert error.hint.endswith("hiveloom agent edit helper")  # noqa: PT017 -- either is right
    else:
        fields = yaml_text.parse_mapping(edited.split("---\n")[1], _PATH)
        for key, value in changes.get("settings", {}).items():
            assert fields[key].value == value


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unset": ["mood"]}, "mood is not set, so it cannot be unset; set are: model, tools"),
        ({"unset": ["model"]}, "an agent needs a model"),
        ({"removed": {"tools": ["b"]}}, "“b” is not among the tools; there are: a"),
        ({"removed": {"skills": ["b"]}}, "“b” is not among the skills; there are none"),
        ({"settings": {"temperature": 3}}, "temperature: expected a number from 0 to 2"),
        ({"settings": {"model": " "}}, "model: expected a text"),
        ({"settings": {"description": None}}, "description: expected a text"),
        ({"settings": {"description": "x" * 20_000}}, "longer than 10,000 characters"),
        ({"prompt": "\udcff"}, "not UTF-8"),
    ],
)
def test_what_cannot_be_is_told_without_a_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageMistake) as caught:
        edit("---\nmodel: m\ntools: [a]\n---\n", **changes)
    assert message in caught.value.message
    assert "helper.md" not in caught.value.message


def test_a_broken_file_is_told_with_its_line() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        edit("---\nmodel: m\ntemperature: hot\n---\n", settings={"temperature": 1})
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("lines", "items", "edited"),
    [
        ("mood:\n- a # A\n- b # B\n", ["a", "b", "c"], "mood:\n- a # A\n- b # B\n- c\n"),
        ("mood:\n- a # A\n- b # B\n", ["b"], "mood:\n- b # B\n"),
        ("mood: [a,  b] # why\n", ["b", "c"], "mood: [b, c] # why\n"),
        ("mood:\n- a # A\n- b # B\n", ["b", "a"], "mood:\n- b\n- a # B\n"),
        ("mood:\n- a # A\n", ["b"], "mood:\n- b # A\n"),
        ("mood: [a, a] # why\n", ["a"], "mood: [a] # why\n"),
    ],
)
def test_a_list_that_is_set_keeps_the_items_that_stay(
    lines: str, items: list[str], edited: str
) -> None:
    assert edit_front(lines, settings={"mood": items}) == edited


def test_what_a_change_would_break_is_refused() -> None:
    with pytest.raises(UsageMistake, match="laid out"):
        edit("---\nmodel: &x m\nmood: *x\n---\n", settings={"model": "n", "mood": "new"})
