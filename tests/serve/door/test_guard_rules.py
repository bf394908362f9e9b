"""What the guard decides, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.serve.asked import Rejection
from hiveloom_cli.serve.door.guard_rules import (
    Rules,
    build_preflight,
    check_content_type,
    check_length,
    check_source,
    find_presented,
    find_request_id,
)
from hiveloom_cli.serve.door.hosts import HostName, build_hosts, parse_host, parse_origin

if TYPE_CHECKING:
    from collections.abc import Iterable

LOCAL = "127.0.0.1:3000"
FRIEND = "https://chat.example.com"


@pytest.mark.parametrize(
    ("listens", "port", "asked", "holds"),
    [
        ("127.0.0.1", 3000, "127.0.0.1:3000", True),
        ("127.0.0.1", 3000, "localhost:3000", True),
        ("127.0.0.1", 3000, "LocalHost:3000", True),
        ("127.0.0.1", 3000, "[::1]:3000", True),
        ("127.0.0.1", 3000, "[0:0::1]:3000", True),
        ("::1", 3000, "localhost:3000", True),
        ("localhost", 3000, "127.0.0.1:3000", True),
        ("127.0.0.1", 3000, "127.0.0.1", False),
        ("127.0.0.1", 80, "127.0.0.1", True),
        ("127.0.0.1", 3000, "127.0.0.1:3001", False),
        ("127.0.0.1", 3000, "rebound.example.com:3000", False),
        ("127.0.0.1", 3000, "localhost.example.com:3000", False),
        ("127.0.0.1", 3000, "127.0.0.1.example.com:3000", False),
        ("127.0.0.1", 3000, "192.168.1.2:3000", False),
        ("192.168.1.2", 3000, "192.168.1.2:3000", True),
        ("192.168.1.2", 3000, "localhost:3000", False),
        ("0.0.0.0", 3000, "192.168.1.2:3000", True),
        ("0.0.0.0", 3000, "localhost:3000", True),
        ("0.0.0.0", 3000, "192.168.1.2:3001", False),
        ("0.0.0.0", 3000, "rebound.example.com:3000", False),
        ("::", 3000, "[fe80::1]:3000", True),
        ("[::]", 3000, "[fe80::1]:3000", True),
    ],
)
def test_a_server_goes_by_its_own_names(
    listens: str, port: int, asked: str, *, holds: bool
) -> None:
    host = parse_host(asked)
    assert host is not None
    assert build_hosts(listens, port).holds(host) is holds


@pytest.mark.parametrize(
    ("listens", "address", "asked"),
    [
        ("tower.lan", "192.168.1.2", "192.168.1.2:3000"),
        ("tower.lan", "192.168.1.2", "tower.lan:3000"),
        ("tower", "127.0.1.1", "localhost:3000"),
        ("0", "0.0.0.0", "192.168.1.2:3000"),
    ],
)
def test_a_server_goes_by_the_address_that_its_name_led_to(
    listens: str, address: str, asked: str
) -> None:
    host = parse_host(asked)
    assert host is not None
    assert build_hosts(listens, 3000, address=address).holds(host)
    assert not build_hosts(listens, 3000, address=address).holds(HostName("rebound.lan", 3000))


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ("agents.example.com", True),
        ("agents.example.com:8443", True),
        ("Agents.Example.Com", True),
        ("other.example.com", False),
        ("exact.example.com:8443", True),
        ("exact.example.com", False),
        ("[fe80::1]", True),
    ],
)
def test_an_allowed_name_is_for_any_port_unless_it_has_one(asked: str, *, holds: bool) -> None:
    allowed = ("Agents.example.com", "exact.example.com:8443", "[fe80:0::1]")
    host = parse_host(asked)
    assert host is not None
    assert build_hosts("127.0.0.1", 3000, allowed).holds(host) is holds


@pytest.mark.parametrize(
    "text",
    ["", "a b", "a:b", "a:", "http://a", "a/b", "a@b", "[::1", "::1", "é", "*"],
)
def test_what_is_no_host_is_none(text: str) -> None:
    assert parse_host(text) is None
    with pytest.raises(UsageMistake):
        build_hosts("127.0.0.1", 3000, [text])


@given(st.text())
def test_any_text_is_a_host_or_none(text: str) -> None:
    host = parse_host(text)
    assert host is None or host.name


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://chat.example.com", FRIEND),
        (" https://Chat.example.com/ ", FRIEND),
        ("https://chat.example.com:443", FRIEND),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_taken_as_browsers_write_it(text: str, origin: str) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    ["", "*", "null", "chat.example.com", "https://*.a", "https://a/b", "file://"],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(UsageMistake):
        parse_origin(text)


def check(headers: Iterable[tuple[str, str]], method: str = "POST", path: str = "/v1/x") -> str:
    """Return the code of the refusal; "" for none."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    hosts = build_hosts("127.0.0.1", 3000, ["agents.example.com"])
    rules = Rules(hosts, frozenset({FRIEND}), frozenset({"/healthz", "/"}))
    try:
        check_source(rules, method, path, "http", found)
    except Rejection as rejection:
        return f"{rejection.status} {rejection.code}"
    return ""


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ([], "400 host_invalid"),
        ([("host", LOCAL), ("host", LOCAL)], "400 host_invalid"),
        ([("host", "a b")], "400 host_invalid"),
        ([("host", "rebound.example.com:3000")], "421 host_not_allowed"),
        ([("host", LOCAL)], ""),
        ([("host", LOCAL), ("origin", f"http://{LOCAL}")], ""),
        ([("host", LOCAL), ("origin", "http://localhost:3000")], "403 origin_not_allowed"),
        ([("host", LOCAL), ("origin", "http://127.0.0.1:8080")], "403 origin_not_allowed"),
        ([("host", LOCAL), ("origin", "https://evil.example.com")], "403 origin_not_allowed"),
        ([("host", LOCAL), ("origin", "null")], "403 origin_not_allowed"),
        ([("host", LOCAL), ("origin", "")], "403 origin_not_allowed"),
        ([("host", LOCAL), ("origin", FRIEND), ("origin", FRIEND)], "403 origin_not_allowed"),
        ([("host", LOCAL), ("origin", f"{FRIEND}.evil.example.com")], "403 origin_not_allowed"),
        ([("host", LOCAL), ("origin", FRIEND)], ""),
        ([("host", LOCAL), ("origin", FRIEND), ("sec-fetch-site", "cross-site")], ""),
        ([("host", "agents.example.com"), ("origin", "https://agents.example.com")], ""),
        (
            [("host", "agents.example.com"), ("origin", "ftp://agents.example.com")],
            "403 origin_not_allowed",
        ),
        ([("host", LOCAL), ("sec-fetch-site", "cross-site")], "403 cross_site_request"),
        ([("host", LOCAL), ("sec-fetch-site", "same-site")], "403 cross_site_request"),
        ([("host", LOCAL), ("sec-fetch-site", "same-origin")], ""),
        ([("host", LOCAL), ("sec-fetch-site", "none")], ""),
    ],
)
def test_a_request_comes_from_where_it_may(headers: list[tuple[str, str]], refused: str) -> None:
    assert check(headers) == refused


def test_a_link_of_another_site_leads_to_what_is_public_and_to_nothing_else() -> None:
    headers = [("host", LOCAL), ("sec-fetch-site", "cross-site")]
    assert check(headers, "GET", "/") == ""
    assert check(headers, "POST", "/") == "403 cross_site_request"
    assert check(headers, "GET", "/v1/models") == "403 cross_site_request"
    assert check(headers, "GET", "//") == "403 cross_site_request"


@pytest.mark.parametrize(
    ("method", "kinds", "passes"),
    [
        ("POST", ["application/json"], True),
        ("POST", ["Application/JSON; charset=utf-8"], True),
        ("POST", ["text/plain"], False),
        ("POST", ["text/plain; application/json"], False),
        ("POST", ["application/x-www-form-urlencoded"], False),
        ("POST", ["multipart/form-data; boundary=application/json"], False),
        ("POST", ["application/json", "text/plain"], False),
        ("POST", ["application/json, text/plain"], False),
        ("POST", [], False),
        ("PUT", [], True),
        ("PUT", ["text/plain"], False),
        ("DELETE", ["text/plain"], False),
        ("GET", [], True),
        ("HEAD", [], True),
    ],
)
def test_only_json_is_taken(method: str, kinds: list[str], *, passes: bool) -> None:
    headers = {"content-type": kinds} if kinds else {}
    if passes:
        check_content_type(method, headers)
        return
    with pytest.raises(Rejection) as refused:
        check_content_type(method, headers)
    assert refused.value.status == 415


@pytest.mark.parametrize(
    ("length", "passes"),
    [("100", True), ("0", True), ("", True), ("101", False), ("0101", False), ("9" * 5000, False)],
)
def test_a_body_that_is_announced_as_too_large_is_refused(length: str, *, passes: bool) -> None:
    rules = Rules(build_hosts("127.0.0.1", 3000), most_bytes=100)
    if passes:
        check_length(rules, {"content-length": [length]})
        return
    with pytest.raises(Rejection) as refused:
        check_length(rules, {"content-length": [length]})
    assert refused.value.status == 413


@pytest.mark.parametrize(
    ("headers", "presented"),
    [
        ({}, []),
        ({"authorization": ["Bearer abc"]}, ["abc"]),
        ({"authorization": ["bearer  abc "]}, ["abc"]),
        ({"authorization": ["Basic abc"]}, []),
        ({"authorization": ["Bearer"]}, []),
        ({"authorization": ["Bearer abc", "Bearer def"]}, []),
        ({"x-api-key": ["abc"]}, ["abc"]),
        ({"x-api-key": [" "]}, []),
        ({"authorization": ["Bearer abc"], "x-api-key": ["def"]}, ["abc", "def"]),
    ],
)
def test_a_token_is_shown_in_one_of_two_headers(
    headers: dict[str, list[str]], presented: list[str]
) -> None:
    assert find_presented(headers) == presented


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        (["a-B_c.1"], "a-B_c.1"),
        (["x" * 64], "x" * 64),
        (["x" * 65], ""),
        ([""], ""),
        (["a b"], ""),
        (["a\n"], ""),
        (["é"], ""),
        (["a", "b"], ""),
        ([], ""),
    ],
)
def test_an_id_of_the_client_is_taken_if_it_is_plain(ids: list[str], found: str) -> None:
    assert find_request_id({"x-request-id": ids}) == found


def test_a_preflight_allows_the_headers_that_are_asked_for_if_they_are_headers() -> None:
    name = "access-control-request-headers"
    assert ("access-control-allow-headers", "authorization, x-stainless-os") in build_preflight(
        {name: ["authorization, x-stainless-os"]}
    )
    assert "access-control-allow-headers" not in dict(build_preflight({name: ["a\r\nset-cookie"]}))
