"""examples/socketio: the pages in a real browser, with npm's client; and the tests that lie beside them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.support.browser import NODE, Browser, Page
from tests.support.fws_server import FwsServer
from tests.support.http_client import ask
from tests.support.programs import environment
from tests.support.raw_client import DEADLINE, wait_until

EXAMPLES = Path(__file__).parents[2] / "examples" / "socketio"
CLIENT = NODE / "node_modules" / "socket.io-client" / "dist" / "socket.io.min.js"

Serve = Callable[..., FwsServer]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(EXAMPLES, tmp_path / "socketio", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture
def serve(folder: Path) -> Iterator[Serve]:
    assert CLIENT.exists(), "not installed: make test-tools"
    shutil.copy(CLIENT, folder)
    with ExitStack() as stack:
        yield lambda *words: stack.enter_context(FwsServer(*words, "--host", "127.0.0.1", cwd=folder))


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "profile") as running:
        yield running


def fill(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.run(f"document.getElementById({json.dumps(name)}).value = {json.dumps(value)}")


def submit(page: Page, form: str, **values: str) -> None:
    fill(page, **values)
    page.run(f"document.getElementById('{form}').requestSubmit()")


def state(page: Page, text: str) -> None:
    # Its scripts have run.
    loaded = "document.readyState !== 'loading'"
    page.until(f"{loaded} && document.getElementById('state')?.textContent === {json.dumps(text)}")


def end(server: FwsServer) -> None:
    """End it when all pages have upgraded: one that goes in the middle of that is missed by a page's pings alone."""
    wait_until(lambda: all(each["transport"] == "websocket" for each in connections(server)))
    server.signal()
    assert server.wait() == 0


def connections(server: FwsServer) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = ask(("127.0.0.1", server.port), "GET", "/connections").json["connections"]
    assert listed
    return listed


def lines(page: Page, name: str, *texts: str) -> None:
    script = f"JSON.stringify([...document.querySelectorAll('#{name} li')].map((line) => line.textContent))"
    page.until(f"{script} === {json.dumps(json.dumps(texts, separators=(',', ':'), ensure_ascii=False))}")


def enter(browser: Browser, url: str, name: str, room: str = "hall") -> Page:
    page = browser.open(url)
    state(page, "Who are you?")
    submit(page, "enter", name=name, room=room)
    state(page, f"{name}, in {room}")
    return page


def test_the_chat_has_rooms_and_acknowledges_what_is_said(serve: Serve, browser: Browser) -> None:
    url = f"http://127.0.0.1:{serve('-f', 'chat').port}/"
    ann, cy = enter(browser, url, "ann"), enter(browser, url, "cy", "garden")
    bob = enter(browser, url, "bob")
    lines(ann, "people", "ann", "bob")
    submit(ann, "form", text="é <b>hello</b>")
    lines(ann, "log", "bob is here", "me: é <b>hello</b> \u2713")
    lines(bob, "log", "ann: é <b>hello</b>")
    fill(bob, text="tea?")
    bob.run("ask.click()")
    ann.until("document.querySelector('#log .question button')")
    ann.run("document.querySelector('#log .question button').click()")
    lines(bob, "log", "ann: é <b>hello</b>", "I ask: tea? 1 yes, 0 no, 0 silent")
    lines(ann, "log", "bob is here", "me: é <b>hello</b> \u2713", "bob asks: tea? Yes")
    second = enter(browser, url, "bob")
    lines(ann, "people", "ann", "bob", "bob")
    lines(second, "people", "ann", "bob", "bob")
    browser.ask("Page.navigate", bob.session, url="about:blank")
    lines(ann, "people", "ann", "bob")
    lines(cy, "log")


def test_the_chat_comes_back_into_its_room_when_the_server_does(serve: Serve, browser: Browser) -> None:
    server = serve("-f", "chat")
    port = str(server.port)
    ann = enter(browser, f"http://127.0.0.1:{port}/", "ann")
    end(server)
    ann.until("document.getElementById('state').textContent.startsWith('not connected')")
    serve("-f", "chat", "-p", port)
    state(ann, "ann, in hall")
    submit(ann, "form", text="again")
    lines(ann, "log", "me: again \u2713")


def test_private_messages_survive_a_reload(serve: Serve, browser: Browser, tmp_path: Path) -> None:
    server = serve("-c", "private_messages.json", "-p", "0")
    # Two origins, so that each has a store of its own in the one browser.
    ann, bob = (browser.open(f"http://{host}:{server.port}/") for host in ("127.0.0.1", "localhost"))
    for page, name in ((ann, "ann"), (bob, "bob")):
        state(page, "Who are you?")
        submit(page, "enter", name=name)
        state(page, f"connected as {name}")
    lines(ann, "people", "bob")
    lines(bob, "people", "ann")
    ann.run("document.querySelector('#people button').click()")
    ann.until("document.getElementById('other').textContent")
    submit(ann, "form", text="one")
    lines(ann, "log", "ann: one")
    bob.until("document.querySelector('#people button.new')")
    bob.run("document.querySelector('#people button').click()")
    lines(bob, "log", "ann: one")
    browser.ask("Page.navigate", bob.session, url="about:blank")
    ann.until("document.querySelector('#people button.away')")
    submit(ann, "form", text="two <i>")
    lines(ann, "log", "ann: one", "ann: two <i>")
    browser.ask("Page.navigate", bob.session, url=f"http://localhost:{server.port}/")
    state(bob, "connected as bob")
    lines(bob, "log", "ann: one", "ann: two <i>")
    submit(bob, "form", text="three")
    lines(ann, "log", "ann: one", "ann: two <i>", "bob: three")
    # A second page of the same person hears what the first one says.
    again = browser.open(f"http://localhost:{server.port}/")
    lines(again, "log", "ann: one", "ann: two <i>", "bob: three")
    submit(bob, "form", text="four")
    lines(again, "log", "ann: one", "ann: two <i>", "bob: three", "bob: four")


def test_a_session_that_the_server_has_forgotten_begins_anew(serve: Serve, browser: Browser) -> None:
    server = serve("-c", "private_messages.json", "-p", "0")
    port = str(server.port)
    ann = browser.open(f"http://127.0.0.1:{port}/")
    state(ann, "Who are you?")
    submit(ann, "enter", name="ann")
    state(ann, "connected as ann")
    end(server)
    serve("-c", "private_messages.json", "-p", port)  # its memory has ended with it
    state(ann, "not connected: this session is unknown")
    submit(ann, "enter", name="ann")
    state(ann, "connected as ann")


def test_in_sqlite_what_was_said_outlives_the_server(serve: Serve, browser: Browser) -> None:
    words = ("-c", "private_messages.json", "--storage", "sqlite", "--sqlite_file", "kept.sqlite", "-p")
    server = serve(*words, "0")
    port = str(server.port)
    ann = browser.open(f"http://127.0.0.1:{port}/")
    state(ann, "Who are you?")
    submit(ann, "enter", name="ann")
    state(ann, "connected as ann")
    ann.run("talkTo('ann')")  # to herself
    ann.until("document.getElementById('other').textContent")
    submit(ann, "form", text="remember")
    lines(ann, "log", "ann: remember")
    end(server)
    ann.until("document.getElementById('state').textContent.startsWith('not connected')")
    serve(*words, port)
    state(ann, "connected as ann")
    browser.ask("Page.navigate", ann.session, url=f"http://127.0.0.1:{port}/")
    lines(ann, "log", "ann: remember")


def test_without_the_client_the_page_says_what_is_wanted(folder: Path) -> None:
    with FwsServer("-f", "chat", cwd=folder) as server, pytest.raises(HTTPError, match="404") as answered:
        urlopen(f"http://127.0.0.1:{server.port}/socket.io.min.js", timeout=DEADLINE)
    with answered.value as response:
        assert "socket.io.min.js is wanted beside the page" in json.load(response)["error"]


def test_the_tests_beside_the_examples_pass(folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "--rootdir", "."],
        cwd=folder, capture_output=True, text=True, env=environment(), timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "passed" in ran.stdout
