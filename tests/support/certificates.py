"""Certificates for tests: a root, an intermediate and a server's, made once per process."""

import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Files(NamedTuple):
    key: str
    cert: str
    """The server's certificate and the intermediate that signed it."""

    root: str
    other_key: str


@cache
def _made() -> dict[str, bytes]:
    def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
        return key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(name: str, issuer: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name != "localhost", path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
        )
        if name == "localhost":
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        else:
            usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    root, middle, leaf, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(4))
    return {
        "key": pem(leaf),
        "cert": sign("localhost", "middle", leaf, middle) + sign("middle", "root", middle, root),
        "root": sign("root", "root", root, root),
        "other_key": pem(other),
    }


def write(folder: Path) -> Files:
    """Write them into a folder as PEM files."""
    for name, data in _made().items():
        (folder / f"{name}.pem").write_bytes(data)
    return Files(**{name: str(folder / f"{name}.pem") for name in _made()})
