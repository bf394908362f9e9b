"""Who is let in: the stored tokens, one from the environment, or one made for this run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hiveloom_cli.errors import SecretRefused, UsageMistake
from hiveloom_cli.protocols.base_url import is_loopback
from hiveloom_cli.secret import MOST_CHARACTERS, Secret
from hiveloom_cli.serve.door.tokens import compute_digest, make_token

if TYPE_CHECKING:
    from hiveloom_cli.serve.door.hosts import Hosts
    from hiveloom_cli.serve.door.tokens import Tokens

TOKEN_VARIABLE = "HIVELOOM_SERVE_TOKEN"  # noqa: S105 - a variable's name
OF_ENVIRONMENT = "environment"
OF_THIS_RUN = "this-run"
_SENDABLE = re.compile(r"[!-~]+", re.ASCII)


class Doorkeeper(Protocol):
    """Knows whom to let in."""

    def find_id(self, presented: str) -> str | None:
        """Return whose token was presented; None if it is nobody's. Raises `HiveloomError`."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """Whom a server lets in. `doorkeeper` None means anyone; `made` is to be shown at the start."""

    doorkeeper: Doorkeeper | None
    made: Secret | None = None


def decide_access(tokens: Tokens, host: str, given: str, *, is_open: bool) -> Access:
    """Decide whom a server that listens on `host` lets in; reads the list of tokens.

    `given` is what the environment has as a token ("" for none), `is_open` asks for none at all.
    Raises `UsageMistake` for a server that is open to other machines, `SecretRefused` for a token
    that not every client can send, and `FileUnreadable`.
    """
    if is_open:
        check_open(host)
        return Access(None)
    if given.strip():
        return Access(_StoredAndOne(tokens, _parse_token(given), OF_ENVIRONMENT))
    if tokens.load_all():
        return Access(tokens)
    made = make_token()
    return Access(_StoredAndOne(tokens, made, OF_THIS_RUN), made)


def check_names(hosts: Hosts) -> None:
    """Return if only this machine asks by these names; raise `UsageMistake` for others.

    A name that others use is one that a proxy passes on: they would be let in like anyone here.
    """
    for host in hosts.allowed:
        if not is_loopback(host.name):
            raise UsageMistake(
                f"--no-token would let anyone in who asks for {host.name}",
                hint="leave --no-token out, or --allow-host",
            )


def check_open(host: str) -> None:
    """Return if a server may do without tokens on `host`; raise `UsageMistake` if not."""
    if not is_loopback(host):
        raise UsageMistake(
            f"--no-token would let anyone in who reaches {host}",
            hint="leave --no-token out, or listen on 127.0.0.1",
        )


def _parse_token(text: str) -> Secret:
    # Letters beyond ASCII are sent in one encoding by this client and in another by the next.
    token = text.strip()
    if len(token) > MOST_CHARACTERS or not _SENDABLE.fullmatch(token):
        raise SecretRefused(
            f"the token in {TOKEN_VARIABLE}, or from systemd, is none that every client can send",
            hint="give ASCII letters, digits and signs, or one of hiveloom serve token create",
        )
    return Secret(token)


class _StoredAndOne:
    def __init__(self, tokens: Tokens, one: Secret, id_: str) -> None:
        self._tokens = tokens
        self._digest = compute_digest(one.reveal())
        self._id = id_

    def find_id(self, presented: str) -> str | None:
        from hmac import compare_digest

        if compare_digest(self._digest, compute_digest(presented)):
            return self._id
        return self._tokens.find_id(presented)
