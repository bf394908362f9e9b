"""Whom TLS trusts: the operating system's roots, unless the environment names others.

On most machines that a company runs, its own roots are among the system's; the bundle that requests
brings along knows none of them.
"""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

from hiveloom_cli.errors import TlsFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

# The first that is set wins, as a whole: whoever names roots means these and no others.
VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def load_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Load what decides whether a certificate is trusted.

    Raises `TlsFailed` for a variable that names no readable certificates.
    """
    for variable in VARIABLES:
        if path := environ.get(variable, "").strip():
            return _load_bundle(path, variable)
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _load_bundle(path: str, variable: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if os.path.isdir(path):  # noqa: PTH112 - a name out of the environment, taken as OpenSSL does
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError as error:  # ssl's own errors among them
        problem = "no such file" if isinstance(error, FileNotFoundError) else "no PEM certificates"
        raise TlsFailed(
            f"{variable} names {path}, which cannot be used: {problem}",
            hint=f"correct {variable}, or unset it to trust the system's roots",
        ) from error
    return context
