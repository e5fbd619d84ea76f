"""WSPS over real sockets, with clients that behave as its JavaScript and Python clients do."""

import json
import signal
import threading
from textwrap import dedent

import pytest

from tests.support.browser import Browser
from tests.support.fws_server import command
from tests.support.raw_client import RawClient
from tests.support.redis_server import RedisServer
from tests.support.snippets import ROOT, blocks, run_javascript, run_python

WSPS = "filtered_websocket.filters.wsps"
KEYS = ["--wsps_subscribe_keys", '{"some-*": "subscribe-key"}', "--wsps_publish_keys", '{"some-*": "publish-key"}']


class Script:
    """As the JavaScript client: it remembers what it subscribed to, and says and remembers it again on every open."""

    def __init__(self, server):
        self.server, self.callbacks, self.remembered = server, {}, []
        self.socket = None

    def subscribe(self, channel, callback, key=None):
        self.callbacks.setdefault(channel, []).append(callback)
        packet = {"type": "subscribe", "channel": channel, "key": key}
        self.remembered.append(packet)
        if self.socket is not None:
            self.socket.send(json.dumps(packet))

    def connect(self):
        self.socket = self.server.open("/", [("Origin", "https://a.page.example")])
        for packet in list(self.remembered):
            self.remembered.append(packet)
            self.socket.send(json.dumps(packet))

    def publish(self, channel, data, key=None):
        self.socket.send(json.dumps({"type": "publish", "channel": channel, "data": data, "key": key}))

    def read(self):
        """One packet, to its callbacks."""
        packet = json.loads(self.socket.text())
        for callback in self.callbacks[packet["channel"]]:
            callback(packet)


class Python:
    """As the Python client on ws4py: offers http-only, and wants channel and data in every message."""

    def __init__(self, server, path="/"):
        self.socket: RawClient = server.open(path, [("Sec-WebSocket-Protocol", "http-only")])

    def say(self, kind, channel, **more):
        self.socket.send(json.dumps({"type": kind, "channel": channel, **more}))

    def message(self):
        packet = json.loads(self.socket.text())
        assert packet["type"] == "message"
        return packet["channel"], packet["data"]

    def known(self, channel):
        """Sees a publication of its own: all it said before is done."""
        self.say("publish", channel, data="known", key="publish-key")
        while self.message()[1] != "known":
            pass


def test_the_readmes_example_runs(fws_server):
    server = fws_server("-f", WSPS, *KEYS)
    page, got = Script(server), []
    page.subscribe("some-channel", got.append, "subscribe-key")  # before connect(): sent on open
    page.connect()
    page.publish("some-channel", {"msg": "Hello, WSPS!"}, "publish-key")
    page.read()
    assert got == [{"type": "message", "channel": "some-channel", "data": {"msg": "Hello, WSPS!"}}]


def test_a_page_that_reconnects_again_and_again_gets_one_copy(fws_server):
    server = fws_server("-f", WSPS)
    page, got = Script(server), []
    page.subscribe("news", got.append)
    for _ in range(6):
        page.connect()
        page.publish("news", 1)
        page.publish("news", 2)
        page.read()
        page.read()
        page.socket.quit()
    assert [packet["data"] for packet in got] == [1, 2] * 6
    assert len(page.remembered) == 64


def test_the_python_client_is_let_in_and_told_why_it_is_closed(fws_server):
    server = fws_server("-f", WSPS, *KEYS)
    reader, writer = Python(server), Python(server)
    reader.say("subscribe", "some-channel", key="subscribe-key")
    reader.known("some-channel")
    writer.say("publish", "some-channel", data=1, key="publish-key")
    writer.say("publish", "some-channel", data="must not arrive", key="wrong-key")
    assert writer.socket.closed() == (1002, "Authorization failed")
    reader.known("some-channel")
    assert not any(word in server.log for word in ("wrong-key", "publish-key", "subscribe-key", "must not arrive"))


def test_a_wsps_user_changes_the_start_command_and_nothing_else(fws_server, tmp_path):
    (tmp_path / "local_settings.py").write_text(
        "VALID_CHANNELS = ('some-*',)\nAUTHORIZATION_MANAGER = 'my_managers:Words'\n"
        "STATS_SECONDS = 1\nWORD = 'sesame'\n"
    )
    (tmp_path / "my_managers.py").write_text(
        "from wspsserver.auth import BaseAuthManager\n"
        "class Words(BaseAuthManager):\n"
        "    def authenticate(self, event, channel, key):\n"
        "        return key == self.settings.WORD\n"
    )
    server = fws_server("-f", WSPS, "--wsps_settings", "local_settings")
    client = Python(server)
    client.say("subscribe", "some-channel", key="sesame")
    client.say("publish", "some-channel", data=1, key="sesame")
    assert client.message() == ("some-channel", 1)
    server.wait_for("wsps: 1 clients")
    client.say("publish", "some-channel", data=2, key="barley")
    assert client.socket.closed() == (1002, "Authorization failed")


def test_a_reload_to_a_manager_that_cannot_be_made_leaves_everything_as_it_was(fws_server, tmp_path):
    def configure(**more):
        settings = {"filters": [WSPS], "wsps_publish_keys": {"*": "sesame"}, **more}
        (tmp_path / "config.json").write_text(json.dumps(settings))

    (tmp_path / "broken_managers.py").write_text(
        "class Broken:\n"
        "    def __init__(self, settings):\n"
        "        raise OSError('the database is away')\n"
        "    authenticate = None.__eq__\n"
    )
    configure()
    server = fws_server("-c", "config.json")
    client = Python(server)
    client.say("subscribe", "x")
    configure(wsps_authorization_manager="broken_managers:Broken")
    server.signal(signal.SIGHUP)
    server.wait_for("reloaded")
    for number in range(3):
        client.say("publish", "x", data=number, key="sesame")
        assert client.message() == ("x", number)
    client.say("publish", "x", data="must not arrive", key="barley")
    assert client.socket.closed() == (1002, "Authorization failed")
    server.wait_for("stay as they were")
    assert server.log.count("stay as they were") == 1


@pytest.mark.parametrize("packet", ["[]", "5", "null", '"x"', "{", '{"type": "subscribe"}', "[" * 50_000])
def test_nonsense_closes_its_sender_with_1002_and_nobody_else(fws_server, packet):
    server = fws_server("-f", WSPS)
    good, bad = Python(server), Python(server)
    good.say("subscribe", "x")
    bad.socket.send(packet)
    assert bad.socket.closed() == (1002, "Invalid message")
    good.known("x")
    assert "Traceback" not in server.log


PUBLISHERS, EACH = 20, 500


def read_all(socket, count, into):
    """Read so many publications; more would show at the connection's end."""
    for _ in range(count):
        into.append(json.loads(socket.text())["data"])


def test_over_redis_two_nodes_get_every_message_once_and_in_order(fws_server, tmp_path):
    with RedisServer(tmp_path / "redis") as redis:
        arguments = ("-f", WSPS, "--storage", "redis", "--redis_url", redis.url)
        nodes = [fws_server(*arguments) for _ in range(2)]
        readers = [Python(node) for node in nodes]
        for reader in readers:
            reader.socket.socket.settimeout(30)
            reader.say("subscribe", "all")
            reader.known("all")
        # The second reader's word reached the first one too.
        readers[0].message()
        publishers = [Python(nodes[number % 2]) for number in range(PUBLISHERS)]
        got: list[list[list[int]]] = [[], []]
        threads = [
            threading.Thread(target=read_all, args=(reader.socket, PUBLISHERS * EACH, into))
            for reader, into in zip(readers, got, strict=True)
        ]
        for thread in threads:
            thread.start()
        for number in range(EACH):
            for sender, publisher in enumerate(publishers):
                publisher.say("publish", "all", data=[sender, number])
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), [len(each) for each in got]
        for messages in got:
            for publisher in range(PUBLISHERS):
                assert [number for sender, number in messages if sender == publisher] == list(range(EACH))
        assert got[0] == got[1]  # one order everywhere
        for reader in readers:
            reader.known("all")
            reader.socket.quit()


def test_a_reload_takes_the_local_settings_and_the_manager_anew(fws_server, tmp_path):
    manager = """
        from wspsserver.auth import BaseAuthManager
        class Keys(BaseAuthManager):
            def authenticate(self, event, channel, key):
                return key == self.settings.WANTED + "!"
    """
    (tmp_path / "managers.py").write_text(dedent(manager))
    (tmp_path / "local_settings.py").write_text("AUTHORIZATION_MANAGER = 'managers:Keys'\nWANTED = 'one'\n")
    server = fws_server("-f", WSPS, "--wsps_settings", "local_settings")
    client = Python(server)
    client.say("subscribe", "x", key="one!")
    client.say("publish", "x", data=0, key="one!")
    assert client.message() == ("x", 0)
    (tmp_path / "managers.py").write_text(dedent(manager).replace("!", "?"))
    (tmp_path / "local_settings.py").write_text("AUTHORIZATION_MANAGER = 'managers:Keys'\nWANTED = 'two'\n")
    server.signal(signal.SIGHUP)
    server.wait_for("reloaded: local_settings, managers")
    client.say("publish", "x", data=1, key="two?")
    assert client.message() == ("x", 1)
    client.say("publish", "x", data=1, key="one!")
    assert client.socket.closed() == (1002, "Authorization failed")


PAGE = "docs/packs/wsps.md"


def test_the_clients_in_the_page_of_the_pack_run(fws_server):
    server = fws_server("-f", WSPS)
    _, client = blocks(PAGE, "python")
    assert run_python(client.replace("localhost:52525", f"127.0.0.1:{server.port}")) == "Hello, WSPS!\n"
    (script,) = blocks(PAGE, "javascript")
    run_javascript(script.replace("localhost:52525", f"127.0.0.1:{server.port}"), "Hello, WSPS!")


def test_the_manager_in_the_page_of_the_pack_runs(fws_server, tmp_path):
    (tmp_path / "managers.py").write_text(blocks(PAGE, "python")[0])
    (tmp_path / "local_settings.py").write_text("AUTHORIZATION_MANAGER = 'managers:Members'\nEDITORS_KEY = 'e'\n")
    client = Python(fws_server("-f", WSPS, "--wsps_settings", "local_settings"))
    client.say("subscribe", "a")
    client.say("publish", "a", data=1, key="e")
    assert client.message() == ("a", 1)
    client.say("publish", "a", data=2)
    assert client.socket.closed() == (1002, "Authorization failed")


def test_the_configuration_in_the_page_of_the_pack_is_good(tmp_path):
    (document,) = blocks(PAGE, "json")
    (tmp_path / "config.json").touch(0o600)  # a secret is in it
    (tmp_path / "config.json").write_text(document)
    checked = command("-c", "config.json", "--check", cwd=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_example_runs_in_a_browser(fws_server, tmp_path):
    example = ROOT / "examples" / "wsps"
    server = fws_server("-c", str(example / "config.json"), "-p", "0")
    client = Python(server)
    client.say("subscribe", "chat/1")
    client.known("chat/1")
    with Browser(tmp_path / "profile") as browser:
        page = browser.open(f"file://{example}/page.html?ws://127.0.0.1:{server.port}/")
        page.until("/^connected/.test(document.getElementById('state')?.textContent)")
        page.run("document.getElementById('text').value = 'from a page'")
        page.run("document.getElementById('form').requestSubmit()")
        # What the page said before it published is done too: it is in its channels.
        assert client.message() == ("chat/1", {"text": "from a page"})
        client.say("publish", "chat/1", data="<b>hi</b>")
        assert client.message() == ("chat/1", "<b>hi</b>")
        assert page.until("document.querySelector('#log li:nth-child(2)')?.innerText") == 'chat/1: "<b>hi</b>"'
        page.run("document.getElementById('channel').value = 'news'")
        page.run("document.getElementById('form').requestSubmit()")
        page.until("/1002 Authorization failed/.test(document.getElementById('state').textContent)")
        page.until("/^connected/.test(document.getElementById('state').textContent)")
