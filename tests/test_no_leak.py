"""A key shows up in the header and in the vault, and nowhere else."""

from __future__ import annotations

import base64
import subprocess
import threading
from pathlib import Path

import pytest

from tests.support.program import PROGRAM, build_environment, run_hiveloom, spawn_hiveloom
from tests.support.upstream import (
    ScriptedUpstream,
    json_reply,
    openai_error,
    openai_stream,
    stream_reply,
)

KEY = "sk-Zq7vLw2pXk9mRt4nHs8cDf"
FORMS = {
    KEY.encode(),
    KEY[:10].encode(),
    KEY[-10:].encode(),
    base64.b64encode(KEY.encode()),
    KEY.encode("utf-16-le"),
    KEY.encode().hex().encode(),
}


def list_leaks(content: bytes) -> list[bytes]:
    return [form for form in FORMS if form in content]


def test_a_whole_session_leaves_the_key_nowhere_but_in_the_vault(
    upstream: ScriptedUpstream, home: Path, tmp_path: Path
) -> None:
    env = {
        "HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url,
        "HIVELOOM_DEBUG": "1",
        "TMPDIR": str(tmp_path),
    }
    echo = openai_error(f"Incorrect API key provided: {KEY}. Also {KEY[:12]}***{KEY[-9:]}")
    in_band = stream_reply([b"data: " + echo + b"\n\n"])
    garbled = stream_reply([f"data: you sent {KEY}\n\n".encode()])
    upstream.add(
        stream_reply(openai_stream("ok")),
        json_reply(echo, status=401),
        in_band,
        garbled,
        json_reply(f"<html><title>{KEY}</title></html>".encode()),
        json_reply(echo, status=401),
    )
    outputs = []
    for args, piped in [
        (("credential", "set", "openai"), KEY),
        (("credential", "set", "openai"), KEY + "\n"),
        (("credential", "rotate", "openai"), KEY),
        (("credential", "set", "other"), KEY + "\u20ac"),
        (("credential", "set", "other"), KEY + "\nx"),
        (("credential", "list", "--json"), ""),
        (("agent", "create", "a", "--model", "m"), ""),
        *[(("chat", "a", "hi"), "")] * 5,
        (("chat", "a", "hi", "--json"), ""),
    ]:
        done = run_hiveloom(*args, input=piped, env=env)
        outputs.append(done.stdout_bytes + done.stderr_bytes)
    assert [list_leaks(output) for output in outputs] == [[]] * len(outputs)
    assert b"Traceback" in outputs[-1]
    assert b"[key]" in outputs[-1]
    assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in upstream.requests)
    places = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert home / "vault.json" in places
    assert [
        (path, list_leaks(path.read_bytes())) for path in places if list_leaks(path.read_bytes())
    ] == []


def test_an_interactive_session_shows_no_key(upstream: ScriptedUpstream, home: Path) -> None:
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url, "HIVELOOM_DEBUG": "1"}
    upstream.add(json_reply(openai_error(f"no: {KEY}"), status=401))
    with spawn_hiveloom("credential", "set", "openai") as terminal:
        terminal.expect("hidden")
        terminal.send_line(KEY)
        terminal.wait()
        assert list_leaks(bytes(terminal.output)) == []
    with spawn_hiveloom("chat", "--model", "m", env=env) as terminal:
        terminal.expect("m>")
        terminal.send_line("hello")
        terminal.expect("[key]")
        assert list_leaks(bytes(terminal.output)) == []
    assert list_leaks((home / "history").read_bytes()) == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc to look into on this system")
def test_a_running_chat_has_the_key_in_no_argument_and_no_variable(
    upstream: ScriptedUpstream,
) -> None:
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    run_hiveloom("credential", "set", "openai", input=KEY)
    gate = threading.Event()
    upstream.add(stream_reply([*openai_stream("ok")[:2], gate]))
    with subprocess.Popen(
        [*PROGRAM, "chat", "--model", "m", "hi"],
        env=build_environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        upstream.wait_for_requests(1)
        process_folder = Path(f"/proc/{process.pid}")
        seen = (process_folder / "cmdline").read_bytes() + (process_folder / "environ").read_bytes()
        process.kill()
    assert b"chat" in seen
    assert list_leaks(seen) == []
