"""The systemd unit that runs the server, as text; nothing here touches the world.

Syntax is that of systemd.syntax(7) and systemd.service(5), the settings those of systemd.exec(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNIT = "hiveloom.service"
DROP_IN = "30-llm-base-url.conf"
_END_S = 15  # to end in, after the last answer
ACCOUNT = "hiveloom"
HOME = "/var/lib/hiveloom"

_LAST_PRIVILEGED_PORT = 1023
_BIND = "CAP_NET_BIND_SERVICE"
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./?&~\[\]-]+", re.ASCII)
_ESCAPED = re.compile(r'[\\"\x00-\x1f\x7f]')
_NO_PROGRAM = re.compile(r"[\x00-\x1f\x7f\\\"'\ud800-\udfff]")  # what systemd takes in no path
_HEAD = """\
# Written by `hiveloom serve install-service`. For changes of your own: {edit}
[Unit]
Description=Language-model agents for other programs (hiveloom serve)
Documentation=https://github.com/hiveloom/hiveloom-cli/blob/main/docs/serve.md
"""
_PATIENCE = """\
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=exec
"""
# Answers on their way have 30 s to end. What tools have started is ended with the server. 143 is
# how the server ends that was told to.
_RUNNING = """\
SuccessExitStatus=143
Restart=on-failure
RestartSec=2
KillMode=mixed
TimeoutStopSec={stop_s}
"""
_SYSTEM_KEYS = """\
# A key for each line: root reads the file, this service alone is shown it (docs/serve.md, "Keys").
#LoadCredential=hiveloom.openai:/etc/hiveloom/openai.key
#LoadCredentialEncrypted=hiveloom.anthropic:/etc/credstore.encrypted/hiveloom.anthropic
"""
_USER_KEYS = """\
# Keys come from your keyring, or from files, a line for each (docs/serve.md, "Keys"):
#LoadCredential=hiveloom.openai:%h/keys/openai
"""
# What needs no privilege, so that it holds in the units of users as well. Tools run under it too.
_CONFINED = """\
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
# Not set, since it ends programs that compile as they run, such as tools written for Node.js:
#MemoryDenyWriteExecute=yes
"""
_SYSTEM_CONFINED = """\
SystemCallFilter=~@privileged @resources
CapabilityBoundingSet={capabilities}
AmbientCapabilities={capabilities}
DevicePolicy=closed
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
"""


@dataclass(frozen=True, slots=True)
class Service:
    """What a unit runs: a program and its arguments, which listens on `port`.

    Once it is told to stop it lets answers end for `grace_s` seconds. `environment` is what the
    program finds beside what systemd sets. A service of a user's runs as that user, in their own
    home; one of the system's as an account of its own.
    """

    words: Sequence[str]
    port: int
    is_user: bool = False
    grace_s: int = 30
    environment: Mapping[str, str] | None = None


def build_unit(service: Service) -> str:
    """Build the text of the unit. Raises `UsageMistake` for a path that systemd starts nothing at.

    A service of the system's has everything in a folder of its own, which is the only one that it
    may write to.
    """
    check_program(service.words[0])
    start = f"ExecStart=:{' '.join(map(quote_word, service.words))}\n"
    running = _RUNNING.format(stop_s=service.grace_s + _END_S)
    environment = dict(service.environment or {})
    if service.is_user:
        return "".join(
            (
                _HEAD.format(edit="systemctl --user edit hiveloom"),
                _PATIENCE,
                start,
                format_environment(environment),
                running,
                _USER_KEYS,
                _CONFINED,
                "\n[Install]\nWantedBy=default.target\n",
            )
        )
    needs_bind = 0 < service.port <= _LAST_PRIVILEGED_PORT
    return "".join(
        (
            _HEAD.format(edit="systemctl edit hiveloom"),
            "Wants=network-online.target\nAfter=network-online.target\n",
            _PATIENCE,
            f"User={ACCOUNT}\n",
            start,
            format_environment({**environment, "HIVELOOM_HOME": HOME}),
            f"StateDirectory={ACCOUNT}\nStateDirectoryMode=0700\nWorkingDirectory={HOME}\n",
            running,
            _SYSTEM_KEYS,
            _CONFINED,
            _SYSTEM_CONFINED.format(capabilities=_BIND if needs_bind else ""),
            "\n[Install]\nWantedBy=multi-user.target\n",
        )
    )


def build_drop_in(variables: Mapping[str, str]) -> str:
    """Build the text of a drop-in that sets variables."""
    return f"[Service]\n{format_environment(variables)}"


def format_environment(variables: Mapping[str, str]) -> str:
    """Format a line for each variable."""
    pairs = (quote_word(f"{name}={value}") for name, value in variables.items())
    return "".join(f"Environment={pair}\n" for pair in pairs)


def quote_word(text: str) -> str:
    """Quote a word so that systemd reads it as it is, in `Environment=` and in `ExecStart=:`.

    The colon there has it leave `$` alone. Bytes that are not UTF-8 become escapes.
    """
    if _PLAIN.fullmatch(text):
        return text.replace("%", "%%")
    escaped = _ESCAPED.sub(_escape, text.replace("%", "%%"))
    return f'"{_escape_bytes(escaped)}"'


def check_program(path: str) -> None:
    """Return if systemd starts a program at that path; raise `UsageMistake` if not."""
    if _NO_PROGRAM.search(path):
        raise UsageMistake(
            f"systemd starts no program at such a path: {path!a}",
            hint="install hiveloom where the path has no quotes, backslashes or control characters",
        )


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return f"\\{character}" if character in '\\"' else f"\\x{ord(character):02x}"


def _escape_bytes(text: str) -> str:
    """Write the lone surrogates, which stand for bytes that are not UTF-8, as escapes."""
    return re.sub("[\udc80-\udcff]", lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)
