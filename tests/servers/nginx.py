"""Debian's nginx, unprivileged and in a folder of its own, as docs/serve.md configures it."""

from __future__ import annotations

import json
import re
import shutil
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.process import READY_S, ROOT, find_free_port, run_server
from tests.support.tls import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_PATH = "/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin"
_STEP_S = 0.02
_MAIN = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    log_format rows escape=json
        '{{"id":"$request_id","status":$status,"upstream":"$upstream_addr"}}';
    access_log {folder}/access.jsonl rows;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    {site}
}}
"""
# What most people write, and no more.
BARE = """
server {
    listen 443 ssl;
    ssl_certificate agents.pem;
    ssl_certificate_key agents.pem;
    location / {
        proxy_pass http://127.0.0.1:3000;
        proxy_set_header Host $http_host;
    }
}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """A proxy that speaks TLS; `root` is the file that makes its certificate trusted."""

    port: int
    root: Path
    log: Path

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.port}"

    def wait_for_rows(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return what it wrote down of these requests, which it does after their answers."""
        deadline = time.monotonic() + READY_S
        while True:
            lines = self.log.read_text().splitlines() if self.log.exists() else []
            rows = {row["id"]: row for row in map(json.loads, lines)}
            if rows.keys() >= set(ids):
                return {id_: rows[id_] for id_ in ids}
            assert time.monotonic() < deadline, f"{set(ids) - rows.keys()} never ended"
            time.sleep(_STEP_S)

    def find_servers(self, ids: Sequence[str]) -> dict[str, int]:
        """Find the port that each request was answered at: of those that were tried, the last."""
        rows = self.wait_for_rows(ids)
        return {id_: int(row["upstream"].rpartition(":")[2]) for id_, row in rows.items()}


def find_program() -> str:
    """Find nginx, which may stand where only root looks; skip the test where it is missing."""
    program = shutil.which("nginx") or shutil.which("nginx", path=_PATH)
    if program is None:
        pytest.skip("nginx is not installed: run make system-deps")
    return program


def read_documented() -> str:
    """Read the configuration that the documentation shows."""
    page = (ROOT / "docs/serve.md").read_text()
    found = re.findall(r"^```nginx\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def build_site(text: str, port: int, certificate: Path, servers: Sequence[int]) -> str:
    """Put the test's own ports, name and certificate into a configuration."""
    text, listens = re.subn(r"listen 443 ", f"listen 127.0.0.1:{port} ", text)
    text, certificates = re.subn(r"(ssl_certificate(?:_key)?) \S+;", rf"\1 {certificate};", text)
    assert (listens, certificates) == (1, 2)
    for known, own in zip(("3000", "3001"), servers, strict=False):
        text, count = re.subn(rf"\b127\.0\.0\.1:{known}\b", f"127.0.0.1:{own}", text)
        assert count == 1
    return text.replace("agents.example.com", "localhost")


@contextmanager
def run_nginx(folder: Path, *servers: int, text: str | None = None) -> Iterator[Nginx]:
    """Run nginx before processes that serve at these ports; by default, as it is documented."""
    program, port = find_program(), find_free_port()
    folder.mkdir()
    authority = Authority(folder)
    certificate = authority.write_certificate("localhost")
    site = build_site(text or read_documented(), port, certificate, servers)
    main = folder / "nginx.conf"
    main.write_text(_MAIN.format(folder=folder, site=site))
    errors = folder / "error.log"
    with run_server(program, "-e", errors, "-p", folder, "-c", main, folder=folder) as process:
        deadline = time.monotonic() + READY_S
        while not _is_listening(port):
            said = (folder / "log").read_text()
            assert process.poll() is None and time.monotonic() < deadline, said  # noqa: PT018
            time.sleep(_STEP_S)
        yield Nginx(port, authority.root, folder / "access.jsonl")


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
