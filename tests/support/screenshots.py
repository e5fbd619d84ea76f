"""Makes docs/images/dashboard-*.png: ``python -m tests.support.screenshots``, after ``make test-tools``.

A server with a moderated chat and a pipeline of rooms, clients that talk for a while, and the real browser.
"""

import base64
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.support.browser import Browser, Page
from tests.support.deadlines import joined
from tests.support.fws_server import FwsServer
from tests.support.websocket_client import connect

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
SECRET = "a secret of these pictures"
SECONDS = 45
"""How long the clients talk before the pictures are taken: the charts should have something to show."""

SIZES = {"light": (1100, "#storage"), "dark": (1100, "#log"), "phone": (390, "#pipelines")}
"""Width, and what the picture ends behind: whole boxes, not the half of one."""

CONFIG = {
    "filters": ["moderated_chat", "filtered_websocket.filters.broadcast_messages"],
    "pipelines": {"/rooms": ["filtered_websocket.filters.broadcast_messages_by_token"]},
    "publish_secret": SECRET,
}


@contextmanager
def server(folder: Path) -> Iterator[FwsServer]:
    (folder / "moderated_chat.py").write_text((ROOT / "examples" / "moderated_chat.py").read_text())
    (folder / "config.json").write_text(json.dumps(CONFIG))
    with FwsServer("-c", "config.json", "-p", "0", "--host", "127.0.0.1", cwd=folder) as running:
        yield running


def talk(port: int, ended: threading.Event) -> None:
    """Clients that come, talk in waves, and stay."""
    begin = time.monotonic()
    for _ in range(3):
        with suppress(InvalidStatus):
            connect(f"ws://127.0.0.1:{port}/", origin=Origin("https://evil.example"))
    with ExitStack() as stack:
        clients = []
        number = 0
        while not ended.wait(0.02):
            number += 1
            if number % 30 == 1 and len(clients) < 60:
                client = stack.enter_context(connect(f"ws://127.0.0.1:{port}/"))
                threading.Thread(target=lambda of: [None for _ in of], args=(client,), daemon=True).start()
                clients.append(client)
                if len(clients) % 4 == 0:
                    stack.enter_context(connect(f"ws://127.0.0.1:{port}/rooms")).send(f"token:room {len(clients) % 3}")
            wave = 1 + int(4 * abs(((time.monotonic() - begin) / 12) % 2 - 1))
            for client in clients[:wave]:
                client.send("HELLO, how are you?" if number % 3 else "buy at http://spam.example")


def shot(browser: Browser, page: Page, name: str) -> None:
    width, last = SIZES[name]

    def size(height: int) -> None:
        phone = name == "phone"
        browser.ask(
            "Emulation.setDeviceMetricsOverride", page.session, width=width, height=height, deviceScaleFactor=1.0,
            mobile=phone,
        )  # fmt: skip

    size(900)
    browser.ask("Emulation.setScrollbarsHidden", page.session, hidden=True)
    bottom = f"document.querySelector('{last}').closest('section').getBoundingClientRect().bottom"
    size(int(page.run(f"scrollTo(0, 0), {bottom}")) + 20)
    scheme = "dark" if name == "dark" else "light"
    browser.ask(
        "Emulation.setEmulatedMedia", page.session, features=[{"name": "prefers-color-scheme", "value": scheme}]
    )
    page.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    taken = browser.ask("Page.captureScreenshot", page.session, format="png")
    (IMAGES / f"dashboard-{name}.png").write_bytes(base64.b64decode(taken["data"]))


def main(seconds: float) -> None:
    IMAGES.mkdir(exist_ok=True)
    ended = threading.Event()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with server(folder) as running, Browser(folder / "profile") as browser:
            talker = threading.Thread(target=talk, args=(running.port, ended))
            talker.start()
            try:
                page = browser.open(f"http://127.0.0.1:{running.port}/dashboard")
                page.until("document.querySelector('.chart .stroke[d]')")
                page.run(f"document.getElementById('secret').value = {json.dumps(SECRET)}")
                page.run("document.getElementById('channel').value = 'broadcast_messages'")
                page.run("document.getElementById('watcher').requestSubmit()")
                page.until("document.querySelector('#messages li')")
                time.sleep(seconds)
                for name in SIZES:
                    shot(browser, page, name)
            finally:
                ended.set()
                joined(talker)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
