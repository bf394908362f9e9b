"""Any edit of any layout: what was wished comes out, and nothing outside the entry is touched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from hiveloom_cli.agents.editing import Changes, edit_settings, is_same
from hiveloom_cli.front_matter.document import parse_document, split_document

_PATH = Path("x.md")
_SCALARS = (
    ": word{c}\n",
    " :   'it''s'{c}\n",
    ': "a # b"{c}\n',
    ":{c}\n  on the next\n",
    ": |{c}\n  a\n\n  b\n",
    ": >-{c}\n   folded\n   text\n\n",
    ": two\n  lines{c}\n",
)
_ANYTHING = (
    *_SCALARS,
    ":{c}\n",
    ": 12{c}\n",
    ": [a, {{b: c}}]{c}\n",
    ":{c}\n  a: 1\n  b:\n  - c{c}\n",
)
_LISTS = (
    ": [a, b c,  'd']{c}\n",
    ": [ ]{c}\n",
    ":{c}\n  - a{c}\n  - 'b c'\n",
    ":\n- a\n# in{c}\n- d{c}\n",
    ": [\n  a,{c}\n  # own\n  d{c}\n]{c}\n",
    ": [a,\n  d]{c}\n",
    ": [a, d,]{c}\n",
)
# What an added item that is removed again leaves no trace in: no comma had to be put.
_REVERSIBLE = (_LISTS[0], _LISTS[2], _LISTS[3], _LISTS[5], _LISTS[6])
_LAYOUTS = {
    "model": _SCALARS,
    "description": _SCALARS,
    "temperature": (": 0.5{c}\n", ":  1{c}\n"),
    "tools": _LISTS,
    "skills": _LISTS,
    "mood": _ANYTHING,
    "'odd: key'": _ANYTHING,
    "größe": _ANYTHING,
}
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
_VALUES = st.one_of(
    _TEXTS,
    st.sampled_from(["- a", "a: b", "# c", "null", "1", "'", "a\n---\nb", "| x", "&a", "*a", "!t"]),
    st.booleans(),
    st.integers(-100, 100),
    st.none(),
    st.lists(_TEXTS, max_size=3),
    st.dictionaries(_TEXTS, _TEXTS | st.lists(st.none(), max_size=2), max_size=2),
)
_ASIDES = ("", "# a comment: with a colon\n", "\n", "#\n\n")


@dataclass(frozen=True, slots=True)
class Layout:
    """A file in pieces: before the entries, each of them, and after them."""

    head: str
    entries: dict[str, str]
    tail: str
    reversible: frozenset[str]

    @property
    def text(self) -> str:
        return self.head + "".join(self.entries.values()) + self.tail


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    numbers = iter(range(1000))
    is_windows, indent = draw(st.booleans()), draw(st.sampled_from(["", "  "]))
    bom = draw(st.sampled_from(["", "\ufeff"]))

    def finish(text: str, *, indented: bool = True) -> str:
        lines = text.splitlines(keepends=True)
        text = "".join(indent + one if indented and one.strip() else one for one in lines)
        return text.replace("\n", "\r\n") if is_windows else text

    keys = draw(st.permutations(list(_LAYOUTS)))
    keys = ["model", *(key for key in keys[: draw(st.integers(0, 7))] if key != "model")]
    entries, reversible = {}, set()
    for key in draw(st.permutations(keys)):
        layout = draw(st.sampled_from(_LAYOUTS[key]))
        comments = [draw(st.sampled_from(["", " # c{n}", "    #c{n}"])) for _ in range(3)]
        text = layout
        for comment in comments:
            text = text.replace("{c}", comment.format(n=next(numbers)), 1)
        text = text.replace("{{", "{").replace("}}", "}")
        # What stands above a key belongs to the piece before, for it has to stay.
        entries[key] = finish(f"{key}{text}") + finish(draw(st.sampled_from(_ASIDES)))
        if layout in _REVERSIBLE:
            reversible.add(key)
    tail = draw(st.sampled_from(["---\n", "---  \n\n\nPrompt\n\n", "---\nA\n---\n# B\n"]))
    head = finish("---\n", indented=False) + finish(draw(st.sampled_from(_ASIDES)))
    return Layout(bom + head, entries, finish(tail, indented=False), frozenset(reversible))


def read(text: str) -> dict[str, Any]:
    return {key: one.value for key, one in parse_document(text, _PATH).fields.items()}


def name_of(key: str) -> str:
    return key.strip("'")


def check(layout: Layout, edited: str, key: str, wished: dict[str, Any]) -> str:
    """Check that an edit of one entry did what it should; return the entry's new text."""
    values = read(edited)
    assert list(values) == list(wished)
    assert all(is_same(values[one], wished[one]) for one in wished)
    keys = list(layout.entries)
    at = keys.index(key) if key in keys else len(keys)
    before = layout.head + "".join(layout.entries[one] for one in keys[:at])
    after = "".join(layout.entries[one] for one in keys[at + 1 :]) + layout.tail
    assert edited.startswith(before)
    assert edited.endswith(after)
    return edited[len(before) : len(edited) - len(after)]


@given(layouts(), st.sampled_from(["mood", "'odd: key'", "größe", "new"]), _VALUES)
def test_any_value_can_be_set_in_any_layout(layout: Layout, key: str, value: Any) -> None:
    name = name_of(key)
    edited = edit_settings(layout.text, _PATH, Changes({name: value}))
    entry = check(layout, edited, key, {**read(layout.text), name: value})
    if key not in layout.entries:
        assert entry.count("\n") == 1
        assert edit_settings(edited, _PATH, Changes(unset=[name])) == layout.text
    again = edit_settings(edited, _PATH, Changes({name: value}))
    assert again == edited, "what is so already is not changed"


@given(layouts(), _TEXTS.filter(str.strip))
def test_a_model_that_is_set_keeps_its_comment(layout: Layout, model: str) -> None:
    edited = edit_settings(layout.text, _PATH, Changes({"model": model}))
    entry = check(layout, edited, "model", {**read(layout.text), "model": model})
    model_comments = [word for word in layout.entries["model"].split() if word.startswith("#c")]
    assert all(word in entry for word in model_comments)


@given(layouts(), st.data())
def test_any_setting_can_be_unset(layout: Layout, data: st.DataObject) -> None:
    keys = [key for key in layout.entries if key != "model"]
    assume(keys)
    key = data.draw(st.sampled_from(keys))
    edited = edit_settings(layout.text, _PATH, Changes(unset=[name_of(key)]))
    wished = {one: value for one, value in read(layout.text).items() if one != name_of(key)}
    left = check(layout, edited, key, wished)
    assert layout.entries[key].endswith(left), "what is left stood below the entry"


@given(layouts(), st.sampled_from(["tools", "skills"]), _TEXTS)
def test_an_item_is_added_to_any_list(layout: Layout, key: str, item: str) -> None:
    former = read(layout.text)
    edited = edit_settings(layout.text, _PATH, Changes(added={key: [item]}))
    items = former.get(key, [])
    wished = {**former, key: items if item in items else [*items, item]}
    entry = check(layout, edited, key, wished)
    comments = [word for word in layout.entries.get(key, "").split() if word.startswith("#c")]
    assert [word for word in entry.split() if word in comments] == comments
    if key in layout.reversible and item not in items:
        assert edit_settings(edited, _PATH, Changes(removed={key: [item]})) == layout.text


@given(layouts(), st.sampled_from(["tools", "skills"]), st.data())
def test_any_items_are_removed_from_any_list(layout: Layout, key: str, data: st.DataObject) -> None:
    former = read(layout.text)
    assume(former.get(key))
    gone = data.draw(st.lists(st.sampled_from(former[key]), min_size=1, unique=True))
    edited = edit_settings(layout.text, _PATH, Changes(removed={key: gone}))
    wished = {**former, key: [one for one in former[key] if one not in gone]}
    entry = check(layout, edited, key, wished)
    assert layout.entries[key].count("# own") == entry.count("# own")


@given(layouts(), _TEXTS)
def test_any_prompt_leaves_the_settings_alone(layout: Layout, prompt: str) -> None:
    edited = edit_settings(layout.text, _PATH, Changes(prompt=prompt))
    parts, former = split_document(edited, _PATH), split_document(layout.text, _PATH)
    assert (parts.head, parts.settings, parts.fence) == (former.head, former.settings, former.fence)
    wished = prompt.strip("\r\n").replace("\r\n", "\n")
    is_windows = former.head.endswith("\r\n")
    wished = wished.replace("\n", "\r\n") if is_windows else wished
    assert parse_document(edited, _PATH).body == wished
    old = parse_document(layout.text, _PATH).body
    if old and wished:
        assert edit_settings(edited, _PATH, Changes(prompt=old)) == layout.text


@given(layouts(), _VALUES, _TEXTS, _TEXTS.filter(str.strip))
def test_several_changes_at_once_all_come_out(
    layout: Layout, mood: Any, tool: str, model: str
) -> None:
    former = read(layout.text)
    unset = [name_of(key) for key in layout.entries if key in ("description", "größe")]
    changes = Changes({"model": model, "mood": mood}, unset, added={"tools": [tool]})
    values = read(edit_settings(layout.text, _PATH, changes))
    tools = former.get("tools", [])
    wished = {
        **{key: value for key, value in former.items() if key not in unset},
        "model": model,
        "mood": mood,
        "tools": tools if tool in tools else [*tools, tool],
    }
    assert values.keys() == wished.keys()
    assert all(is_same(values[key], wished[key]) for key in wished)
