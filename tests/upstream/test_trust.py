"""Whom TLS trusts, shown with a real server whose authority nobody else knows."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.errors import TlsFailed
from hiveloom_cli.protocols.request import KeyHeader, WireRequest
from hiveloom_cli.secret import Secret
from hiveloom_cli.upstream.transport import RequestsTransport
from hiveloom_cli.upstream.trust import load_context
from tests.support.tls import Authority
from tests.support.upstream import ScriptedUpstream, json_reply, openai_stream, stream_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.support.program import Finished

KEY = "sk-a-made-up-key-0123456789"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def ask(upstream: ScriptedUpstream, environ: Mapping[str, str], host: str = "127.0.0.1") -> bytes:
    url = f"https://{host}:{upstream.server_port}/v1/chat/completions"
    request = WireRequest(url, {}, (KeyHeader("Authorization", "Bearer "),), {})
    with RequestsTransport(environ).open_reply(request, Secret(KEY)) as reply:
        return b"".join(reply)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_that_the_environment_names_is_trusted(
    upstream: ScriptedUpstream,
    authority: Authority,
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority.serve(upstream)
    upstream.add(json_reply(b"{}"), json_reply(b"[]"))
    monkeypatch.setenv(variable, str(authority.root))
    environ = {variable: str(authority.root)}
    assert ask(upstream, environ) == b"{}"
    assert ask(upstream, environ) == b"[]"
    assert upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's roots are no file")
def test_the_systems_roots_are_trusted(
    upstream: ScriptedUpstream, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL's own default, which the variable moves where nothing of ours has read it."""
    authority.serve(upstream)
    upstream.add(json_reply(b"{}"))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.root))
    assert ask(upstream, {}) == b"{}"


def test_one_that_nobody_names_is_refused_and_gets_no_key(
    upstream: ScriptedUpstream, authority: Authority
) -> None:
    authority.serve(upstream)
    with pytest.raises(TlsFailed, match=r"TLS failed: .*certificate") as caught:
        ask(upstream, {})
    assert "SSL_CERT_FILE" in caught.value.hint
    assert upstream.requests == []


def test_who_names_roots_means_no_others(
    upstream: ScriptedUpstream, authority: Authority, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    authority.serve(upstream)
    with pytest.raises(TlsFailed):
        ask(
            upstream,
            {
                "SSL_CERT_FILE": str(Authority(other).root),
                "REQUESTS_CA_BUNDLE": str(authority.root),
            },
        )


def test_a_certificate_for_another_name_is_refused(
    upstream: ScriptedUpstream, authority: Authority
) -> None:
    authority.serve(upstream, "llm.example.org")
    with pytest.raises(TlsFailed) as caught:
        ask(upstream, {"SSL_CERT_FILE": str(authority.root)})
    assert "another name" in caught.value.hint


def test_an_expired_certificate_is_refused(
    upstream: ScriptedUpstream, authority: Authority
) -> None:
    authority.serve(upstream, valid_for=timedelta(days=-1))
    with pytest.raises(TlsFailed, match="expired") as caught:
        ask(upstream, {"SSL_CERT_FILE": str(authority.root)})
    assert "clock" in caught.value.hint


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_bundle_that_cannot_be_used_is_named(
    upstream: ScriptedUpstream, tmp_path: Path, content: bytes | None
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    with pytest.raises(TlsFailed, match=r"REQUESTS_CA_BUNDLE names .*bundle\.pem") as caught:
        ask(upstream, {"REQUESTS_CA_BUNDLE": str(bundle)})
    assert "unset it" in caught.value.hint


def test_a_folder_of_roots_is_taken(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    with pytest.raises(TlsFailed, match="TLS failed"):
        ask(upstream, {"SSL_CERT_FILE": str(tmp_path)})


def test_a_server_without_tls_is_told_apart(upstream: ScriptedUpstream) -> None:
    with pytest.raises(TlsFailed) as caught:
        ask(upstream, {})
    assert "https" in caught.value.hint


def test_this_machine_over_http_needs_no_roots(upstream: ScriptedUpstream) -> None:
    upstream.add(json_reply(b"{}"))
    request = WireRequest(f"{upstream.origin}/v1", {}, (), {})
    transport = RequestsTransport({"SSL_CERT_FILE": "/no/such/file"})
    with transport.open_reply(request, Secret(KEY)) as reply:
        assert b"".join(reply) == b"{}"


@pytest.mark.parametrize("trusted", [True, False])
def test_the_program_trusts_the_same(
    hiveloom: Callable[..., Finished],
    upstream: ScriptedUpstream,
    authority: Authority,
    *,
    trusted: bool,
) -> None:
    authority.serve(upstream)
    env = {"HIVELOOM_OPENAI_BASE_URL": f"https://127.0.0.1:{upstream.server_port}/v1"}
    if trusted:
        upstream.add(stream_reply(openai_stream("safe")))
        env["SSL_CERT_FILE"] = str(authority.root)
    done = hiveloom("chat", "--model", "m", "hi", env=env)
    assert (done.exit_code, done.stdout) == ((0, "safe") if trusted else (4, ""))
    assert ("SSL_CERT_FILE" in done.stderr) is not trusted


def test_roots_are_read_once_for_each_content(authority: Authority, tmp_path: Path) -> None:
    environ = {"SSL_CERT_FILE": str(authority.root)}
    context = load_context(environ)
    assert load_context(environ) is context
    other = tmp_path / "other"
    other.mkdir()
    authority.root.write_bytes(Authority(other).root.read_bytes())
    assert load_context(environ) is not context


def test_roots_that_were_added_are_trusted_at_once(
    upstream: ScriptedUpstream, authority: Authority, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    other = tmp_path / "other"
    other.mkdir()
    bundle.write_bytes(Authority(other).root.read_bytes())
    authority.serve(upstream)
    upstream.add(json_reply(b"{}"))
    environ = {"SSL_CERT_FILE": str(bundle)}
    with pytest.raises(TlsFailed):
        ask(upstream, environ)
    bundle.write_bytes(bundle.read_bytes() + authority.root.read_bytes())
    assert ask(upstream, environ) == b"{}"
