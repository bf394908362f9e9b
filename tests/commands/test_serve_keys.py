"""The keys of upstreams, which a server keeps in memory and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.demo.upstream import LoopbackUpstream

FIRST, SECOND = "made-up-first-key-0123456789", "made-up-second-key-0123456789"


def ask(server: Served) -> int:
    return requests.post(
        f"{server.openai_base_url}/chat/completions",
        json={"model": "helper", "messages": [{"role": "user", "content": "hi"}]},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=60,
    ).status_code


def test_a_key_that_is_rotated_or_removed_counts_with_the_next_request(
    home: Path, loopback: LoopbackUpstream
) -> None:
    url = loopback.openai_base_url
    run_hiveloom("credential", "set", "work", "--base-url", url, input=FIRST)
    run_hiveloom("agent", "create", "helper", "--model", "m", "--credential", "work")
    with serve() as server:
        assert [ask(server), ask(server)] == [200, 200]
        assert run_hiveloom("credential", "rotate", "work", input=SECOND).exit_code == 0
        assert ask(server) == 200
        (home / "vault.json").rename(home / "moved.json")
        assert ask(server) == 200
        (home / "moved.json").rename(home / "vault.json")
        assert run_hiveloom("credential", "remove", "work", "--yes").exit_code == 0
        assert ask(server) >= 400
    sent = [one.headers["authorization"] for one in loopback.requests]
    assert sent == [f"Bearer {key}" for key in (FIRST, FIRST, SECOND, SECOND)]
    for file in home.rglob("*"):
        assert file.is_dir() or SECOND.encode() not in file.read_bytes()
