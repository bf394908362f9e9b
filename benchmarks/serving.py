"""What `hiveloom serve` adds to asking the upstream directly, and what it saves between requests.

    python benchmarks/serving.py [REQUESTS]

The upstream is the one that is built in, in a process of its own, and so is the server. What is
compared takes turns, so that a machine whose speed drifts slows both. Printed are ratios, and the
medians that they are made of. Nothing is asserted. Secret Service needs gnome-keyring and
dbus-run-session, and is left out without them.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import requests

from hiveloom_cli.app import App
from hiveloom_cli.commands.serve_host import ServeHost
from hiveloom_cli.credentials.store import CredentialStore
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.secret import Secret
from hiveloom_cli.serve.asked import Asked
from hiveloom_cli.terminal.streams import Streams
from hiveloom_cli.upstream.trust import load_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUESTS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
CLIENTS = 16
TOKEN = "for-this-run-alone"  # noqa: S105 -- both sides make no difference
UPSTREAM = """
import sys
from hiveloom_cli.demo.upstream import LoopbackUpstream
with LoopbackUpstream() as upstream:
    print(upstream.openai_base_url, flush=True)
    sys.stdin.read()
"""
SERVER = Path(__file__).parent.parent / "tests/support/mcp_server.py"
KEYRING = """printf made-up | gnome-keyring-daemon --unlock --components=secrets >&2 \
&& echo "$DBUS_SESSION_BUS_ADDRESS" && exec cat >&2"""


@contextmanager
def run(words: list[str], environ: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a program that ends with its standard input, or is told to end in the block."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        words, env=environ, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as process:
        yield process
        process.communicate()


def read_line(stream: IO[str] | None) -> str:
    """Read the first line of what a program prints."""
    return stream.readline().strip() if stream is not None else ""


def time_s(work: Callable[[], object]) -> float:
    """Do something once; return its wall time in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(
    title: str, ours: Callable[[], object], other: Callable[[], object], count: int
) -> None:
    """Take turns, and print how many times as long ours takes."""
    ours()
    other()
    pairs = [(time_s(ours), time_s(other)) for _ in range(count)]
    ratio = statistics.median(one / two for one, two in pairs)
    one_ms, two_ms = (1000 * statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{ratio:8.2f} x   {one_ms:8.2f} ms against {two_ms:8.2f} ms   {title}", flush=True)


def ask(url: str, model: str, session: requests.Session) -> None:
    """Ask once, with a bearer token that either side takes."""
    reply = session.post(
        f"{url}/chat/completions",
        json={"model": model, "messages": [{"role": "user", "content": "hi"}]},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=60,
    )
    reply.raise_for_status()


def ask_at_once(url: str, model: str, pool: ThreadPoolExecutor) -> None:
    """Ask with many clients at once, each on a connection of its own."""
    sessions = [requests.Session() for _ in range(CLIENTS)]
    list(pool.map(lambda number: ask(url, model, sessions[number % CLIENTS]), range(REQUESTS)))


def measure_server(upstream: str, environ: dict[str, str]) -> None:
    """Compare a server with its upstream."""
    words = [sys.executable, "-m", "hiveloom_cli", "serve", "--port", "0"]
    words += ["--access-log", os.devnull]
    with run(words, environ) as process, ThreadPoolExecutor(CLIENTS) as pool:
        url = f"{read_line(process.stderr).split()[2]}/v1"  # Serving at ORIGIN ...
        ours, other = requests.Session(), requests.Session()
        compare(
            "a request, through the server against the upstream itself",
            lambda: ask(url, "helper", ours),
            lambda: ask(upstream, "m", other),
            REQUESTS,
        )
        compare(
            f"{REQUESTS} requests of {CLIENTS} clients, through the server",
            lambda: ask_at_once(url, "helper", pool),
            lambda: ask_at_once(upstream, "m", pool),
            5,
        )
        process.terminate()


def open_app(environ: dict[str, str]) -> App:
    """Open what commands work with, without a terminal."""
    return App(environ, Streams(io.StringIO(), io.StringIO(), io.StringIO()))


def open_host(environ: dict[str, str]) -> ServeHost:
    """Open what answers requests, in this process."""
    return ServeHost(open_app(environ), ["mcp:small"])


def answer(host: ServeHost, agent: str, text: str = "hi") -> None:
    """Have an agent answer."""
    turn = host.open_turn(Asked(agent, (build_user_message(text),)))
    try:
        for _ in turn.events:
            pass
    finally:
        turn.close()


def measure_key(title: str, url: str, environ: dict[str, str]) -> None:
    """Compare a key that is kept with one that is fetched for each request."""
    kept, app = open_host(environ), open_app(environ)
    app.credentials.save("work", Secret("made-up-key-0123456789"), base_url=url)
    fetching = ServeHost(app)
    app.credentials = CredentialStore(paths=app.paths, environ=environ, clock=app.clock)
    compare(
        f"a request, its key kept against fetched from {title}",
        lambda: answer(kept, "keyed"),
        lambda: answer(fetching, "keyed"),
        REQUESTS,
    )


def measure_tools(environ: dict[str, str]) -> None:
    """Compare an MCP server that is kept with one that is started for each request."""

    def start_anew() -> None:
        host = open_host(environ)
        answer(host, "tooled", "call small__echo {}")
        host.close()

    host = open_host(environ)
    compare(
        "a request that calls a tool, its MCP server kept against started",
        lambda: answer(host, "tooled", "call small__echo {}"),
        start_anew,
        max(REQUESTS // 10, 3),
    )
    host.close()


def measure_keyring(url: str, environ: dict[str, str], folder: str) -> None:
    """Compare as `measure_key`, with a Secret Service on a bus of its own."""
    if not (shutil.which("gnome-keyring-daemon") and shutil.which("dbus-run-session")):
        print("gnome-keyring is not installed")
        return
    places = {name: f"{folder}/{name}" for name in ("HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")}
    for place in places.values():
        Path(place).mkdir(mode=0o700)
    words = ["dbus-run-session", "--", "sh", "-c", KEYRING]
    with run(words, {"PATH": os.environ["PATH"], **places}) as process:
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = read_line(process.stdout)
        measure_key("Secret Service", url, {**environ, "HIVELOOM_KEYRING": "os"})


def measure_roots() -> None:
    """Compare the roots that TLS trusts, kept against read."""
    places = ssl.get_default_verify_paths()
    if sys.platform != "linux" or places.cafile is None:
        return
    compare(
        "the system's roots, kept against read",
        lambda: load_context({}),
        lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(places.cafile),
        20,
    )


def write_home(home: str) -> None:
    """Write the agents, and the list of MCP servers."""
    small = Path(home, "small")
    small.mkdir()
    entry = {"command": sys.executable, "args": [str(SERVER), str(small)]}
    Path(home, "mcp.json").write_text(json.dumps({"mcpServers": {"small": entry}}))
    agents = Path(home, "agents")
    agents.mkdir()
    (agents / "helper.md").write_text("---\nmodel: m\n---\n")
    (agents / "keyed.md").write_text("---\nmodel: m\ncredential: work\n---\n")
    (agents / "tooled.md").write_text("---\nmodel: m\ntools: [mcp:small]\n---\n")


def main() -> None:
    """Measure each, and print a line for it."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with (
        run([sys.executable, "-c", UPSTREAM], environ) as upstream,
        tempfile.TemporaryDirectory() as home,
        tempfile.TemporaryDirectory() as other,
        tempfile.TemporaryDirectory() as third,
        tempfile.TemporaryDirectory() as folder,
    ):
        url = read_line(upstream.stdout)
        for place in (home, other, third):
            write_home(place)
        environ |= {"HIVELOOM_OPENAI_BASE_URL": url, "HIVELOOM_SERVE_TOKEN": TOKEN}
        environ |= {"HIVELOOM_HOME": home, "HIVELOOM_KEYRING": "vault"}
        measure_server(url, environ)
        measure_tools(environ)
        measure_roots()
        measure_key("the vault", url, environ)
        words = {"HIVELOOM_HOME": third, "HIVELOOM_VAULT_PASSPHRASE": "made-up words"}
        measure_key("the vault, opened by a passphrase", url, environ | words)
        measure_keyring(url, environ | {"HIVELOOM_HOME": other}, folder)


if __name__ == "__main__":
    main()
