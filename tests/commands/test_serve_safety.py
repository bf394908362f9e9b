"""`hiveloom serve` is safe as it is started: a real process, asked over real sockets."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.program import PROGRAM, build_environment, run_hiveloom
from tests.support.serving import Answer, build_request, send

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PLACE = re.compile(r"http://127\.0\.0\.1:(\d+)")
_TOKEN = re.compile(r"hlm_[\w-]{43}")


@contextmanager
def serving(*options: str, env: Mapping[str, str] | None = None) -> Iterator[tuple[int, str]]:
    """Start the server on a free port; give that, and what it printed until its token was due."""
    with subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", *options],
        env=build_environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            place = _PLACE.search(said)
            assert place, said + process.stderr.read()
            if "--no-token" not in options and env is None and not list_tokens():
                said += process.stderr.readline()
            yield int(place[1]), said
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_S)


def list_tokens() -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(run_hiveloom("serve", "token", "list", "--json").stdout)
    return rows


def ask(port: int, token: str = "", **headers: str) -> Answer:
    shown = [("Authorization", f"Bearer {token}")] if token else []
    return send(port, build_request("GET", "/v1/models", [*shown, *headers.items()], port=port))


def test_without_any_token_one_is_made_and_printed(home: Path) -> None:
    with serving() as (port, said):
        found = _TOKEN.search(said)
        assert found, said
        assert ask(port).status == 401
        assert ask(port, found[0]).status == 200
        assert ask(port, found[0], Host=f"rebound.example.com:{port}").status == 421
        assert ask(port, found[0], Origin="https://evil.example.com").status == 403
        for file in home.rglob("*"):
            assert file.is_dir() or found[0].encode() not in file.read_bytes()


def test_a_token_counts_from_its_making_to_its_end(tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    run_hiveloom("serve", "token", "create", "phone")
    with serving("--access-log", str(log)) as (port, said):
        assert not _TOKEN.search(said)
        token = run_hiveloom("serve", "token", "create", "notebook").stdout.strip()
        id_ = list_tokens()[1]["id"]
        assert ask(port, token).status == 200
        assert run_hiveloom("serve", "token", "revoke", "notebook").exit_code == 0
        assert ask(port, token).status == 401
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(row["status"], row["token"]) for row in rows] == [(200, id_), (401, None)]
    assert "hlm_" not in log.read_text()


def test_a_token_may_come_from_the_environment() -> None:
    with serving(env={"HIVELOOM_SERVE_TOKEN": "of-my-own"}) as (port, said):
        assert "of-my-own" not in said
        assert ask(port, "of-my-own").status == 200
        assert ask(port, "of-your-own").status == 401


def test_no_token_is_for_this_machine_alone() -> None:
    with serving("--no-token") as (port, _):
        assert ask(port).status == 200
        assert ask(port, Origin="null").status == 403
    done = run_hiveloom("serve", "--host", "0.0.0.0", "--port", "0", "--no-token")
    assert done.exit_code == 2
    assert "--no-token would let anyone in" in done.stderr


@pytest.mark.parametrize("options", [("--allow-origin", "*"), ("--allow-host", "http://a")])
def test_what_would_allow_everything_is_refused(options: tuple[str, str]) -> None:
    done = run_hiveloom("serve", "--port", "0", *options)
    assert done.exit_code == 2
    assert options[0] in done.stderr


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("nobody.invalid", "--host ADDRESS"),
        ("192.0.2.1", "--host ADDRESS"),
        ("a..b", "no name of a host"),
        ("h" * 64, "--host ADDRESS"),
    ],
)
def test_a_host_that_is_not_this_machine_is_a_mistake_that_says_what_to_type(
    host: str, said: str
) -> None:
    done = run_hiveloom("serve", "--port", "0", "--host", host)
    assert done.exit_code == 2
    assert f"cannot listen on {host}" in done.stderr
    assert said in done.stderr


def test_a_port_in_use_is_a_mistake_that_says_what_to_type() -> None:
    with serving() as (port, _):
        done = run_hiveloom("serve", "--port", str(port))
    assert done.exit_code == 2
    assert "choose another: --port N" in done.stderr
