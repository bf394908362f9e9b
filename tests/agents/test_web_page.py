"""Telling an agent's file from the page that shows it."""

from __future__ import annotations

import pytest

from hiveloom_cli.agents.web_page import check_no_page
from hiveloom_cli.errors import SourceUnusable


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>x", b"\xef\xbb\xbf\n <html>"])
def test_a_web_page_is_told_as_one(page: bytes) -> None:
    with pytest.raises(SourceUnusable) as caught:
        check_no_page(page, "https://host/a.md?token=secret")
    assert caught.value.message == "https://host/a.md is a web page, not an agent's file"
    assert "raw file" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "raw"),
    [
        (
            "https://github.com/o/r/blob/main/a.md?plain=1",
            "https://raw.githubusercontent.com/o/r/main/a.md",
        ),
        ("https://gitlab.com/o/r/-/blob/main/a.md", "https://gitlab.com/o/r/-/raw/main/a.md"),
        ("https://bitbucket.org/o/r/src/main/a.md", "https://bitbucket.org/o/r/raw/main/a.md"),
        ("https://gist.github.com/o/0123abcd", "https://gist.github.com/o/0123abcd/raw"),
    ],
)
def test_the_raw_address_is_named_where_it_is_known(url: str, raw: str) -> None:
    with pytest.raises(SourceUnusable) as caught:
        check_no_page(b"<html>", url)
    assert caught.value.hint == f"hiveloom agent import {raw}"


@pytest.mark.parametrize("content", [b"", b"---\nmodel: m\n---\n<role>x</role>", b"name: a"])
def test_what_is_no_page_passes(content: bytes) -> None:
    check_no_page(content, "https://github.com/o/r/blob/main/a.md")
