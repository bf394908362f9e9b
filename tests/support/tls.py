"""A certificate authority of the test's own, and an upstream with a certificate that it signed."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.upstream import ScriptedUpstream

_DAY = timedelta(days=1)


class Authority:
    """Signs certificates; `root` is the file that makes them trusted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _build_name("the test's own authority")
        self._certificate = self._sign(
            self._name, self._key, x509.BasicConstraints(ca=True, path_length=0), _DAY
        )
        self.root = folder / "root.pem"
        self.root.write_bytes(_encode(self._certificate))

    def serve(self, upstream: ScriptedUpstream, *names: str, valid_for: timedelta = _DAY) -> None:
        """Have `upstream` speak TLS as `names`, 127.0.0.1 where none is given."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.write_certificate(*names, valid_for=valid_for))
        # Shaken by the thread that answers, so that one client's refusal stops no other.
        upstream.socket = context.wrap_socket(
            upstream.socket, server_side=True, do_handshake_on_connect=False
        )

    def write_certificate(self, *names: str, valid_for: timedelta = _DAY) -> Path:
        """Write a key and its certificate for `names`, 127.0.0.1 where none is given."""
        key = ec.generate_private_key(ec.SECP256R1())
        wanted = [_build_alternative(name) for name in names or ("127.0.0.1",)]
        name = _build_name("upstream")
        certificate = self._sign(name, key, x509.SubjectAlternativeName(wanted), valid_for)
        file = self._folder / "upstream.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + _encode(certificate)
        )
        return file

    def _sign(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        extension: x509.ExtensionType,
        valid_for: timedelta,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        own = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * _DAY)
            .not_valid_after(now + valid_for)
            .add_extension(extension, critical=True)
            .add_extension(own, critical=False)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )
        if isinstance(extension, x509.BasicConstraints):
            usage = x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            )
            builder = builder.add_extension(usage, critical=True)
        return builder.sign(self._key, hashes.SHA256())


def _build_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _build_alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _encode(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
