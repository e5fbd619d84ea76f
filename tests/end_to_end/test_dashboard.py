"""The dashboard in a real browser, of a real server under load."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.typing import Origin

from tests.support.browser import Browser, Page
from tests.support.deadlines import joined
from tests.support.fws_server import FwsServer
from tests.support.redis_server import RedisServer
from tests.support.websocket_client import connect

# One browser for all tests: it keeps connections to a server that ends, and its page looks on.
pytestmark = pytest.mark.leaves("a socket of a client", "fws_channels{")

BROADCAST = "filtered_websocket.filters.broadcast_messages"
SECRET = "the publish secret"
MARKUP = "<img src=x onerror=\"document.title='broken in'\">"

HOSTILE = f"""
from filtered_websocket.filters.base import WebSocketMessageFilter

class Named(WebSocketMessageFilter):
    __qualname__ = {MARKUP!r}

    @classmethod
    def filter(cls, connection, data):
        connection.subscribe(data.decode())
        for _ in range(100):
            connection.sendMessage(b"x" * 500_000, True)
"""

FAILS = """
from filtered_websocket.filters.base import WebSocketMessageFilter

class Fails(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection, data):
        if data == b"fail":
            raise ValueError("<b>asked to</b>")
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "fails.py").write_text(FAILS)
    pipelines = json.dumps({"/other": [BROADCAST]})
    with FwsServer(
        "-f", "fails", BROADCAST, "--publish_secret", SECRET, "--pipelines", pipelines, cwd=folder
    ) as running:
        yield running


@contextmanager
def load(server: FwsServer) -> Iterator[None]:
    """Four clients, one of which talks all the time."""
    ended = threading.Event()
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(f"ws://127.0.0.1:{server.port}/")) for _ in range(4)]

        def talk() -> None:
            while not ended.wait(0.01):
                clients[0].send("hello")

        threads = [threading.Thread(target=talk)]
        threads += [threading.Thread(target=lambda of: [None for _ in of], args=(each,)) for each in clients]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            joined(threads[0])
            for client in clients:
                client.close()
            for thread in threads[1:]:
                joined(thread)


def dashboard(browser: Browser, server: FwsServer) -> Page:
    page = browser.open(f"http://127.0.0.1:{server.port}/dashboard")
    page.until("document.getElementById('state')?.textContent === 'ready'")
    return page


def chart(title: str) -> str:
    """An expression: the chart of this title."""
    captions = "[...document.querySelectorAll('.chart figcaption')]"
    return f"{captions}.find((each) => each.textContent === '{title}')?.parentNode"


def value(title: str) -> str:
    return f"parseFloat({chart(title)}?.querySelector('.value').textContent)"


def fill(page: Page, **fields: str) -> None:
    for name, text in fields.items():
        page.run(f"document.getElementById('{name}').value = {json.dumps(text)}")


def test_the_charts_move_while_load_runs_and_fall_when_it_ends(browser: Browser, server: FwsServer) -> None:
    page = dashboard(browser, server)
    line = f"{chart('delivered / s')}?.querySelector('.stroke').getAttribute('d')"
    assert page.until(f"{value('connections')} === 0 && 'at rest'")
    with load(server):
        assert page.until(f"{value('connections')} === 4 && 'four'")
        received, delivered = (
            page.until(f"{value(f'{name} / s')} > 5 && {value(f'{name} / s')}") for name in ("received", "delivered")
        )
        assert delivered > received, "three get what one says"
        before = page.until(line)
        assert page.until(f"{line} !== {json.dumps(before)} && {line}").count("L") > 0
        assert page.until("parseFloat(document.querySelector('.pipeline .filter:last-child span').textContent) > 0")
    assert page.until(f"{value('connections')} === 0 && 'at rest again'")
    assert page.until(f"{value('delivered / s')} === 0 && 'silent'")


def test_each_pipeline_is_drawn_as_its_pipes(browser: Browser, server: FwsServer) -> None:
    page = dashboard(browser, server)
    page.until("document.querySelectorAll('.pipeline').length === 2")
    names = """[...document.querySelectorAll(".pipeline")].map((each) =>
        [...each.querySelectorAll(".chain")].map((chain) =>
            [...chain.querySelectorAll(".event, b")].map((name) => name.textContent.replaceAll("\u200b", ""))))"""
    everywhere, other = page.run(names)
    joins, spreads = "broadcast_messages.Join", "broadcast_messages.BroadcastMessages"
    assert everywhere == [["connect", joins], ["message", "fails.Fails", spreads]]
    assert other == [["connect", joins], ["message", spreads]]


def test_a_channel_is_watched_and_published_to_and_markup_stays_text(browser: Browser, server: FwsServer) -> None:
    page = dashboard(browser, server)
    with connect(f"ws://127.0.0.1:{server.port}/") as client:
        fill(page, secret="wrong", channel="broadcast_messages")
        page.run("document.getElementById('watcher').requestSubmit()")
        assert page.until("document.querySelector('#answer.bad')?.textContent") == "this is not the publish_secret"
        fill(page, secret=SECRET)
        page.run("document.getElementById('watcher').requestSubmit()")
        page.until("document.getElementById('answer').textContent === 'watching broadcast_messages'")
        fill(page, message=MARKUP)
        page.run("document.getElementById('publisher').requestSubmit()")
        assert client.recv(15) == MARKUP
        client.send(MARKUP)
        shown = "[...document.querySelectorAll('#messages span')].map((each) => each.textContent)"
        page.until(f"{shown}.length >= 2")
        assert page.run(shown)[-2:] == [MARKUP, MARKUP]
    assert page.run("document.title") == "filtered_websocket"
    assert page.run("document.querySelectorAll('#messages img').length") == 0


def test_names_that_clients_and_filters_give_stay_text_wherever_they_stand(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "hostile.py").write_text(HOSTILE)
    with FwsServer("-f", "hostile", "--publish_secret", SECRET, "--send_buffer", "100M", cwd=tmp_path) as hostile:
        with connect(
            f"ws://127.0.0.1:{hostile.port}/{quote(MARKUP)}", user_agent_header=MARKUP, max_queue=1, close_timeout=0.2
        ) as client:
            client.send(MARKUP)
            with pytest.raises(InvalidStatus):
                connect(f"ws://127.0.0.1:{hostile.port}/", origin=Origin(f"https://{MARKUP}"))
            page = dashboard(browser, hostile)
            page.until("document.querySelectorAll('#log .warn').length > 0")
            page.until(
                "[...document.querySelectorAll('.filter b')].some((each) => each.textContent.includes('onerror'))"
            )
            channels = "[...document.querySelectorAll('#channels option')].map((each) => each.value)"
            assert page.until(f"{channels}.includes({json.dumps(MARKUP)}) && 'there'")
            assert page.until("document.querySelector('#slow tbody td:nth-child(2)')?.textContent.startsWith('/')")
        assert page.run("document.title") == "filtered_websocket"
        assert page.run("document.querySelectorAll('main img, main script, [onerror]').length") == 0


def test_refusals_failures_and_the_log_are_shown_as_text(browser: Browser, server: FwsServer) -> None:
    page = dashboard(browser, server)
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{server.port}/", origin=Origin("https://evil.example"))
    with connect(f"ws://127.0.0.1:{server.port}/") as client:
        client.send("fail")
        with pytest.raises(ConnectionClosedError):
            client.recv(15)
    assert page.until("/<b>asked to<.b>/.exec(document.querySelector('#log .error')?.textContent)?.[0]")
    cells = "[...document.querySelectorAll('#counted tbody tr')].map((row) => row.firstChild.textContent)"
    assert page.until(f"{cells}.includes('refused') && {cells}.includes('failed')")
    assert page.run("document.querySelectorAll('#log b').length") == 0
    assert SECRET not in page.run("document.documentElement.outerHTML")


def test_it_says_so_when_the_server_is_gone_and_goes_on_with_the_next_one(browser: Browser, tmp_path: Path) -> None:
    with FwsServer("-f", BROADCAST, cwd=tmp_path) as first:
        page = dashboard(browser, first)
        port = str(first.port)
    page.until("document.getElementById('state').textContent === 'not reachable'")
    assert page.run("document.body.classList.contains('stale')"), "numbers of before look like it"
    with FwsServer("-f", BROADCAST, "-p", port, "--host", "127.0.0.1", cwd=tmp_path) as second:
        page.until("document.getElementById('state').textContent === 'ready'")
        process = f"/{second.process.pid}"
        page.until(
            f"[...document.querySelectorAll('#facts dd')].some((each) => each.textContent.endsWith('{process}'))"
        )
        assert not page.run("document.body.classList.contains('stale')")


def test_one_page_shows_all_processes_or_one_of_them(browser: Browser, server: FwsServer, tmp_path: Path) -> None:
    page = dashboard(browser, server)
    assert page.run("document.getElementById('process-label').hidden"), "a server that is alone offers no others"
    with RedisServer(tmp_path) as redis:
        shared = ("--workers", "2", "--storage", "redis", "--redis_url", redis.url)
        with FwsServer("-f", BROADCAST, *shared, cwd=tmp_path) as several, ExitStack() as stack:
            page = dashboard(browser, several)
            options = "[...document.getElementById('process').options].map((each) => each.value)"
            names = page.until(f"{options}.length === 3 && {options}")
            for _ in range(4):
                stack.enter_context(connect(f"ws://127.0.0.1:{several.port}/"))
            assert page.until(f"{value('connections')} === 4 && 'the sum'")
            parts = []
            for name in names[1:]:
                page.run(f"document.getElementById('process').value = {json.dumps(name)}")
                said = "document.getElementById('facts').textContent"
                page.until(f"{said}.includes({json.dumps(name)})")
                parts.append(page.run(value("connections")))
            assert sum(parts) == 4


@pytest.mark.parametrize(("width", "columns"), [(1200, 4), (390, 2)])
def test_it_is_readable_at_every_width_and_in_the_dark(
    browser: Browser, server: FwsServer, width: int, columns: int
) -> None:
    page = dashboard(browser, server)
    browser.ask(
        "Emulation.setDeviceMetricsOverride",
        page.session,
        width=width,
        height=800,
        deviceScaleFactor=1,
        mobile=width < 600,
    )
    assert page.run("document.documentElement.scrollWidth") <= width, "nothing stands out on the right"
    # A line of a name ends behind a dot or an underscore, never within a word.
    broken = """[...document.querySelectorAll(".filter b, #counted td, h3")].filter((each) => {
        const before = each.getBoundingClientRect().width;
        each.style.overflowWrap = "normal";
        const after = each.scrollWidth;
        each.style.overflowWrap = "";
        return after > before + 1;
    }).length"""
    assert page.run(broken) == 0
    used = """[...document.querySelectorAll(".pipe")].map((each) => {
        const right = (of) => of.getBoundingClientRect().right;
        return Math.abs(right(each.lastElementChild) - right(each));
    })"""
    assert max(page.run(used)) < 2, "the pipe uses the width that there is"
    grid = "getComputedStyle(document.getElementById('charts')).gridTemplateColumns.split(' ').length"
    assert page.run(grid) == columns
    grounds = []
    for scheme in ("light", "dark"):
        browser.ask(
            "Emulation.setEmulatedMedia", page.session, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        grounds.append(page.run("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(244, 246, 248)", "rgb(14, 19, 26)"]
