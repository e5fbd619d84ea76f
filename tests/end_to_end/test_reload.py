"""Reload: new filters and options in a running process, or none of them."""

import json
import signal
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from textwrap import dedent

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support import certificates
from tests.support.fws_server import FwsServer, Start
from tests.support.raw_client import DEADLINE, RawClient
from tests.support.tls_listener import authority, certificate

CHAT = """
    from filtered_websocket.filters.base import WebSocketMessageFilter

    class Chat(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.sendMessage("first " + data.decode())
"""

OPENING = """
    from filtered_websocket.filters.base import WebSocketMessageFilter, WebSocketStartFilter, WebSocketStopFilter

    STATE = []

    class Open(WebSocketStartFilter):
        @classmethod
        def filter(cls, pipeline):
            STATE.append("open")
            print("opened NUMBER", flush=True)

    class Shut(WebSocketStopFilter):
        @classmethod
        def filter(cls, pipeline):
            print("closed NUMBER", STATE, flush=True)

    class Say(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.sendMessage("NUMBER " + STATE[0])
"""


ADDING = """
    from filtered_websocket.config import Option
    from filtered_websocket.config.parsers import text
    from filtered_websocket.filters.base import WebSocketMessageFilter, WebSocketStartFilter, WebSocketStopFilter

    OPTIONS = (Option("word", text, "-", "what is put behind a message", scope="use"),)

    class Open(WebSocketStartFilter):
        @classmethod
        def filter(cls, pipeline):
            print("opened " + cls.options.word, flush=True)

    class Shut(WebSocketStopFilter):
        @classmethod
        def filter(cls, pipeline):
            print("closed " + cls.options.word, flush=True)

    class Add(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return (data if isinstance(data, str) else data.decode()) + cls.options.word
"""

ANSWERING = """
    from filtered_websocket.filters.base import WebSocketMessageFilter

    class Answer(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.sendMessage(data)
"""


def test_connections_stay_and_run_the_new_filters(fws_server: Start, tmp_path: Path) -> None:
    server = fws_server("-f", "my_filters", module=CHAT)
    client = server.open()
    client.send("a")
    assert client.text() == "first a"
    module = tmp_path / "my_filters.py"
    (tmp_path / "my_helper.py").write_text("")
    module.write_text("import my_helper\n" + module.read_text().replace("first", "second"))
    server.signal(signal.SIGHUP)
    server.wait_for("reloaded: my_filters; new: my_helper")
    client.send("a")
    assert client.text() == "second a"


SET_ASIDE = """
    import gc

    from filtered_websocket.filters.base import WebSocketMessageFilter

    class Count(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.sendMessage(str(gc.get_freeze_count()))
"""


def test_what_the_start_has_made_is_set_aside_for_the_collector_until_it_is_to_be_replaced(fws_server: Start) -> None:
    server = fws_server("-f", "my_filters", module=SET_ASIDE)
    client = server.open()
    client.send("a")
    assert int(client.text()) > 10_000
    server.signal(signal.SIGHUP)
    server.wait_for("reloaded")
    client.send("a")
    assert client.text() == "0"


def test_broken_filters_change_nothing_and_the_log_says_why(fws_server: Start, tmp_path: Path) -> None:
    server = fws_server("-f", "my_filters", module=CHAT)
    clients = [server.open() for _ in range(100)]
    (tmp_path / "my_filters.py").write_text("import no_such_thing\n")
    server.signal(signal.SIGHUP)
    server.wait_for(
        "not reloaded, everything stays as it was: filter module my_filters: ModuleNotFoundError.*no_such_thing"
    )
    for client in clients:
        client.send("a")
        assert client.text() == "first a"
    assert "Traceback" not in server.log


def test_a_start_filter_that_fails_keeps_the_old(fws_server: Start, tmp_path: Path) -> None:
    server = fws_server("-f", "my_filters", module=OPENING)
    client = server.open()
    module = tmp_path / "my_filters.py"
    module.write_text(module.read_text().replace('STATE.append("open")', "raise OSError('no database')"))
    server.signal(signal.SIGHUP)
    server.wait_for("not reloaded.*no database")
    client.send("a")
    assert client.text() == "NUMBER open"


def test_start_and_stop_filters_of_reloaded_modules_run_new_before_old(fws_server: Start, tmp_path: Path) -> None:
    server = fws_server("-f", "my_filters", module=OPENING.replace("NUMBER", "1"))
    client = server.open()
    module = tmp_path / "my_filters.py"
    module.write_text(module.read_text().replace('"1 ', '"2 ').replace(" 1", " 2"))
    server.signal(signal.SIGHUP)
    server.wait_for("reloaded: my_filters")
    client.send("a")
    assert client.text() == "2 open"
    assert server.printed.splitlines() == ["opened 1", "opened 2", "closed 1 ['open']"]


def test_how_much_clients_get_back_is_taken_anew(fws_server: Start, tmp_path: Path) -> None:
    config = tmp_path / "fws.json"
    options = {"filters": ["filtered_websocket.filters.history", "filtered_websocket.filters.broadcast_messages"]}
    config.write_text(json.dumps(options))
    server = fws_server("-c", "fws.json")
    stays, says = server.open(), server.open()
    where = json.loads(stays.text())["position"]
    for number in range(5):
        says.send(str(number))
        assert json.loads(stays.text())["data"] == str(number)
    assert json.loads(server.open(f"/?since={where}").text())["recovered"]
    config.write_text(json.dumps(options | {"recovery_publications": 3}))
    server.signal(signal.SIGHUP)
    server.wait_for("reloaded: the configuration")
    assert json.loads(server.open(f"/?since={where}").text())["reason"] == "too many"


def test_options_and_pipelines_of_the_file_are_taken_anew(fws_server: Start, tmp_path: Path) -> None:
    config = tmp_path / "fws.json"
    config.write_text(json.dumps({"filters": ["my_filters"], "max_message_size": 100}))
    server = fws_server("-c", "fws.json", module=CHAT)
    assert server.client().socket  # the port is there
    config.write_text(
        json.dumps(
            {"filters": ["my_filters"], "max_message_size": 10, "pipelines": {"/new": ["my_filters"]}, "port": 1}
        )
    )
    server.signal(signal.SIGHUP)
    server.wait_for("reloaded: my_filters")
    new = server.open("/new")
    new.send("short")
    assert new.text() == "first short"
    new.send("much too long now")
    assert new.closed()[0] == 1009
    assert server.open("/").socket


def test_uses_of_one_filter_are_taken_anew_each_by_itself(fws_server: Start, tmp_path: Path) -> None:
    config = tmp_path / "fws.json"

    def write(word: str, general: str) -> None:
        filters = ["adding?word=a", {"filter": "adding", "word": word}, "adding", "answering"]
        config.write_text(json.dumps({"filters": filters, "word": general}))

    (tmp_path / "answering.py").write_text(dedent(ANSWERING))
    (tmp_path / "adding.py").write_text(dedent(ADDING))
    write("b", "!")
    server = fws_server("-c", "fws.json", "--reload_keep", "adding")
    server.wait_for(r"cat message \| adding.Add\?word=a \| adding.Add\?word=b \| adding.Add \| answering.Answer")
    client = server.open()
    client.send("x")
    assert client.text() == "xab!"
    write("c", "?")
    server.signal(signal.SIGHUP)
    server.wait_for("reloaded: answering")
    client.send("x")
    assert client.text() == "xac?"
    # Only the use that is new began, and only the one that is gone has ended.
    assert server.printed.splitlines() == ["opened a", "opened b", "opened !", "opened c", "closed b"]


def test_what_takes_a_restart_is_said(fws_server: Start, tmp_path: Path) -> None:
    config = tmp_path / "fws.json"
    config.write_text(json.dumps({"filters": ["my_filters"], "log_level": "info"}))
    server = fws_server("-c", "fws.json", module=CHAT)
    config.write_text(json.dumps({"filters": ["my_filters"], "log_level": "warn"}))
    server.signal(signal.SIGHUP)
    server.wait_for("the option log_level has changed, which takes a restart")


def test_what_the_storage_object_took_when_it_began_takes_a_restart(fws_server: Start, tmp_path: Path) -> None:
    config = tmp_path / "fws.json"
    config.write_text(json.dumps({"filters": ["my_filters"], "storage": "sqlite"}))
    server = fws_server("-c", "fws.json", module=CHAT)
    config.write_text(json.dumps({"filters": ["my_filters"], "storage": "sqlite", "sqlite_file": "other.sqlite"}))
    server.signal(signal.SIGHUP)
    server.wait_for("the option sqlite_file has changed, which takes a restart")
    config.write_text(json.dumps({"filters": ["my_filters"]}))
    server.signal(signal.SIGHUP)
    server.wait_for("the option storage has changed, which takes a restart")


def test_an_admin_port_that_waits_for_a_restart_opens_nothing_on_the_public_one(
    fws_server: Start, tmp_path: Path
) -> None:
    config = tmp_path / "fws.json"
    config.write_text(json.dumps({"filters": ["my_filters"]}))
    server = fws_server("-c", "fws.json", module=CHAT)

    def status_through_a_proxy(path: str) -> int:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{server.port}{path}", headers={"X-Forwarded-For": "192.0.2.1"}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, timeout=DEADLINE)
        refused.value.close()
        return refused.value.code

    assert (status_through_a_proxy("/metrics"), status_through_a_proxy("/dashboard")) == (403, 403)
    config.write_text(json.dumps({"filters": ["my_filters"], "admin_port": 9601}))
    server.signal(signal.SIGHUP)
    server.wait_for("the option admin_port has changed, which takes a restart")
    server.wait_for("reloaded: my_filters")
    assert (status_through_a_proxy("/metrics"), status_through_a_proxy("/dashboard")) == (403, 403)


def test_a_faulty_configuration_file_is_named(fws_server: Start, tmp_path: Path) -> None:
    config = tmp_path / "fws.json"
    config.write_text(json.dumps({"filters": ["my_filters"]}))
    server = fws_server("-c", "fws.json", module=CHAT)
    config.write_text(json.dumps({"filters": ["my_filters"], "max_mesage_size": 1}))
    server.signal(signal.SIGHUP)
    server.wait_for('not reloaded.*max_mesage_size.*did you mean "max_message_size"')


def test_in_development_a_saved_filter_is_taken_at_once(fws_server: Start, tmp_path: Path) -> None:
    server = fws_server("-f", "my_filters", "--reload", module=CHAT)
    client = server.open()
    module = tmp_path / "my_filters.py"
    module.write_text(module.read_text().replace("first", "saved"))
    server.wait_for("reloaded: my_filters")
    client.send("a")
    assert client.text() == "saved a"


def test_in_development_too_a_broken_filter_changes_nothing_and_a_mended_one_is_taken(
    fws_server: Start, tmp_path: Path
) -> None:
    server = fws_server("-f", "my_filters", "--reload", module=CHAT)
    clients = [server.open() for _ in range(100)]
    module = tmp_path / "my_filters.py"
    good = module.read_text()
    module.write_text("def half a line")
    server.wait_for("not reloaded, everything stays as it was: filter module my_filters: SyntaxError.*line 1")
    for client in clients:
        client.send("a")
        assert client.text() == "first a"
    module.write_text(good.replace("first", "mended"))
    server.wait_for(" reloaded: my_filters")
    for client in clients:
        client.send("a")
        assert client.text() == "mended a"


def test_in_development_a_key_that_is_written_anew_is_taken(fws_server: Start, tmp_path: Path) -> None:
    keys = [Ed25519PrivateKey.generate() for _ in range(2)]
    public = [key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in keys]
    bearers = [[("Authorization", f"Bearer {jwt.encode({'sub': 'ada'}, key, 'EdDSA')}")] for key in keys]
    file = tmp_path / "key.pem"
    file.write_bytes(public[0])
    auth = "filtered_websocket.filters.jwt_auth"
    server = fws_server("-f", auth, "my_filters", "--jwt_public_key", str(file), "--reload", module=CHAT)
    client = server.open(headers=bearers[0])
    file.write_bytes(public[1][:50])
    server.wait_for("not reloaded, everything stays as it was: .*jwt_public_key: a PEM file with a public key")
    server.open(headers=bearers[0])
    file.write_bytes(public[1])
    server.wait_for(" reloaded: ")
    server.open(headers=bearers[1])
    with pytest.raises(AssertionError, match="status=401"):
        server.open(headers=bearers[0])
    client.send("a")
    assert client.text() == "first a"


def test_a_reloaded_module_that_has_lost_its_filters_is_warned_of(fws_server: Start, tmp_path: Path) -> None:
    server = fws_server("-f", "my_filters", module=CHAT)
    (tmp_path / "my_filters.py").write_text("class Chat: pass\n")
    server.signal(signal.SIGHUP)
    server.wait_for("warn .*filter module my_filters brings no filters")


def shown(server: FwsServer) -> bytes:
    """The certificate that a new client is shown."""
    with RawClient(("127.0.0.1", server.port), tls=True) as client:
        assert isinstance(client.socket, ssl.SSLSocket)
        found = client.socket.getpeercert(binary_form=True)
    assert found is not None
    return found


@pytest.mark.parametrize("asked", ["SIGHUP", "--reload"])
def test_a_renewed_certificate_is_shown_to_those_that_come_and_the_others_live_on(
    fws_server: Start, tmp_path: Path, asked: str
) -> None:
    files = certificates.write(tmp_path)
    more = ("--reload",) if asked == "--reload" else ()
    server = fws_server("-f", "my_filters", "-key", files.key, "-cert", files.cert, *more, module=CHAT)
    client = server.open(tls=True)
    first = shown(server)
    renewed = Path(certificate(tmp_path, authority(tmp_path), ["localhost"])).read_bytes()

    # Half of a renewal changes nothing.
    Path(files.cert).write_bytes(renewed)
    if asked == "SIGHUP":
        server.signal(signal.SIGHUP)
    server.wait_for("not reloaded, everything stays as it was: -key .* is not the key of the certificate -cert")
    assert shown(server) == first

    Path(files.key).write_bytes(renewed)
    if asked == "SIGHUP":
        server.signal(signal.SIGHUP)
    server.wait_for("reloaded: the configuration|reloaded: my_filters")
    second = shown(server)
    assert second != first
    assert second == ssl.PEM_cert_to_DER_cert(renewed[renewed.index(b"-----BEGIN CERTIFICATE") :].decode())
    client.send("a")
    assert client.text() == "first a"
