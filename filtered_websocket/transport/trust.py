"""TLS to the outside: which servers a connection that we make trusts.

Rule: whatever goes wrong while a certificate is verified refuses. Twisted's own refuses for a name that does not match,
and for nothing else: any other exception is logged, and the connection stands.
"""

import ipaddress
import ssl
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL, crypto
from service_identity.exceptions import CertificateError
from service_identity.hazmat import (
    DNS_ID,
    CertificatePattern,
    DNSPattern,
    IPAddress_ID,
    IPAddressPattern,
    verify_service_identity,
)
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.python.failure import Failure
from zope.interface import implementer


class Trust(NamedTuple):
    """Which servers a connection to the outside trusts, and what it shows them of itself.

    :ivar authorities, folder, data: the authorities that may sign the server's certificate: a PEM file, a folder as
        ``openssl rehash`` makes it, PEM itself; the system's if there is none of them
    :ivar certificate, key, password: PEM files of the client's own certificate and its key, and what unlocks the key
    :ivar verify: whether the certificate is verified at all
    :ivar names: whether it is to be the certificate of the host that was asked for
    :ivar lowest: lowest version of TLS, such as ``ssl.TLSVersion.TLSv1_3``
    :ivar ciphers: as OpenSSL lists them, "" for its own
    """

    authorities: str = ""
    folder: str = ""
    data: str = ""
    certificate: str = ""
    key: str = ""
    password: str = ""
    verify: bool = True
    names: bool = True
    lowest: int = ssl.TLSVersion.TLSv1_2
    ciphers: str = ""

    def wrap(self, endpoint: Any, host: str) -> Any:
        """An endpoint that speaks TLS on what this one connects. What is written before the server is known waits.

        :param host: whose certificate it has to be
        :raises OSError, ValueError: files that cannot be read, or are none of their kind
        """
        client: Any = _Client(self, host)
        return wrapClientTLS(client, endpoint)

    def context(self) -> ssl.SSLContext:
        """The same for sockets that block. Raises as `wrap` does (ssl's errors are an OSError)."""
        context = ssl.create_default_context(
            cafile=self.authorities or None, capath=self.folder or None, cadata=self.data or None
        )
        context.hostname_checks_common_name = False  # RFC 9110, 4.3.4
        context.check_hostname = self.verify and self.names
        context.verify_mode = ssl.CERT_REQUIRED if self.verify else ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion(self.lowest)
        if self.ciphers:
            context.set_ciphers(self.ciphers)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key or None, self.password)
        return context


class Refused(ConnectionError):  # noqa: N818 -- what it is
    """The server's certificate is not what was wanted."""


@implementer(IOpenSSLClientConnectionCreator)
class _Client:
    def __init__(self, trust: Trust, host: str) -> None:
        self._trust, self._host = trust, host
        try:
            self._id: Any = IPAddress_ID(host)
        except ValueError:
            self._id = DNS_ID(host.encode("idna").decode("ascii"))
        try:
            self._context = _context(trust)
        except SSL.Error as error:
            reasons = "; ".join(str(part[2]) for part in error.args[0]) if error.args else "no PEM data"
            raise ValueError(f"TLS: {reasons}") from None

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        connection = SSL.Connection(self._context, None)
        if isinstance(self._id, DNS_ID):
            connection.set_tlsext_host_name(self._id.hostname)
        if not self._trust.verify:
            return connection

        def verify(connection: SSL.Connection, certificate: crypto.X509, number: int, depth: int, good: int) -> bool:
            try:
                if good and depth == 0 and self._trust.names:
                    _check_names(certificate.to_cryptography(), self._id, self._host)
            except BaseException:
                # OpenSSL would lose it, and tells of a refusal only what kind of one it was.
                protocol.failVerification(Failure())
                return False
            return bool(good)

        connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, verify)
        return connection


def _context(trust: Trust) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(trust.lowest)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    if trust.ciphers:
        context.set_cipher_list(trust.ciphers.encode())
    for path in (trust.authorities, trust.certificate, trust.key):
        if path:
            with open(path, "rb"):
                pass  # OpenSSL does not say which file there is not
    if trust.authorities or trust.folder:
        context.load_verify_locations(trust.authorities or None, trust.folder or None)
    if trust.data:
        store: Any = context.get_cert_store()
        for each in x509.load_pem_x509_certificates(trust.data.encode()):
            store.add_cert(crypto.X509.from_cryptography(each))
    if not (trust.authorities or trust.folder or trust.data):
        context.set_default_verify_paths()
    if trust.certificate:
        context.use_certificate_chain_file(trust.certificate)
        with open(trust.key or trust.certificate, "rb") as file:
            key: Any = serialization.load_pem_private_key(file.read(), trust.password.encode() or None)
        context.use_privatekey(key)
    return context


def _check_names(certificate: x509.Certificate, wanted: Any, host: str) -> None:
    """Names that no verifier can read match nothing, and cost those beside them nothing.

    :raises Refused: the certificate is not this host's
    """
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    patterns: list[CertificatePattern] = []
    for name in names.get_values_for_type(x509.DNSName):
        try:
            patterns.append(DNSPattern.from_bytes(name.encode("ascii")))
        except (CertificateError, UnicodeEncodeError):
            continue
    addresses = names.get_values_for_type(x509.IPAddress)
    kinds = ipaddress.IPv4Address | ipaddress.IPv6Address  # and no networks
    patterns.extend(IPAddressPattern(each) for each in addresses if isinstance(each, kinds))
    try:
        verify_service_identity(patterns, [wanted], [])
    except Exception:
        raise Refused(f"its certificate is not one for {host}") from None
