"""Philote over real sockets, with clients that behave as its JavaScript and Go clients do."""

import json
import signal
import subprocess
import sys
import threading

from tests.support.browser import Browser
from tests.support.deadlines import joined
from tests.support.fws_server import STARTING, command
from tests.support.philote_tokens import SECRET, token
from tests.support.raw_client import head
from tests.support.redis_server import RedisServer
from tests.support.snippets import ROOT, blocks, run_javascript, run_python

PHILOTE = "filtered_websocket.filters.philote"
WSPS = "filtered_websocket.filters.wsps"


class Script:
    """As philote-js: the token in the query, words of its own beside, handlers by channel; one for errors."""

    def __init__(self, server, token_):
        self.socket = server.open(f"/?auth={token_}", [("Origin", "https://a.page.example")])

    def publish(self, channel, data):
        self.socket.send(json.dumps({"channel": channel, "data": data, "event": "message"}))

    def receive(self):
        packet = json.loads(self.socket.text())
        assert "error" not in packet
        return packet


class Go:
    """As philote-go: the token in a header, the members' names as Go writes them."""

    def __init__(self, server, token_):
        self.socket = server.open("/", [("Authorization", f"Bearer {token_}")])

    def publish(self, channel, data):
        self.socket.send(json.dumps({"Channel": channel, "Data": data}))

    def receive(self):
        packet = json.loads(self.socket.text())
        return {name.capitalize(): value for name, value in packet.items()}


def sync(client):
    """What the client said before is done, and it is in its channels."""
    client.socket.send(b"\x89\x80\x37\xfa!=")
    assert client.socket.receive().opcode == 10


def test_the_clients_of_philote_talk_to_each_other(fws_server):
    server = fws_server("-f", PHILOTE, environment={"SECRET": SECRET})
    mine = token({"read": ["test-channel", "other"], "write": ["test-channel"]})
    page, program = Script(server, mine), Go(server, mine)
    sync(page)
    sync(program)
    program.publish("test-channel", "yo!")
    got = page.receive()
    assert got == {"issuer": got["issuer"], "channel": "test-channel", "data": "yo!"}
    page.publish("test-channel", "hello")
    assert program.receive()["Data"] == "hello"


def test_an_empty_secret_works_as_jane_and_the_go_tests_have_it(fws_server):
    server = fws_server("-f", PHILOTE)
    assert "UNSAFE: anybody can make tokens (philote_secret is empty)" in server.log
    sync(Go(server, token({"read": ["a"]}, "")))


def test_the_url_may_come_without_a_slash(fws_server):
    """`ws://host:6380?auth=...`: browsers and Go add the slash, some programs do not."""
    server = fws_server("-f", PHILOTE, "--philote_secret", SECRET)
    for target in ("/?auth=", "?auth="):
        with server.client() as client:
            client.send(head(target + token({})))
            assert client.response().status == 101


def test_a_place_is_free_as_soon_as_its_client_has_closed(fws_server):
    server = fws_server("-f", PHILOTE, environment={"SECRET": SECRET, "MAX_CONNECTIONS": "1"})
    for _ in range(20):
        client = Go(server, token({}))
        with server.client() as another:
            another.send(head("/", [("Authorization", token({}))]))
            assert another.response().status == 503
        client.socket.quit()


def test_a_token_is_in_no_log(fws_server):
    server = fws_server("-f", PHILOTE, "--philote_secret", SECRET, "--log_level", "debug")
    good, bad = token({}), token({}, "another secret")
    Script(server, good).socket.quit()
    with server.client() as client:
        client.send(head(f"/?auth={bad}"))
        assert client.response().status == 401
    server.signal()
    assert server.wait() == 0
    assert not any(word in server.log for word in (SECRET, good[-12:], bad[-12:], "auth="))


def test_a_reload_takes_the_new_secret_and_keeps_the_connections(fws_server, tmp_path):
    def configure(secret):
        (tmp_path / "config.json").write_text(json.dumps({"filters": [PHILOTE], "philote_secret": secret}))

    configure(SECRET)
    server = fws_server("-c", "config.json", "-p", "0", "--host", "127.0.0.1")
    old = Go(server, token({"read": ["a"]}))
    sync(old)
    configure("another secret of thirty-two bytes")
    server.signal(signal.SIGHUP)
    server.wait_for("reloaded")
    new = Go(server, token({"write": ["a"]}, "another secret of thirty-two bytes"))
    new.publish("a", "still here")
    assert old.receive()["Data"] == "still here"
    with server.client() as client:
        client.send(head("/", [("Authorization", token({}))]))
        assert client.response().status == 401


def test_both_packs_live_in_one_process_under_different_paths(fws_server, tmp_path):
    pipelines = {"/philote*": {"filters": [PHILOTE], "philote_secret": SECRET}, "/wsps": [WSPS]}
    (tmp_path / "config.json").write_text(json.dumps({"pipelines": pipelines}))
    server = fws_server("-c", "config.json")
    mine = token({"read": ["x"], "write": ["x"]})
    with (
        server.open(f"/philote?auth={mine}") as a,
        server.open(f"/philote/more?auth={mine}") as b,
        server.open("/wsps") as c,
    ):
        c.send('{"type": "subscribe", "channel": "x"}', '{"type": "publish", "channel": "x", "data": 1}')
        assert json.loads(c.text()) == {"type": "message", "channel": "x", "data": 1}
        b.send(b"\x89\x80\x37\xfa!=")
        assert b.receive().opcode == 10
        a.send('{"channel": "x", "data": "philote"}')
        assert json.loads(b.text())["data"] == "philote"
        c.send('{"type": "publish", "channel": "x", "data": 2}')
        assert json.loads(c.text())["data"] == 2


PUBLISHERS, EACH = 20, 500


def read_all(socket, count, into):
    for _ in range(count):
        into.append(json.loads(socket.text()))


def test_over_redis_two_nodes_get_every_message_once_and_in_order(fws_server, tmp_path):
    every = [f"channel-{number}" for number in range(PUBLISHERS)]
    with RedisServer(tmp_path / "redis") as redis:
        arguments = ("-f", PHILOTE, "--philote_secret", SECRET, "--storage", "redis", "--redis_url", redis.url)
        nodes = [fws_server(*arguments) for _ in range(2)]
        readers = [Go(node, token({"read": every})) for node in nodes]
        for reader in readers:
            reader.socket.socket.settimeout(30)
            sync(reader)
        publishers = [Go(nodes[number % 2], token({"write": [name]})) for number, name in enumerate(every)]
        got: list[list[dict[str, str]]] = [[], []]
        threads = [
            threading.Thread(target=read_all, args=(reader.socket, PUBLISHERS * EACH, into))
            for reader, into in zip(readers, got, strict=True)
        ]
        for thread in threads:
            thread.start()
        for number in range(EACH):
            for name, publisher in zip(every, publishers, strict=True):
                publisher.publish(name, str(number))
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), [len(each) for each in got]
        for messages in got:
            for name in every:
                numbers = [message["data"] for message in messages if message["channel"] == name]
                assert numbers == [str(number) for number in range(EACH)]
        for reader in readers:
            sync(reader)  # and no message came twice: the pong is next


PAGE = "docs/packs/philote.md"


def test_the_clients_in_the_page_of_the_pack_run(fws_server):
    making, client = blocks(PAGE, "python")
    mine = run_python(making).strip()
    server = fws_server("-f", PHILOTE, "--philote_secret", "the secret, at least 32 bytes of it")
    other = Go(server, mine)
    sync(other)
    # The client ends with the first message it gets: the other answers it.
    answering = threading.Thread(target=lambda: (other.receive(), other.publish("chan-a", "an answer")))
    answering.start()
    address = f"127.0.0.1:{server.port}"
    assert run_python(client.replace("localhost:6380", address), TOKEN=mine) == "an answer\n"
    joined(answering)
    (script,) = blocks(PAGE, "javascript")
    answering = threading.Thread(target=lambda: (other.receive(), other.publish("chan-a", "an answer")))
    answering.start()
    run_javascript(f"const token = {json.dumps(mine)};" + script.replace("localhost:6380", address), "an answer")
    joined(answering)


def test_the_configuration_in_the_page_of_the_pack_is_good(tmp_path):
    (document,) = blocks(PAGE, "json")
    (tmp_path / "config.json").touch(0o600)  # a secret is in it
    (tmp_path / "config.json").write_text(document)
    checked = command("-c", "config.json", "--check", cwd=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_example_runs_in_a_browser_with_a_token_made_as_its_readme_says(fws_server, tmp_path):
    example = ROOT / "examples" / "philote"
    (line,) = [line for line in (example / "README.md").read_text().splitlines() if line.startswith("    fws_token")]
    made = subprocess.run(
        [sys.executable, "-m", "filtered_websocket.commands.fws_token", *line.split()[1:]],
        cwd=example, capture_output=True, text=True, check=True, timeout=STARTING,
    )  # fmt: skip
    mine = made.stdout.strip()
    server = fws_server("-c", str(example / "config.json"), "-p", "0")
    other = Go(server, mine)
    sync(other)
    with Browser(tmp_path / "profile") as browser:
        page = browser.open(f"file://{example}/page.html?ws://127.0.0.1:{server.port}/#{mine}")
        page.until("document.getElementById('state')?.textContent === 'connected'")
        page.run("document.getElementById('text').value = 'from a page'")
        page.run("document.getElementById('form').requestSubmit()")
        assert other.receive()["Data"] == "from a page"
        other.publish("room", "<b>hi</b>")
        assert page.until("document.querySelector('#log li:nth-child(2)')?.innerText").endswith(": <b>hi</b>")
