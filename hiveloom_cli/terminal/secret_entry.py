"""Taking a key: from a hidden prompt, a pipe, a variable or a file, and never from an option."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.errors import SecretRefused, UsageMistake
from hiveloom_cli.secret import MOST_CHARACTERS, parse_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.secret import Secret
    from hiveloom_cli.terminal.streams import Streams

# Enough to tell that it is too long for a key; /dev/zero has no end.
_MOST_BYTES = 4 * MOST_CHARACTERS


def load_secret(
    name: str,
    *,
    from_env: str | None,
    from_file: str | None,
    environ: Mapping[str, str],
    streams: Streams,
) -> Secret:
    """Take the key that is to be stored as `name`. Raises `SecretRefused` and `UsageMistake`."""
    if from_env is not None and from_file is not None:
        raise UsageMistake(
            "the key was given twice", hint="give --from-env or --from-file, not both"
        )
    if from_env is not None:
        if from_env not in environ:
            raise SecretRefused(
                "the variable named in --from-env is not set", hint="export it, then try again"
            )
        return parse_secret(environ[from_env])
    if from_file is not None and from_file != "-":
        return parse_secret(_load_file(Path(from_file)))
    if streams.stdin.isatty():
        return parse_secret(_ask_hidden(f"Key for {name} (hidden): ", streams))
    return parse_secret(_load_piped(streams))


def _load_file(path: Path) -> str:
    # The path is not repeated: someone may have given the key itself.
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode()
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:
        reason = "it is not text"
    raise SecretRefused(
        f"the file named in --from-file cannot be read: {reason}", hint="check its path"
    )


def _load_piped(streams: Streams) -> str:
    content = streams.stdin.buffer.read(_MOST_BYTES)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise SecretRefused("the key is not text", hint="pipe the key alone, as text") from None


def _ask_hidden(prompt: str, streams: Streams) -> str:
    import getpass
    import warnings

    from hiveloom_cli.terminal.echo import keep_hidden

    def ask_again() -> None:
        streams.stderr.write(prompt)  # what was typed before Ctrl-Z is gone
        streams.stderr.flush()

    with warnings.catch_warnings(), keep_hidden(streams.stdin, ask_again):
        # Without a terminal that can hide it, getpass would show the key while it is typed.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt, stream=sys.stderr)
        except getpass.GetPassWarning:
            raise SecretRefused(
                "this terminal cannot hide what is typed", hint="pipe the key in"
            ) from None
        except KeyboardInterrupt:
            streams.break_line()
            raise
        except EOFError:
            streams.break_line()
            raise SecretRefused("the key is empty", hint="paste the key, or pipe it in") from None
