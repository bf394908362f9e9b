from __future__ import annotations

import json
import shlex
from collections.abc import Callable

import pytest

from hiveloom_cli.protocols.base_url import check_encrypted, parse_base_url
from hiveloom_cli.protocols.providers import PROVIDERS, Provider
from tests.support.program import Finished

Hiveloom = Callable[..., Finished]


def test_the_list_is_the_table(hiveloom: Hiveloom) -> None:
    done = hiveloom("provider", "list")
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert rows == [[row.name, row.base_url, row.key_variable or "-"] for row in PROVIDERS]
    documents = json.loads(hiveloom("provider", "list", "--json").stdout)
    assert [document["name"] for document in documents] == [row.name for row in PROVIDERS]
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_every_preset_keeps_a_key_from_other_eyes() -> None:
    for row in PROVIDERS:
        base_url = parse_base_url(row.base_url, source=row.name)
        assert check_encrypted(base_url, source=row.name, allow_http=False)
        assert row.is_hosted == bool(row.key_variable) == (not base_url.is_loopback)


@pytest.mark.parametrize("row", PROVIDERS, ids=lambda row: row.name)
def test_what_is_shown_for_a_provider_can_be_typed(hiveloom: Hiveloom, row: Provider) -> None:
    name = row.name
    shown = hiveloom("provider", "show", name).stdout
    document = json.loads(hiveloom("provider", "show", "--name", name, "--json").stdout)
    assert document["base_url"] in shown
    assert (document["key_page"] or "") in shown
    assert (document["key_variable"] or "") in shown
    assert ("export HIVELOOM_OPENAI_BASE_URL=" in shown) == (name not in ("openai", "anthropic"))
    for line in document["commands"]:
        assert f"  {line}\n" in shown
        program, *words = shlex.split(line)
        assert program == "hiveloom"
        if "chat" not in words:
            assert hiveloom(*words, input="sk-a-made-up-key-0123456789").exit_code == 0
    agent = json.loads(hiveloom("agent", "show", "helper", "--json").stdout)
    own = None if name in ("openai", "anthropic") else name
    assert agent["credential"] == own
    keys = json.loads(hiveloom("credential", "list", "--json").stdout)
    assert [key["base_url"] for key in keys] == (
        [] if document["key_page"] is None else [document["base_url"] if own else None]
    )


def test_an_unknown_provider_is_exit_code_5_with_a_guess_and_the_names(hiveloom: Hiveloom) -> None:
    done = hiveloom("provider", "show", "opnrouter")
    assert done.exit_code == 5
    assert "did you mean openrouter? There are: openai, anthropic" in done.stderr
    assert "hiveloom provider list" in done.stderr
