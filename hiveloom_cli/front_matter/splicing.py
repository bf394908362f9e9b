"""Single entries of a mapping's text: put, dropped, lengthened and shortened where they stand.

Nothing else of the text is touched. How an odd layout comes out is not certain, so whoever calls
reads the outcome before they use it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hiveloom_cli.front_matter.yaml_entries import find_entries
from hiveloom_cli.front_matter.yaml_text import format_item, format_setting, format_value

if TYPE_CHECKING:
    from hiveloom_cli.front_matter.yaml_entries import Entry, Span

_BLOCK_HEADER = re.compile(r"[|>][0-9+-]*")
_DASH = re.compile(r"[ ]*-[ ]+")
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\n]*", re.MULTILINE)
_COMMA_AFTER = re.compile(r"[ \t]*,[ \t]*")
_COMMA_BEFORE = re.compile(r"\s*,\s*\Z")
_REST_OF_ITEM = re.compile(r"[ \t]*,?[ \t]*(?:(?<=[\s,])#[^\n]*)?\r?\n")


def put_value(text: str, key: str, value: Any, line_end: str) -> str:
    """Give a key another value; one that is missing gets a line of its own at the end."""
    entries = find_entries(text)
    entry = entries.get(key)
    if entry is None:
        return f"{text}{_find_indent(text, entries)}{format_setting(key, value)}{line_end}"
    if entry.is_block_list:
        return _put_in_block_list(text, entry, value, line_end)
    start, end = entry.value.start, _find_end(text, entry.value)
    if start == end:
        return _put_after_colon(text, entry, value)
    header = _BLOCK_HEADER.match(text, start)
    comment = _get_rest_of_line(text, header.end(), end) if header else ""
    return f"{text[:start]}{format_value(value)}{comment}{text[end:]}"


def drop_entry(text: str, key: str) -> str:
    """Drop the lines of an entry, and no comment but those on them."""
    entry = find_entries(text)[key]
    return _drop_lines(text, entry.key.start, max(entry.key.end, _find_end(text, entry.value)))


def add_item(text: str, key: str, item: Any, line_end: str) -> str:
    """Put an item at the end of a list, in the list's own style."""
    entry = find_entries(text)[key]
    if entry.is_block_list:
        return _add_line(text, entry, item, line_end)
    if not entry.items:
        bracket = entry.value.start + 1
        blank = re.compile(r"[ \t]*(?=\])").match(text, bracket)
        return f"{text[:bracket]}{format_item(item)}{text[blank.end() if blank else bracket :]}"
    return _add_between_brackets(text, entry, item, line_end)


def drop_item(text: str, key: str, index: int) -> str:
    """Take an item out of a list; the last one leaves `[]`."""
    entry = find_entries(text)[key]
    if entry.is_block_list:
        dash = text.rindex("-", 0, entry.items[index].start)
        shorter = _drop_lines(text, dash, _find_end(text, entry.items[index]))
        return shorter if len(entry.items) > 1 else _put_after_colon(shorter, entry, [])
    return _drop_between_brackets(text, entry, index)


def _put_in_block_list(text: str, entry: Entry, value: Any, line_end: str) -> str:
    start, end = entry.value.start, _find_end(text, entry.value)
    if not isinstance(value, list) or not value:
        return _put_after_colon(_drop_lines(text, start, end), entry, value)
    dash = _build_dash(text, entry)
    items = line_end.join(f"{dash}{format_value(item)}" for item in value)
    return f"{text[: _find_line(text, start)]}{items}{text[end:]}"


def _put_after_colon(text: str, entry: Entry, value: Any) -> str:
    place = text.index(":", entry.key.end) + 1
    return f"{text[:place]} {format_value(value)}{text[place:]}"


def _add_line(text: str, entry: Entry, item: Any, line_end: str) -> str:
    place = _find_next_line(text, _find_end(text, entry.items[-1]))
    return f"{text[:place]}{_build_dash(text, entry)}{format_value(item)}{line_end}{text[place:]}"


def _add_between_brackets(text: str, entry: Entry, item: Any, line_end: str) -> str:
    last = entry.items[-1]
    bracket = entry.value.end - 1
    comma = "," in _COMMENT.sub("", text[last.end : bracket])
    line = _find_line(text, last.start)
    if text[line : last.start].strip() or "\n" not in text[last.end : bracket]:
        # A comma that is there already ends the list, and goes on doing so.
        added = f" {format_item(item)}," if comma else f", {format_item(item)}"
        place = text.index(",", last.end) + 1 if comma else last.end
        return f"{text[:place]}{added}{text[place:]}"
    place = _find_next_line(text, last.end)
    head = text[:place] if comma else f"{text[: last.end]},{text[last.end : place]}"
    tail = f"{format_item(item)}{',' if comma else ''}{line_end}"
    return f"{head}{text[line : last.start]}{tail}{text[place:]}"


def _drop_between_brackets(text: str, entry: Entry, index: int) -> str:
    item = entry.items[index]
    inside = text[entry.value.start + 1 : entry.value.end - 1]
    if len(entry.items) == 1 and not _COMMENT.search(inside):
        return f"{text[: entry.value.start]}[]{text[entry.value.end :]}"
    line = _find_line(text, item.start)
    rest = _REST_OF_ITEM.match(text, item.end)
    if rest and not text[line : item.start].strip():
        return text[:line] + text[rest.end() :]
    is_last = index == len(entry.items) - 1
    before = _COMMA_BEFORE.search(text, 0, item.start) if is_last else None
    if before:
        return text[: before.start()] + text[item.end :]
    after = _COMMA_AFTER.match(text, item.end)
    return text[: item.start] + text[after.end() if after else item.end :]


def _find_indent(text: str, entries: dict[str, Entry]) -> str:
    start = min((entry.key.start for entry in entries.values()), default=0)
    before = text[_find_line(text, start) : start]
    return "" if before.strip() else before


def _build_dash(text: str, entry: Entry) -> str:
    start = entry.items[-1].start
    dash = text[_find_line(text, start) : start]
    if _DASH.fullmatch(dash):
        return dash
    return f"{text[_find_line(text, entry.value.start) : entry.value.start]}- "


def _find_end(text: str, span: Span) -> int:
    """Find where a value ends, less the line ends that a text in lines has at its own."""
    return span.start + len(text[span.start : span.end].rstrip())


def _get_rest_of_line(text: str, start: int, end: int) -> str:
    """Return what stands behind the mark of a text in lines: its comment."""
    return text[start:end].partition("\n")[0].rstrip("\r")


def _drop_lines(text: str, start: int, end: int) -> str:
    return text[: _find_line(text, start)] + text[_find_next_line(text, end) :]


def _find_line(text: str, place: int) -> int:
    return text.rfind("\n", 0, place) + 1


def _find_next_line(text: str, place: int) -> int:
    return text.find("\n", place) + 1 or len(text)
