"""The page's files, as they are served."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.serve.page import PATHS
from tests.support.served import serve
from tests.support.serving import build_request, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.serving import Answer

_FOLDER = files("hiveloom_cli.serve") / "page"
_REFERENCE = re.compile(r"""(?:href|src)="([^"]+)"|from "([^"]+)\"""")
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "/": "text/html"}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    home = str(tmp_path_factory.mktemp("home"))
    with serve(HOME=home, HIVELOOM_HOME=home) as server:
        yield int(server.origin.rpartition(":")[2])


def ask(port: int, path: str, method: str = "GET", **headers: str) -> Answer:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return send(port, build_request(method, path, named, port=port))


def test_all_that_lies_there_is_served_and_all_that_it_names_lies_there() -> None:
    found = {"/": _FOLDER / "index.html"}
    for file in _FOLDER.iterdir():
        if file.name != "index.html":
            found[f"/page/{file.name}"] = file
    assert set(found) == PATHS
    for file in found.values():
        for in_page, in_script in _REFERENCE.findall(file.read_text("utf-8")):
            name = in_page or in_script.replace("./", "page/")
            assert f"/{name}" in PATHS, f"{file.name} names {name}"


@pytest.mark.parametrize("path", sorted(PATHS))
def test_a_file_is_for_anyone_to_read_and_lets_nothing_else_in(port: int, path: str) -> None:
    answer = ask(port, path)
    assert answer.status == 200
    assert (answer.get("content-type") or "").split("; ")[0] == _TYPES[path.rpartition(".")[2]]
    policy = dict(
        part.split(" ", 1) for part in (answer.get("content-security-policy") or "").split("; ")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert answer.get("x-content-type-options") == "nosniff"
    assert answer.get("referrer-policy") == "no-referrer"
    assert answer.get("cross-origin-opener-policy") == "same-origin"
    assert answer.get("cross-origin-resource-policy") == "same-origin"
    assert answer.get("x-frame-options") == "DENY"
    assert answer.get("x-request-id")
    assert answer.get("cache-control") == "no-cache"
    assert answer.get("access-control-allow-origin") is None


def test_a_browser_that_has_a_file_is_told_so(port: int) -> None:
    etag = ask(port, "/page/chat.js").get("etag") or ""
    assert re.fullmatch('"[0-9a-f]{32}"', etag)
    for known in (etag, f"W/{etag}", f'"other", {etag}'):
        again = ask(port, "/page/chat.js", if_none_match=known)
        assert (again.status, again.body, again.get("etag")) == (304, b"", etag)
    assert ask(port, "/page/chat.js", if_none_match='"other"').status == 200


def test_a_link_on_any_page_leads_there_but_no_other_name_does(port: int) -> None:
    assert ask(port, "/", sec_fetch_site="cross-site").status == 200
    assert ask(port, "/", host=f"evil.example:{port}").status == 421


@pytest.mark.parametrize("path", ["/page", "/page/", "/page/../page.py", "/page/%2e%2e/page.py"])
def test_nothing_beside_the_files_is_served(port: int, path: str) -> None:
    assert ask(port, path).status == 401
    assert ask(port, path, authorization="Bearer a-token-of-the-tests-0123456789").status == 404


def test_the_files_are_only_read(port: int) -> None:
    assert ask(port, "/", "HEAD").status == 200
    assert ask(port, "/", "POST").status == 415


def test_no_script_makes_elements_of_text() -> None:
    """What the browser would refuse anyway is not even tried."""
    sinks = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(")
    for file in _FOLDER.iterdir():
        assert not sinks.search(file.read_text("utf-8")), file.name
