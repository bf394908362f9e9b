"""Whom TLS trusts: the operating system's roots, unless the environment names others.

On most machines that a company runs, its own roots are among the system's; the bundle that requests
brings along knows none of them.

Reading a bundle costs more than all the rest of a request, so that it is done once for each content
of it, and what was read is shared.
"""

from __future__ import annotations

import os
import ssl
import sys
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from hiveloom_cli.errors import TlsFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

# The first that is set wins, as a whole: whoever names roots means these and no others.
VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_reading = threading.Lock()  # those that come at once do not all read the same


def load_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Load what decides whether a certificate is trusted; many may have the same.

    Raises `TlsFailed` for a variable that names no readable certificates.
    """
    for variable in VARIABLES:
        if path := environ.get(variable, "").strip():
            return _load_bundle(path, variable)
    file = ssl.get_default_verify_paths().cafile if sys.platform == "linux" else None
    if file is not None:
        with _reading:
            return _read_default(file, _load_stamp(file))
    import truststore  # whose contexts let one connection after the other shake hands

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _load_bundle(path: str, variable: str) -> ssl.SSLContext:
    try:
        with _reading:
            return _read_bundle(path, _load_stamp(path))
    except OSError as error:  # ssl's own errors among them
        problem = "no such file" if isinstance(error, FileNotFoundError) else "no PEM certificates"
        raise TlsFailed(
            f"{variable} names {path}, which cannot be used: {problem}",
            hint=f"correct {variable}, or unset it to trust the system's roots",
        ) from error


def _load_stamp(path: str) -> tuple[int, ...]:
    """Tell one content of a file from the next. Raises `OSError`."""
    status = os.stat(path)  # noqa: PTH116 -- a name out of the environment, taken as OpenSSL does
    return (status.st_ino, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)
def _read_bundle(path: str, _stamp: tuple[int, ...]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if os.path.isdir(path):  # noqa: PTH112 -- as above
        context.load_verify_locations(capath=path)
    else:
        context.load_verify_locations(cafile=path)
    return context


@lru_cache(maxsize=2)
def _read_default(_file: str, _stamp: tuple[int, ...]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_default_verify_paths()  # that file, and the folder that belongs to it
    return context
