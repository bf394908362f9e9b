"""A key shows up in the header and in the vault, and nowhere else."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.program import PROGRAM, build_environment, run_hiveloom, spawn_hiveloom
from tests.support.upstream import (
    ScriptedUpstream,
    json_reply,
    openai_error,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    assert {home / "vault.json", home / "conversations.db"} <= {*places}
    assert b"conversation_by_change" in (home / "conversations.db").read_bytes()
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


def read_children(pid: int) -> Iterator[bytes]:
    """Yield the arguments and variables of the processes that a process has started."""
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and f"\nPPid:\t{pid}\n" in (folder / "status").read_text():
                yield (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue  # it has ended meanwhile


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc to look into")
def test_a_key_reaches_no_process_as_an_argument_or_a_variable() -> None:
    """The demo stores keys through processes of its own: all can see how they are started."""
    with subprocess.Popen(
        [*PROGRAM, "demo"],
        env=build_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        seen: set[bytes] = set()
        while process.poll() is None:
            seen.update(read_children(process.pid))
        assert process.stdout is not None
        printed = process.stdout.read()
    assert process.returncode == 0
    assert b"echo a-made-up-key | hiveloom credential set" in printed
    assert any(b"credential\0set\0" in child for child in seen)
    assert [child for child in seen if b"made-up-key" in child] == []
