"""A service gets its keys from systemd, over HTTP and to the end, and shows them to nobody."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from tests.support.program import run_hiveloom
from tests.support.served import Served, serve
from tests.support.upstream import json_reply, openai_error, openai_reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.upstream import ScriptedUpstream

KEY = "sk-Zq7vLw2pXk9mRt4nHs8cDf"
NEXT = "sk-Hy5bNf1wQe6jUo3aVi0gTx"
TOKEN = "hlm_a-token-that-systemd-hands-over-0123456789"
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "credentials"
    path.mkdir(mode=0o700)
    return path


def ask(server: Served, token: str = TOKEN) -> tuple[int, str]:
    connection = HTTPConnection(server.origin.removeprefix("http://"), timeout=60)
    body = json.dumps({"model": "helper", "messages": [{"role": "user", "content": "hi"}]})
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    connection.request("POST", "/v1/chat/completions", body, headers)
    answer = connection.getresponse()
    text = f"{answer.getheaders()}{answer.read().decode()}"
    connection.close()
    return answer.status, text


def test_keys_and_token_that_systemd_hands_over_serve_and_are_shown_nowhere(
    upstream: ScriptedUpstream, folder: Path, home: Path, tmp_path: Path
) -> None:
    said = [
        run_hiveloom(
            *("credential", "set", "work", "--from-systemd"),
            *("--base-url", upstream.openai_base_url),
        )
    ]
    said.append(run_hiveloom("agent", "create", "helper", "--model", "m", "--credential", "work"))
    assert [done.exit_code for done in said] == [0, 0], said
    (folder / "hiveloom.work").write_text(f"{KEY}\n")
    (folder / "hiveloom.serve-token").write_text(f"{TOKEN}\n")
    upstream.add(
        json_reply(openai_reply("one")),
        json_reply(openai_error(f"wrong key {KEY}"), status=401),
        json_reply(openai_reply("two")),
    )
    log = tmp_path / "access.jsonl"
    given = {"CREDENTIALS_DIRECTORY": str(folder), "HIVELOOM_DEBUG": "1"}
    with serve("--access-log", str(log), HIVELOOM_SERVE_TOKEN="", **given) as server:
        assert ask(server, "hlm_other")[0] == 401
        answers = [ask(server), ask(server)]
        (folder / "hiveloom.work").write_text(NEXT)
        answers.append(ask(server))
        (folder / "hiveloom.work").unlink()
        answers.append(ask(server))
        server.process.terminate()
        _, errors = server.process.communicate(timeout=60)
    assert [status for status, _ in answers] == [200, 502, 200, 500]
    sent = [request.headers["authorization"] for request in upstream.requests]
    assert sent == [f"Bearer {KEY}", f"Bearer {KEY}", f"Bearer {NEXT}"]
    shown = [text for _, text in answers] + [errors, log.read_text()]
    shown += [done.stdout + done.stderr for done in said]
    shown += [path.read_text(errors="replace") for path in home.rglob("*") if path.is_file()]
    for secret in (KEY, KEY[:10], NEXT, NEXT[:10], TOKEN):
        assert not [text for text in shown if secret in text]


def test_views_tell_where_such_a_key_comes_from(folder: Path) -> None:
    given = {"CREDENTIALS_DIRECTORY": str(folder)}
    run_hiveloom("agent", "create", "own", "--model", "m")
    run_hiveloom("agent", "create", "bound", "--model", "m", "--credential", "work")
    set_ = run_hiveloom(
        *("credential", "set", "work", "--from-systemd", "--base-url", "https://llm.example.org/v1")
    )
    assert set_.stdout == ("Left the key work to the systemd unit, for https://llm.example.org.\n")
    assert "LoadCredential=hiveloom.work:FILE" in set_.stderr
    outside = run_hiveloom("agent", "show", "bound").stdout
    assert "work (handed over by systemd, as hiveloom.work, to the service alone)" in outside
    for name in ("openai", "work", "groq"):
        (folder / f"hiveloom.{name}").write_text(KEY)
    inside = run_hiveloom("agent", "show", "bound", env=given).stdout
    assert "work (handed over by systemd, as hiveloom.work)" in inside
    own = json.loads(run_hiveloom("agent", "show", "own", "--json", env=given).stdout)
    assert own.get("upstream", own)["key"] == "systemd"
    listed = run_hiveloom("credential", "list", env=given)
    assert "systemd unit" in listed.stdout
    assert "systemd hands over, for their own addresses: groq, openai\n" in listed.stderr
    assert "LoadCredential=hiveloom.groq:FILE" in run_hiveloom("provider", "show", "groq").stdout
    moved = {**given, "HIVELOOM_OPENAI_BASE_URL": "https://evil.example/v1"}
    refused = run_hiveloom("chat", "own", "hi", env=moved)
    assert refused.exit_code == 3
    assert "hiveloom credential set --name openai --from-systemd" in refused.stderr
    rotated = run_hiveloom("credential", "rotate", "work", input=NEXT)
    assert rotated.exit_code == 2
    assert "restart the service" in rotated.stderr


def test_a_passphrase_that_systemd_hands_over_opens_the_vault(
    upstream: ScriptedUpstream, folder: Path
) -> None:
    upstream.add(json_reply(openai_reply("opened")))
    passphrase = {"HIVELOOM_VAULT_PASSPHRASE": PASSPHRASE}
    run_hiveloom("credential", "set", "openai", input=KEY, env=passphrase)
    run_hiveloom("agent", "create", "helper", "--model", "m")
    moved = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    chat = ("chat", "helper", "hi", "--no-stream")
    assert run_hiveloom(*chat, env=moved).exit_code == 3
    (folder / "hiveloom.vault-passphrase").write_text(f"{PASSPHRASE}\n")
    done = run_hiveloom(*chat, env={**moved, "CREDENTIALS_DIRECTORY": str(folder)})
    assert done.stdout == "opened", done.stderr
    assert [request.headers["authorization"] for request in upstream.requests] == [f"Bearer {KEY}"]
