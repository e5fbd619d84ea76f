"""examples/ws_emit: the real server and programs, the pages in a real browser."""

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import NODE, Browser, Page
from tests.support.deadlines import joined, limited
from tests.support.fws_server import STARTING, FwsServer
from tests.support.raw_client import DEADLINE

EXAMPLES = Path(__file__).parents[2] / "examples" / "ws_emit"
CLIENTS = {"4": "socket.io-client/dist/socket.io.min.js", "3": "socket.io-client-3/dist/socket.io.min.js"}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...


class Examples:
    """The folder of the examples, its server, and a server of its pages."""

    def __init__(self, folder: Path, pages: int, server: FwsServer) -> None:
        self.folder, self._pages, self._server = folder, pages, server

    @property
    def emit(self) -> str:
        return f"http://127.0.0.1:{self._server.port}/emit"

    def page(self, name: str) -> str:
        return f"http://localhost:{self._pages}/{name}?http://localhost:{self._server.port}"

    @contextmanager
    def program(self, *words: str) -> Iterator[None]:
        running = subprocess.Popen([sys.executable, *words, self.emit], cwd=self.folder, stderr=subprocess.PIPE)
        try:
            yield
            assert running.poll() is None, running.communicate(timeout=DEADLINE)
        finally:
            running.kill()
            running.communicate(timeout=DEADLINE)


@pytest.fixture(params=CLIENTS)
def examples(request: Any, tmp_path: Path) -> Iterator[Examples]:
    folder = shutil.copytree(EXAMPLES, tmp_path / "ws_emit")
    shutil.copy(NODE / "node_modules" / CLIENTS[request.param], folder / "socket.io.min.js")
    pages = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    serving = threading.Thread(target=pages.serve_forever)
    serving.start()
    origin = f"http://localhost:{pages.server_address[1]}"
    try:
        with FwsServer("-c", "config.json", "--ws_emit_cors", origin, cwd=folder) as server:
            yield Examples(folder, pages.server_address[1], server)
    finally:
        pages.shutdown()
        joined(serving)
        pages.server_close()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "profile") as running:
        yield running


def test_the_page_shows_the_time(examples: Examples, browser: Browser) -> None:
    page = browser.open(examples.page("time/page.html"))
    page.until('document.querySelector("#state")?.textContent === "connected"')
    with examples.program("time/tell_time.py"):
        first = page.until('/\\d/.test(document.querySelector("#time").textContent) && time.textContent')
        page.until(f'time.textContent !== "{first}"')


def fill(page: Page, directory: str, secret: str) -> None:
    page.run(f'directory.value = "{directory}"; secret.value = "{secret}"; form.requestSubmit()')
    page.until(f'document.querySelector("#state").textContent.startsWith("waiting for {directory}")')


def test_the_page_shows_a_directory_with_the_secret_only(examples: Examples, browser: Browser) -> None:
    shown = examples.folder.parent / "shown"
    shown.mkdir()
    (shown / "<b>one").write_text("12345")
    page, stranger = (browser.open(examples.page("dir2web/page.html")) for _ in range(2))
    for each in (page, stranger):
        each.until('document.querySelector("#state")?.textContent === "connected"')
    fill(page, "shown", "open-sesame")
    fill(stranger, "shown", "open-barley")
    with examples.program("dir2web/dir2web.py", str(shown)):
        page.until('document.querySelector("#state").textContent === "shown: 1"')
        assert page.run("files.rows[0].cells[0].textContent + files.rows[0].cells[1].textContent") == "<b>one5"
        (shown / "two").write_text("x")
        page.until('document.querySelector("#state").textContent === "shown: 2"')
        (shown / "<b>one").unlink()
        page.until(
            'document.querySelector("#state").textContent === "shown: 1" && files.rows[0].textContent.startsWith("two")'
        )
    assert stranger.run("state.textContent + files.rows.length") == "waiting for shown0"


def begin(*words: str, cwd: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, *words], cwd=cwd, stderr=subprocess.PIPE, text=True)


def test_programs_that_find_no_server_say_so_in_one_line_each_time_and_go_on(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/emit"
        for words in (("time/tell_time.py",), ("dir2web/dir2web.py", str(tmp_path))):
            with begin(*words, url, cwd=EXAMPLES) as program:
                assert program.stderr is not None
                with limited(program):
                    lines = [program.stderr.readline() for _ in range(2)]
                program.kill()
            assert all(line.startswith(f"{url}: <urlopen error") for line in lines), lines


def test_a_directory_named_by_a_point_has_the_room_of_its_name(tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    shown.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(STARTING)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/emit"
        with begin(str(EXAMPLES / "dir2web" / "dir2web.py"), ".", url, cwd=shown) as program:
            try:
                connection, _ = listening.accept()
                with connection, connection.makefile("rb") as request:
                    lines = iter(request.readline, b"\r\n")
                    length = next(int(line[15:]) for line in lines if line.lower().startswith(b"content-length:"))
                    list(lines)
                    assert json.loads(request.read(length))["room"] == "dir2web::shown"
            finally:
                program.kill()


def test_what_is_no_directory_is_told_in_one_line(tmp_path: Path) -> None:
    for words in ([], [str(tmp_path / "none")]):
        with begin("dir2web/dir2web.py", *words, cwd=EXAMPLES) as program:
            assert program.communicate(timeout=STARTING)[1].startswith("the name of a directory is wanted: ")
            assert program.returncode == 1
