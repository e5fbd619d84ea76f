"""Files of a certificate that are wrong: one line that names option and file."""

import datetime
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from filtered_websocket.errors import ConfigError
from filtered_websocket.transport.certificate import Certificate
from tests.support import certificates
from tests.support.fws_server import STARTING

# Files that are wrong: one line that names option and file.


def fault(key: str, cert: str) -> str:
    with pytest.raises(ConfigError) as caught:
        Certificate(key, cert)
    (line,) = caught.value.faults
    assert "\n" not in line
    return line


def test_a_file_that_is_not_there_is_named(files: certificates.Files) -> None:
    assert fault(files.key, "/no/such.pem") == "-cert /no/such.pem: No such file or directory"
    assert fault("/no/such.pem", files.cert) == "-key /no/such.pem: No such file or directory"


def test_a_directory_is_no_file(files: certificates.Files, tmp_path: Path) -> None:
    assert fault(files.key, str(tmp_path)) == f"-cert {tmp_path}: Is a directory"


@pytest.mark.parametrize(
    "content", ["", "no PEM at all", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_that_is_no_pem_file_of_its_kind_is_named(
    files: certificates.Files, tmp_path: Path, content: str
) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text(content)
    assert fault(files.key, str(wrong)).startswith(f"-cert {wrong}: not a PEM file of that kind (")
    assert fault(str(wrong), files.cert).startswith(f"-key {wrong}: not a PEM file of that kind (")
    assert fault(files.cert, files.cert).startswith(f"-key {files.cert}: not a PEM file of that kind (")


def test_a_key_of_another_certificate_is_told(files: certificates.Files) -> None:
    said = fault(files.other_key, files.cert)
    assert said == f"-key {files.other_key} is not the key of the certificate -cert {files.cert}"


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(
    files: certificates.Files, tmp_path: Path
) -> None:
    key = serialization.load_pem_private_key(Path(files.key).read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        )
    )
    # In a process without a terminal of its own: OpenSSL would ask there.
    code = "from filtered_websocket.transport.certificate import Certificate; "
    code += f"Certificate({str(locked)!r}, {files.cert!r})"
    import sys

    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=STARTING,
        check=False,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert "Enter PEM pass phrase" not in run.stdout + run.stderr
    assert f"-key {locked}: is locked with a passphrase" in run.stderr


def test_a_key_that_openssl_finds_too_weak_is_told_in_one_line(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    both = tmp_path / "weak.pem"
    both.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    assert "key too small" in fault(str(both), str(both)).lower().replace("_", " ")
