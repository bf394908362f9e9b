from __future__ import annotations

import pytest

from hiveloom_cli.errors import BaseUrlInvalid
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.providers import PROVIDERS, find_key_variable


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
        ("  https://api.openai.com/v1//  ", "https://api.openai.com/v1/chat/completions"),
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1/chat/completions"),
        ("https://h", "https://h/chat/completions"),
        ("https://h:443/v1", "https://h/v1/chat/completions"),
        (
            "http://h:8080/a/b?api-version=1&x=y",
            "http://h:8080/a/b/chat/completions?api-version=1&x=y",
        ),
        ("HTTP://Host.Example/V1", "http://host.example/V1/chat/completions"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1/chat/completions"),
    ],
)
def test_an_endpoint_is_appended_to_the_path(text: str, endpoint: str) -> None:
    assert parse_base_url(text, source="X").join("/chat/completions") == endpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.openai.com/v1",
        "ftp://h/v1",
        "file:///etc/passwd",
        "https://",
        "https://user:secret@h/v1",
        "https://secret@h/v1",
        "https://h/v1#part",
        "https://h:port/v1",
        "https://h:99999/v1",
        "https://[::1/v1",
        "https://h /v1",
        "https://h/v1\n",
        "https://h/\x00v1",
        "http://evil.example\\.localhost/v1",
        "http://a..localhost/v1",
        "http://%31%32%37.0.0.1/v1",
        f"http://{'a' * 64}.example/v1",
        "https://münchen.example/v1",
    ],
)
def test_what_no_request_can_go_to_is_refused(text: str) -> None:
    if text.endswith("\n"):
        assert parse_base_url(text, source="X").path == "/v1"
        return
    with pytest.raises(BaseUrlInvalid) as caught:
        parse_base_url(text, source="THE_VARIABLE")
    assert "THE_VARIABLE" in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("api.localhost", False),
        ("[::1]", True),
        ("192.168.1.2", False),
        ("example.org", False),
        ("127.0.0.1.example.org", False),
        ("localhost.example.org", False),
    ],
)
def test_loopback_is_told_by_name_or_number(host: str, *, loopback: bool) -> None:
    assert parse_base_url(f"http://{host}/v1", source="X").is_loopback is loopback


def test_each_provider_has_a_base_url_and_a_name_of_its_own() -> None:
    origins = [parse_base_url(row.base_url, source=row.name).origin for row in PROVIDERS]
    assert len(set(origins)) == len(PROVIDERS) == len({row.name for row in PROVIDERS})


def test_a_usual_variable_belongs_to_its_providers_origin_alone() -> None:
    def variable(url: str) -> str:
        return find_key_variable(parse_base_url(url, source="X"))

    assert variable("https://api.groq.com/anything") == "GROQ_API_KEY"
    assert variable("https://api.openai.com") == "OPENAI_API_KEY"
    assert variable("http://api.openai.com") == ""
    assert variable("https://api.openai.com:8443") == ""
    assert variable("https://api.openai.com.example.org") == ""
