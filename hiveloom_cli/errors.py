"""Everything that can go wrong in a way a person can act on, as one tree.

Each class is named for the fact it states and carries the program's exit code and a stable `code`
for programs; each instance one sentence saying what happened and, as `hint`, what to type next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import Path


class HiveloomError(Exception):
    """A failure explained in one sentence, with what to type next in `hint` ("" for none).

    `partial` is the part of an answer that had arrived, where the reader has not shown it yet.
    """

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "failure"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.partial = ""


class Interrupted(HiveloomError):
    """The person pressed Ctrl-C."""

    exit_code = 130
    code = "interrupted"


class UsageMistake(HiveloomError):
    """The command line does not say something that can be done."""

    exit_code = 2
    code = "usage"


class FileUnreadable(HiveloomError):
    """A file is not what it has to be, at a `line` from 1 (0 for none); it is not overwritten."""

    code = "file_unreadable"

    def __init__(self, path: Path, problem: str, *, line: int = 0, hint: str = "") -> None:
        place = f"{path}:{line}" if line else f"{path}"
        super().__init__(f"{place}: {problem}", hint=hint)
        self.path = path
        self.line = line
        self.problem = problem


class SettingsInvalid(FileUnreadable):
    """The file of an agent or a tool breaks the format that the documentation describes."""

    code = "settings_invalid"


class SourceUnusable(HiveloomError):
    """What a file, a URL or a pipe brings cannot be had, or cannot be used for what is asked."""

    code = "source_unusable"


class Locked(HiveloomError):
    """Another process held a lock for longer than anyone should wait."""

    code = "locked"


class StoreUnusable(HiveloomError):
    """Conversations cannot be kept, or not be read, as things are with disk and file."""

    code = "store_unusable"


class CeilingReached(HiveloomError):
    """The next request would pass what the person allowed to be spent; it was not sent."""

    code = "ceiling_reached"


class AlreadyExists(HiveloomError):
    """Something of that name is there and was not to be replaced."""

    code = "already_exists"


class Untrusted(HiveloomError):
    """What a project brings would use something of the person's, who has not agreed to it."""

    code = "untrusted"


class CredentialError(HiveloomError):
    """A key could not be stored, found or read."""

    exit_code = 3
    code = "credential"


class SecretRefused(CredentialError):
    """The text given as a key cannot be one; it is not repeated in the message."""

    code = "secret_refused"


class SecretMissing(CredentialError):
    """A key is needed and none is stored under its name."""

    code = "secret_missing"


class KeyringUnavailable(CredentialError):
    """The operating system offers no keyring that works, or it refused."""

    code = "keyring_unavailable"


class KeyringLocked(KeyringUnavailable):
    """The keyring exists but cannot be unlocked from here."""

    code = "keyring_locked"


class KeyringTimedOut(KeyringUnavailable):
    """The keyring did not answer within its deadline."""

    code = "keyring_timed_out"


class VaultUnusable(CredentialError):
    """The file vault cannot be used as it is; it was left untouched."""

    code = "vault_unusable"


class VaultLocked(VaultUnusable):
    """The vault's passphrase is missing or wrong."""

    code = "vault_locked"


class VaultDamaged(VaultUnusable):
    """The vault or its key file was truncated or altered."""

    code = "vault_damaged"


class UpstreamError(HiveloomError):
    """The model's server did not give an answer."""

    exit_code = 4
    code = "upstream"


class BaseUrlInvalid(UpstreamError):
    """A base URL that no request can be sent to, or none should."""

    code = "base_url_invalid"


class UpstreamUnreachable(UpstreamError):
    """No answer came; the subclasses say what stood in the way where that is known."""

    code = "upstream_unreachable"


class HostUnknown(UpstreamUnreachable):
    """No address is known for the upstream's name."""

    code = "host_unknown"


class TlsFailed(UpstreamUnreachable):
    """The two sides agreed on no TLS, or the certificate is not trusted."""

    code = "tls_failed"


class ProxyFailed(UpstreamUnreachable):
    """The environment names a proxy, and that one did not let the request through."""

    code = "proxy_failed"


class AddressRefused(UpstreamUnreachable):
    """The name leads to an address that is not public, and only those were allowed."""

    code = "address_refused"


class AnswerTimedOut(UpstreamUnreachable):
    """No connection, or no first byte of an answer, within its limit."""

    code = "answer_timed_out"


class UpstreamRefused(UpstreamError):
    """The upstream answered with an error, as a status or inside a reply.

    `status` is the HTTP status, or what the error itself names; 0 where neither does. `detail` is
    the upstream's own text, `labels` are its own names for the kind of error, such as
    `rate_limit_error`, in small letters. `retry_after_s` is how long the upstream asks to wait,
    `should_retry` whether it says that asking again makes sense; None where it says nothing.
    """

    code = "upstream_refused"

    def __init__(self, message: str, *, status: int = 0, detail: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.detail = detail
        self.labels: tuple[str, ...] = ()
        self.retry_after_s: float | None = None
        self.should_retry: bool | None = None


class ReplyNotUnderstood(UpstreamError):
    """What came back is not the protocol's: an HTML page, broken JSON, a shape unknown."""

    code = "reply_not_understood"


class StreamCutShort(UpstreamError):
    """The stream ended before its terminal event; what had arrived is kept."""

    code = "stream_cut_short"


class StreamStalled(StreamCutShort):
    """The stream fell silent in the middle for longer than anyone should wait."""


class AnswerEmpty(UpstreamError):
    """The upstream reported success and sent no text."""

    code = "answer_empty"


class AnswerInvalid(HiveloomError):
    """The model answered, and not with JSON that fits the schema it was given."""

    code = "answer_invalid"


class NotFound(HiveloomError):
    """Nothing of that name exists."""

    exit_code = 5
    code = "not_found"


class AgentNotFound(NotFound):
    """No agent has that name."""

    code = "agent_not_found"


class VersionNotFound(NotFound):
    """An agent has no version of that number."""

    code = "version_not_found"


class ConversationNotFound(NotFound):
    """No conversation has that id, or more than one begins with it."""

    code = "conversation_not_found"


class ToolNotFound(NotFound):
    """No tool, skill or MCP server has that name."""

    code = "tool_not_found"


class McpServerFailed(HiveloomError):
    """An MCP server could not be started or reached, or did not do what it was asked."""

    code = "mcp_server_failed"


class CredentialNotFound(NotFound):
    """No credential has that name."""

    code = "credential_not_found"


class ProviderNotFound(NotFound):
    """No provider preset has that name."""

    code = "provider_not_found"
