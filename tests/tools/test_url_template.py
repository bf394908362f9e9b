"""Arguments fill their places in a URL, and nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.tools.url_template import build_url, parse_url_template
from tests.support.upstream import ScriptedUpstream, json_reply

NAMES = frozenset({"a", "b", "c"})
ORIGIN = "https://api.example:8443"
TEMPLATE = parse_url_template(f"{ORIGIN}/v1/{{a}}/x-{{b}}.json?fixed=1&c={{c}}", NAMES)
# What matters in URLs, beside any text.
TEXTS = st.text() | st.text("./\\%25efEF?#&=@:;+ \0\n{}ab")
VALUES = TEXTS | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)


def build(text: str, arguments: dict[str, Any], more: dict[str, Any] | None = None) -> str:
    return build_url(parse_url_template(text, NAMES), arguments, more)


@given(st.fixed_dictionaries({"a": VALUES, "b": VALUES, "c": VALUES}), TEXTS, VALUES)
def test_no_argument_leaves_its_place(values: dict[str, Any], name: str, more: Any) -> None:
    try:
        url = build_url(TEMPLATE, values, {name: more})
    except UsageMistake:
        return
    assert url.isascii()
    assert url.isprintable()
    assert " " not in url
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == ORIGIN
    assert parts.fragment == ""
    first, version, a, b = parts.path.split("/")
    assert (first, version) == ("", "v1")
    assert unquote(a, errors="replace") == as_text(values["a"])
    assert unquote(b) == f"x-{as_text(values['b'])}.json"
    assert not {".", ".."} & {unquote(a), unquote(b), unquote(unquote(a))}
    assert parse_qsl(parts.query, keep_blank_values=True) == [
        ("fixed", "1"),
        ("c", as_text(values["c"])),
        (name, as_text(more)),
    ]


def as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_what_arrives_is_what_was_built(upstream: ScriptedUpstream) -> None:
    """The libraries in between rewrite nothing."""
    from hiveloom_cli.protocols.web import WebRequest
    from hiveloom_cli.stop import Stop
    from hiveloom_cli.upstream.web import RequestsWeb

    values = ["Zürich", "a/b c", "..a", "~!$&'()*+,;=:@%7E%2e", "x?y#z", "\\\n\0", "😀"]
    for value in values:
        url = build(f"{upstream.origin}/v1//{{a}}/~(x)/?c={{a}}&d=%7e", {"a": value})
        upstream.add(json_reply(b"{}"))
        request = WebRequest("GET", url, {}, None, None, True, 20, 100)  # noqa: FBT003 - fields
        RequestsWeb({}).send(request, None, Stop())
        arrived = upstream.requests[-1].path
        assert arrived.replace("~", "%7e") == url.removeprefix(upstream.origin).replace("~", "%7e")


@pytest.mark.parametrize(
    ("template", "arguments", "url"),
    [
        ("https://a.example", {}, "https://a.example/"),
        ("HTTPS://A.Example:443/x", {}, "https://a.example/x"),
        ("http://[::1]:8080/x", {}, "http://[::1]:8080/x"),
        ("https://a.example?a={a}", {"a": 1}, "https://a.example/?a=1"),
        ("https://a.example/ü?q=ü|", {}, "https://a.example/%C3%BC?q=%C3%BC%7C"),
        ("https://a.example/{a}", {"a": "a/b?c#d&e"}, "https://a.example/a%2Fb%3Fc%23d%26e"),
        ("https://a.example/{a}.{b}", {"a": 1.5, "b": True}, "https://a.example/1.5.true"),
        ("https://a.example/?{a}={b}", {"a": "x&y", "b": ""}, "https://a.example/?x%26y="),
        ("https://a.example/?a={a}&b={b}", {"b": "x"}, "https://a.example/?b=x"),
        ("https://a.example/?a={a}", {"a": None}, "https://a.example/"),
        ("https://a.example/{a}{a}", {"a": "%2F"}, "https://a.example/%252F%252F"),
        ("https://a.example/@{a}", {"a": "@"}, "https://a.example/@%40"),
    ],
)
def test_a_url_is_built(template: str, arguments: dict[str, Any], url: str) -> None:
    assert build(template, arguments) == url


def test_what_has_no_place_goes_to_the_query() -> None:
    more = {"list": ["x", 2, None], "object": {"ü": [1]}, "flag": False, "none": None, "a b": "&"}
    assert build("https://a.example/?x=1", {}, more) == (
        "https://a.example/?x=1&list=x&list=2"
        "&object=%7B%22%C3%BC%22%3A%20%5B1%5D%7D&flag=false&a%20b=%26"
    )


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        *(
            (dots, "cannot stand")
            for dots in (".", "..", "../x", "x/..", "..\\x", "%2e%2E", "%2e.")
        ),
        ("%25" * 3 + "25252525", "cannot stand"),
        ("", "missing or empty"),
        (None, "missing or empty"),
        (["x"], "a list or an object"),
        ({"x": 1}, "a list or an object"),
    ],
)
def test_what_cannot_stand_in_a_path_is_refused(value: Any, problem: str) -> None:
    with pytest.raises(UsageMistake, match=problem):
        build("https://a.example/{a}/x", {"a": value})


def test_dots_are_found_across_two_places() -> None:
    with pytest.raises(UsageMistake, match="cannot stand"):
        build("https://a.example/{a}{b}/x", {"a": ".", "b": "."})


def test_dots_are_harmless_in_a_query() -> None:
    assert build("https://a.example/?a={a}", {"a": "../x"}) == "https://a.example/?a=..%2Fx"


def test_what_the_url_fixes_is_no_argument() -> None:
    with pytest.raises(UsageMistake, match="`role` is decided by the tool"):
        build("https://a.example/?role=reader", {}, {"role": "admin"})


def test_half_a_pair_is_refused() -> None:
    with pytest.raises(UsageMistake, match="`b` is missing"):
        build("https://a.example/?near={a},{b}", {"a": 1})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{a}://a.example/", "begins with https://"),
        ("//a.example/", "begins with https://"),
        ("a.example/x", "begins with https://"),
        ("", "begins with https://"),
        ("https://{a}/", "arguments stand after them"),
        ("https://{a}.example/", "arguments stand after them"),
        ("https://a.example:{b}/", "arguments stand after them"),
        ("https://{a}@a.example/", "arguments stand after them"),
        ("https://a.example{a}", "arguments stand after them"),
        ("https://user:pass@a.example/", "user name or a password"),
        ("https://a.example\\@b.example/", "no \\\\ and no #"),
        ("https://a.example/#x", "no \\\\ and no #"),
        ("https://a.example/a b", "no spaces"),
        ("https://a.example/\u200b", "no spaces"),
        ("ftp://a.example/", "does not begin with http:// or https://"),
        ("https:///x", "names no host"),
        ("https://a.example:99999/", "is not a URL"),
        ("https://ä.example/", "a host that cannot be one"),
        ("https://a.example/{", "braces in pairs"),
        ("https://a.example/}{", "braces in pairs"),
        ("https://a.example/{a/b}", "braces in pairs"),
        ("https://a.example/{}", "among the properties"),
        ("https://a.example/{town}", "{town} among the properties"),
        ("https://a.example/%zz", "two hexadecimal digits"),
        ("https://a.example/%{a}", "two hexadecimal digits"),
        ("https://a.example/%2{a}", "two hexadecimal digits"),
        ("https://a.example/../x", "without . and .."),
        ("https://a.example/%2e%2e/x", "without . and .."),
        ("https://a.example/./{a}", "without . and .."),
    ],
)
def test_what_cannot_be_a_template_is_told(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        parse_url_template(text, NAMES)
    assert problem.replace("\\\\", "\\") in str(caught.value)
