"""Every file in examples/, run by the real `fws_server`, its clients those of the library websockets."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.browser import Browser
from tests.support.cable import Cable
from tests.support.deadlines import joined, limited
from tests.support.fws_server import STARTING, FwsServer
from tests.support.raw_client import DEADLINE
from tests.support.redis_server import RedisServer
from tests.support.websocket_client import ClientConnection, connect

EXAMPLES = Path(__file__).parent.parent / "examples"
BROADCAST = "filtered_websocket.filters.broadcast_messages"

Serve = Callable[..., "Example"]


class Example:
    """A running server, and clients that end with it."""

    def __init__(self, server: FwsServer, stack: ExitStack) -> None:
        self.server = server
        self._stack = stack

    def connect(self, path: str = "/", **how: Any) -> ClientConnection:
        client = self._stack.enter_context(connect(f"ws://127.0.0.1:{self.server.port}{path}", **how))
        sync(client)
        return client


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts `fws_server` in a copy of examples/."""
    folder = shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    with ExitStack() as stack:
        yield lambda *arguments, **more: Example(stack.enter_context(FwsServer(*arguments, cwd=folder, **more)), stack)


def sync(client: ClientConnection) -> None:
    """Wait until the server has handled all that this client sent."""
    assert client.ping().wait(DEADLINE), "no pong"


def say(client: ClientConnection, *texts: str) -> None:
    for text in texts:
        client.send(text)
    sync(client)


def hear(client: ClientConnection) -> str | bytes:
    return client.recv(DEADLINE)


def test_the_chat_of_eight_lines_sends_to_everybody_else(serve: Serve) -> None:
    example = serve("-f", "chat_server")
    a, b, c = (example.connect() for _ in range(3))
    say(a, "hello")
    say(b, "hello, a")
    assert [hear(a), hear(b), hear(c), hear(c)] == ["hello, a", "hello", "hello", "hello, a"]
    lines = [line for line in (EXAMPLES / "chat_server.py").read_text().splitlines() if line]
    assert len(lines) <= 8


def test_rooms_are_entered_by_token(serve: Serve) -> None:
    example = serve("-c", "token_rooms.json", "-p", "0", "--host", "127.0.0.1")
    kitchen, cook, garden = (example.connect() for _ in range(3))
    for client, room in ((kitchen, "kitchen"), (cook, "kitchen"), (garden, "garden")):
        say(client, f"token:{room}")
        assert hear(client) == f"Successfully registered with broadcast group: {room}"
    say(garden, "roses")
    say(cook, "soup")
    say(kitchen, "thanks")
    assert (hear(kitchen), hear(cook)) == ("soup", "thanks")
    assert "=> soup\n" in example.server.printed


def test_messages_of_a_schema_alone_are_passed_on(serve: Serve) -> None:
    example = serve("-f", "filtered_websocket.filters.json_schema", BROADCAST, "--json_schema", "chat.schema.json")
    a, b = example.connect(), example.connect()
    say(a, '{"text": ""}')
    assert '"at": "/text"' in hear(a)
    say(a, '{"text": "hi", "room": "kitchen"}')
    assert hear(b) == '{"text": "hi", "room": "kitchen"}'


def test_a_moderated_chat_stops_links_turns_down_shouting_and_passes_the_rest_on(serve: Serve) -> None:
    example = serve("-f", "moderated_chat", BROADCAST)
    a, b = example.connect(), example.connect()
    say(a, "buy at http://spam.example", "I AM LOUD", "I am not")
    assert hear(a) == "no links, please"
    assert (hear(b), hear(b)) == ("I am loud", "I am not")


def test_what_passes_in_a_chat_is_written_to_a_file(serve: Serve) -> None:
    example = serve("-c", "audited_chat.json", "-p", "0", "--host", "127.0.0.1")
    say(example.connect(), "hello")
    example.server.signal()
    assert example.server.wait() == 0
    written = [json.loads(each) for each in (example.server.folder / "audit.jsonl").read_text().splitlines()]
    assert [each["event"] for each in written if each["event"] != "message"] == ["connect", "disconnect"]


def test_a_backend_decides_about_a_chat(serve: Serve, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, EXAMPLES / "chat_backend.py", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as backend:
        assert backend.stdout is not None
        try:
            with limited(backend):
                port = backend.stdout.readline().split()[-1]
            config = json.loads((EXAMPLES / "asked_chat.json").read_text().replace(":8000/", f":{port}/"))
            (tmp_path / "asked.json").write_text(json.dumps(config))
            example = serve("-c", str(tmp_path / "asked.json"), "-p", "0", "--host", "127.0.0.1")
            with pytest.raises(InvalidStatus) as refused:
                example.connect()
            assert refused.value.response.status_code == 401
            ann, bob = (example.connect(additional_headers={"Cookie": f"user={name}"}) for name in ("ann", "bob"))
            assert [json.loads(hear(each)) for each in (ann, bob)] == [{"welcome": "ann"}, {"welcome": "bob"}]
            say(ann, "HELLO", "hello")
            assert json.loads(hear(ann)) == {"error": "message refused", "status": 422, "reason": "do not shout"}
            assert json.loads(hear(bob)) == {"from": "ann", "text": "hello"}
            ann.close()
            with limited(backend):
                assert backend.stdout.readline() == "ann has gone\n"
        finally:
            backend.kill()


def test_a_chat_tells_who_is_here(serve: Serve) -> None:
    example = serve("-f", "who_is_here")
    ann = example.connect("/?name=ann")
    example.connect("/?name=bob").close()
    told = [json.loads(hear(ann)) for _ in range(3)]
    assert [(each["presence"], each["users"]) for each in told] == [
        ("here", ["ann"]), ("joined", ["bob"]), ("left", ["bob"]),
    ]  # fmt: skip


def test_a_nickname_is_unique_put_before_messages_and_free_again_when_its_client_has_gone(serve: Serve) -> None:
    example = serve("-f", "nicknames", BROADCAST)
    a, b = example.connect(), example.connect()
    say(a, "ann")
    say(b, "ann", "bob")
    assert hear(a) == "you are ann"
    assert (hear(b), hear(b)) == ("ann is taken", "you are bob")
    say(a, "hello")
    assert hear(b) == "ann: hello"
    a.close()
    c = example.connect()
    say(c, "ann")
    assert hear(c) == "you are ann"


@pytest.mark.parametrize(
    "how",
    [
        {"additional_headers": {"Authorization": "Bearer sesame"}},
        {"additional_headers": {"Authorization": "bearer sesame"}},
        {"subprotocols": ["door", "sesame"]},
    ],
)
def test_the_door_opens_to_the_password_in_a_header_or_as_a_browser_sends_it(serve: Serve, how: Any) -> None:
    example = serve("-f", "door", BROADCAST, environment={"FWS_PASSWORD": "sesame"})
    a, b = example.connect(**how), example.connect(**how)
    assert a.subprotocol == ("door" if "subprotocols" in how else None)
    say(a, "in")
    assert hear(b) == "in"


def test_the_door_stays_shut_to_all_others_and_the_password_stays_out_of_the_log(serve: Serve) -> None:
    example = serve("-f", "door", BROADCAST, environment={"FWS_PASSWORD": "sesame"})
    for how in (
        {},
        {"additional_headers": {"Authorization": "Bearer open"}},
        {"additional_headers": {"Authorization": "Bearer"}},
        {"additional_headers": {"Authorization": "Basic sesame"}},
        {"additional_headers": {"Authorization": "Bearer s\u00e9same"}},
        {"subprotocols": ["door", "open"]},
        {"subprotocols": ["sesame"]},
    ):
        with pytest.raises(InvalidStatus) as refused:
            example.connect(**how)
        assert refused.value.response.status_code == 401
        assert refused.value.response.headers["WWW-Authenticate"] == "Bearer"
    assert "sesame" not in example.server.log


def test_members_come_in_by_their_tokens_and_are_named(serve: Serve) -> None:
    secret = "a secret of thirty-two bytes or so"
    example = serve(
        "-f", "filtered_websocket.filters.jwt_auth", "members", BROADCAST, environment={"FWS_JWT_SECRET": secret}
    )
    ann, bob = (
        example.connect(subprotocols=["bearer", jwt.encode({"sub": name}, secret, "HS256")]) for name in ("ann", "bob")
    )
    say(ann, "hello")
    assert hear(bob) == "ann: hello"
    with pytest.raises(InvalidStatus):
        example.connect()


def test_two_pipelines_on_one_port_have_users_and_limits_of_their_own(serve: Serve) -> None:
    example = serve("-c", "two_pipelines.json", "-p", "0", "--host", "127.0.0.1")
    a, b, room = example.connect("/chat"), example.connect("/chat/room"), example.connect("/rooms")
    say(a, "HELLO")
    assert hear(b) == "Hello"
    say(room, "x")
    assert hear(room) == "Error: No token has been set"
    room.send("x" * 5000)
    with pytest.raises(ConnectionClosed) as closed:
        hear(room)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
    say(a, "x" * 5000)
    assert hear(b) == "x" * 5000
    with pytest.raises(InvalidStatus) as refused:
        example.connect("/elsewhere")
    assert refused.value.response.status_code == 404


class Files:
    """A web server of a folder's files, which is where a page comes from."""

    def __init__(self, folder: Path) -> None:
        handler = partial(QuietHandler, directory=folder)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        joined(self._thread)
        self._server.server_close()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Tests are no place for an access log."""


def test_the_chat_page_says_what_others_write_and_comes_back_by_itself(serve: Serve, tmp_path: Path) -> None:
    example = serve("-f", "chat_server")
    with closing(Files(EXAMPLES)) as files, Browser(tmp_path / "profile") as browser:
        address = f"{files.url}/chat.html?ws://127.0.0.1:{example.server.port}/"
        ann, bob = browser.open(address), browser.open(address)
        for page in (ann, bob):
            page.until("document.getElementById('state')?.textContent === 'connected'")
        other = example.connect()
        say(other, "<b>hi</b>")
        for page in (ann, bob):
            assert page.until("document.querySelector('#log .theirs')?.innerText") == "<b>hi</b>"
        ann.run("document.getElementById('text').value = 'hello from a page'")
        ann.run("document.getElementById('form').requestSubmit()")
        assert hear(other) == "hello from a page"
        assert bob.until("document.querySelector('#log li:nth-child(2)')?.innerText") == "hello from a page"
        assert ann.run("document.querySelector('#log .mine').innerText") == "hello from a page"
        port = str(example.server.port)
        example.server.signal()
        assert example.server.wait() == 0
        # 1001, or 1006 of a first try to come back, whichever the page says when it is asked.
        state = ann.until("/not connected/.exec(document.getElementById('state').textContent)?.input")
        assert state in {f"not connected ({code}), trying again" for code in ("1001 server is stopping", "1006 ")}
        serve("-f", "chat_server", "-p", port, "--host", "127.0.0.1")
        ann.until("document.getElementById('state').textContent === 'connected'")


def hear_of(client: ClientConnection, text: str) -> None:
    """Wait until this was said, in the form of the filter `history`."""
    while json.loads(hear(client)).get("data") != text:
        pass


def test_the_page_of_history_misses_nothing_while_the_network_is_cut(serve: Serve, tmp_path: Path) -> None:
    example = serve("-f", "filtered_websocket.filters.history", BROADCAST, "--storage", "sqlite")
    other, witness = example.connect(), example.connect()
    say(other, "before")
    with (
        Cable(example.server.port) as cable, closing(Files(EXAMPLES)) as files,
        Browser(tmp_path / "profile") as browser,
    ):  # fmt: skip
        page = browser.open(f"{files.url}/history.html?ws://127.0.0.1:{cable.port}/")
        shown = "[...document.querySelectorAll('#log li')].map((each) => each.innerText).join('|')"
        page.until(f"document.getElementById('state')?.textContent === 'connected' && {shown} === 'before'")
        page.run("document.getElementById('text').value = 'mine'")
        page.run("document.getElementById('form').requestSubmit()")
        hear_of(other, "mine")
        say(other, "one")
        page.until(f"{shown} === 'before|mine|one'")
        cable.cut()
        page.until("/^not connected/.test(document.getElementById('state').textContent)")
        say(other, "two", "three")
        hear_of(witness, "three")  # what others have heard is stored
        port = str(example.server.port)
        example.server.process.kill()
        example.server.process.wait(DEADLINE)
        example = serve(
            "-f",
            "filtered_websocket.filters.history",
            BROADCAST,
            "--storage",
            "sqlite",
            "-p",
            port,
            "--host",
            "127.0.0.1",
        )
        cable.plug_in()
        page.until(f"{shown} === 'before|mine|one|two|three'")
        say(example.connect(), "four")
        page.until(f"{shown} === 'before|mine|one|two|three|four'")
    script = (EXAMPLES / "history.html").read_text().partition("<script")[2].partition("</script>")[0].splitlines()[1:]
    assert sum(bool(line.strip()) for line in script) <= 30


def test_a_program_without_a_server_tells_everybody(serve: Serve, tmp_path: Path) -> None:
    program = [sys.executable, str(EXAMPLES / "notify.py"), "the backup is done"]
    with RedisServer(tmp_path / "redis") as redis:
        example = serve("--storage", "redis", "--redis_url", redis.url, "-f", BROADCAST)
        client = example.connect()
        subprocess.run([*program, redis.url], check=True, timeout=STARTING)
        assert hear(client) == "the backup is done"
    ended = subprocess.run([*program, redis.url], capture_output=True, text=True, timeout=STARTING, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("nobody was told: Redis at ")


def test_every_file_in_examples_is_in_its_readme_and_in_these_tests() -> None:
    readme, tests = (EXAMPLES / "README.md").read_text(), Path(__file__).read_text()
    files = {each.name for each in EXAMPLES.iterdir() if each.is_file()} - {"README.md"}
    assert files, "no examples"
    for name in files:
        assert f"`{name}`" in readme
        assert name in tests or f'"{name.removesuffix(".py")}"' in tests
