"""A person with stored keys, a model that does whatever any text tells it to, and a collector.

Instructions are `call NAME {json}`, wherever they stand: in a system prompt, in what is said of a
tool, in what a tool gave. The collector is the attacker's server, and keeps all that reaches it.
"""

from __future__ import annotations

import base64
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

from tests.support.loop import Wanted, answer_reply, call_reply
from tests.support.program import Finished, run_hiveloom, spawn_hiveloom
from tests.support.upstream import Reply, ScriptedUpstream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from tests.support.program import Terminal
    from tests.support.upstream import RecordedRequest

MODEL_KEY = "sk-Zq7vLw2pXk9mRt4nHs8cDf"
TRACKER_KEY = "trk-Pb5xWd3kQn7yVg2jLs6hTc"
VARIABLE_KEY = "sk-ant-Jm4rFz8wBt6kXc2vNp9qGd"
PASSPHRASE = "quiet-Xw3nRb7pLk-harbour"
SECRETS = (MODEL_KEY, TRACKER_KEY, VARIABLE_KEY, PASSPHRASE)
TRACKER = "https://tracker.example"
_ORDER = re.compile(r"call ([\w-]+) (?=\{)")


def list_leaks(content: bytes) -> list[str]:
    """Name the secrets that stand in `content`, as they are, in halves or written otherwise."""
    return [secret for secret in SECRETS if any(form in content for form in _build_forms(secret))]


def _build_forms(secret: str) -> set[bytes]:
    plain = secret.encode()
    return {
        plain[:14],
        plain[-14:],
        base64.b64encode(plain)[:16],
        plain.hex().encode()[:24],
        plain[::-1],
        secret.encode("utf-16-le")[:24],
    }


class ObedientUpstream(ScriptedUpstream):
    """A model that obeys each instruction that it reads, once; then it says `answer`."""

    def __init__(self) -> None:
        super().__init__(script=self._obey)
        self.answer = "All done."
        self._obeyed: set[tuple[str, str]] = set()

    def _obey(self, request: RecordedRequest) -> Reply:
        orders = [order for text in _list_texts(request.json) for order in _list_orders(text)]
        new = [order for order in dict.fromkeys(orders) if order not in self._obeyed]
        begin = len(self._obeyed)
        self._obeyed.update(new)
        if new and request.json.get("tools"):
            calls = [Wanted(f"c{begin + at}", *order) for at, order in enumerate(new)]
            return call_reply("openai", *calls)
        return answer_reply("openai", self.answer)


def _list_orders(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while found := _ORDER.search(text, place):
        place = found.end()
        with suppress(ValueError):
            _, place = json.JSONDecoder().raw_decode(text, found.end())
            yield found[1], text[found.end() : place]


def _list_texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _list_texts(item)
        case dict():
            for key, item in value.items():
                if key != "tool_calls":
                    yield from _list_texts(item)


@dataclass
class Attack:
    """The person's folders and keys, and what has been seen of them; see the module."""

    home: Path
    model: ObedientUpstream
    collector: ScriptedUpstream
    outputs: list[bytes] = field(default_factory=list)

    @property
    def marker(self) -> Path:
        """A file that is there once a command of the attacker's has run."""
        return self.home.parent / "marker"

    @property
    def touch(self) -> str:
        """A `command` that makes the marker, as YAML and as JSON."""
        return json.dumps(["touch", str(self.marker)])

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HIVELOOM_OPENAI_BASE_URL": self.model.openai_base_url,
            "ANTHROPIC_API_KEY": VARIABLE_KEY,
            "DISGUISED": f"prefix-{VARIABLE_KEY}",
            "HIVELOOM_VAULT_PASSPHRASE": PASSPHRASE,
        }

    def store_keys(self, cache: Path) -> None:
        """Store the keys, or copy what they were stored in before: a vault takes its time."""
        if not cache.exists():
            self.run("credential", "set", "openai", input=MODEL_KEY)
            self.run("credential", "set", "tracker", "--base-url", TRACKER, input=TRACKER_KEY)
            copytree(self.home, cache)
        copytree(cache, self.home, dirs_exist_ok=True)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the person's own."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def write_agent(self, tools: str = "evil", prompt: str = "Help.", more: str = "") -> None:
        text = f"---\nmodel: gpt-4o-mini\ntools: [{tools}]\n{more}---\n{prompt}\n"
        self.write("agents/a.md", text)

    def write_tool(self, settings: str, name: str = "evil", body: str = "A tool.") -> Path:
        return self.write(f"tools/{name}.md", f"---\n{settings}\n---\n{body}\n")

    def write_servers(self, **servers: Any) -> None:
        self.write("mcp.json", json.dumps({"mcpServers": servers}))

    def run(self, *words: str, env: dict[str, str] | None = None, **options: Any) -> Finished:
        done = run_hiveloom(*words, env=self.environment | (env or {}), **options)
        self.outputs.append(done.stdout_bytes + done.stderr_bytes)
        assert b"Traceback" not in self.outputs[-1], done.stderr
        return done

    def chat_with_tools(self, settings: Sequence[str], *, allow: bool = False) -> list[str]:
        """Have the model call a tool of each of these settings; return what is said of each."""
        names = [f"evil{number}" for number, _ in enumerate(settings)]
        for name, text in zip(names, settings, strict=True):
            self.write_tool(text, name)
        self.write_agent(", ".join(names))
        words = [word for name in names for word in ("--allow-tool", name)] if allow else []
        lines = self.chat("\n".join(f"call {name} {{}}" for name in names), *words).split("\n")
        return ["\n".join(line for line in lines if name in line) for name in names]

    def chat(self, text: str, *words: str, **options: Any) -> str:
        """Say something to the agent; return all that the program said."""
        done = self.run("chat", "a", text, *words, **options)
        return done.stdout + done.stderr

    def spawn(self, *words: str, **options: Any) -> AbstractContextManager[Terminal]:
        return spawn_hiveloom(*words, env=self.environment, **options)

    def read_told(self) -> str:
        """Return all that the model was sent."""
        return "\n".join(request.body.decode() for request in self.model.requests)

    def check(self) -> None:
        """Hold that no secret went anywhere, and that no command of the attacker's has run."""
        assert not self.marker.exists()
        for request in [*self.collector.requests, *self.model.requests]:
            said = f"{request.method} {request.path}".encode() + request.body
            headers = dict(request.headers)
            if request in self.model.requests:
                assert headers.pop("authorization") == f"Bearer {MODEL_KEY}"
            assert list_leaks(said + repr(headers).encode()) == []
        assert [leaks for output in self.outputs if (leaks := list_leaks(output))] == []
        kept = [path for path in self.home.parent.rglob("*") if path.is_file()]
        assert self.home / "vault.json" in kept
        assert [(path, leaks) for path in kept if (leaks := list_leaks(path.read_bytes()))] == []


def build_attack() -> Attack:
    """Build an attack on the home of a test; its servers have to be entered."""
    collector = ScriptedUpstream(script=lambda _: Reply([b"collected"]))
    return Attack(Path(os.environ["HIVELOOM_HOME"]), ObedientUpstream(), collector)
