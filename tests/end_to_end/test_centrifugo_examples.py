"""The example of the Centrifugo pack in a browser, over a network that fails."""

import json
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.support.browser import Browser
from tests.support.fws_server import FwsServer
from tests.support.raw_client import frame
from tests.support.unreliable_proxy import UnreliableProxy

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "centrifugo"


def enter(page: Any, name: str) -> None:
    page.until("document.getElementById('enter')")
    page.run(f"document.getElementById('name').value = {json.dumps(name)}")
    page.run("document.querySelector('#enter button').click()")
    is_in(page, name)


def is_in(page: Any, name: str) -> None:
    page.until(f"document.getElementById('state').textContent === {json.dumps(f'connected as {name}')}")


def say(page: Any, text: str) -> None:
    page.run(f"document.getElementById('text').value = {json.dumps(text)}")
    page.run("document.querySelector('#form button').click()")


def has(page: Any, *lines: str) -> None:
    script = "JSON.stringify([...document.querySelectorAll('#log li')].map((line) => line.textContent))"
    page.until(f"{script} === {json.dumps(json.dumps(lines, separators=(',', ':'), ensure_ascii=False))}")


def members(page: Any, *names: str) -> None:
    page.until(
        f"[...document.querySelectorAll('#members li')].map((line) => line.textContent).join() === '{','.join(names)}'"
    )


def test_the_chat_shows_what_was_missed_while_the_network_was_cut(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLE, tmp_path / "centrifugo")
    with ExitStack() as servers, ExitStack() as stack:
        started = ("-c", "config.json", "--host", "127.0.0.1", "-p")
        server = servers.enter_context(FwsServer(*started, "0", cwd=folder))
        network = stack.enter_context(UnreliableProxy(server.port))
        browser = stack.enter_context(Browser(tmp_path / "profile"))
        ann, bob = browser.open(f"http://127.0.0.1:{network.port}/"), browser.open(server.url.replace("ws:", "http:"))
        enter(ann, "ann")
        members(ann, "ann")
        say(ann, "é <b>hello</b>")
        has(ann, "ann: é <b>hello</b>")
        enter(bob, "bob")
        for page in (ann, bob):
            members(page, "ann", "bob")
        say(bob, "hi ann")
        said = ["ann: é <b>hello</b>", "bob: hi ann"]
        for page in (ann, bob):
            has(page, *said)  # who comes later has what was said before
        # The network fails; what bob says meanwhile is missed, and comes once.
        network.cut()
        members(bob, "bob")
        for text in ("one", "two"):
            say(bob, text)
        has(bob, *said, "bob: one", "bob: two")
        has(ann, *said)
        network.mend()
        is_in(ann, "ann")
        said += ["back, and 2 came meanwhile", "bob: one", "bob: two"]
        has(ann, *said)
        assert ann.run("document.querySelectorAll('#log .missed').length") == 2
        for page in (ann, bob):
            members(page, "ann", "bob")
        # The page's own button does the same; what is said afterwards is live.
        ann.run("document.getElementById('cut').click()")
        members(bob, "bob")
        say(bob, "three")
        has(bob, "ann: é <b>hello</b>", "bob: hi ann", "bob: one", "bob: two", "bob: three")
        ann.run("document.getElementById('cut').click()")
        is_in(ann, "ann")
        say(ann, "four")
        has(ann, *said, "back, and 1 came meanwhile", "bob: three", "ann: four")
        # A server that has lost its history says so.
        server.signal()
        server.wait()
        again = servers.enter_context(FwsServer(*started, str(server.port), cwd=folder))
        assert again.port == server.port
        for page, name in ((ann, "ann"), (bob, "bob")):
            is_in(page, name)
            members(page, "ann", "bob")
        say(ann, "five")
        lost = "too much was missed: the newest messages are"
        has(ann, *said, "back, and 1 came meanwhile", "bob: three", "ann: four", lost, "ann: five")


def test_what_the_filters_refuse(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLE, tmp_path / "centrifugo")
    with FwsServer("-c", "config.json", "--host", "127.0.0.1", "-p", "0", cwd=folder) as server:
        for data in ("[]", "null", '{"name": 1}', '{"name": ""}', f'{{"name": "{"x" * 41}"}}'):
            with server.open("/connection/websocket") as client:
                client.send(frame(f'{{"id": 1, "connect": {{"data": {data}}}}}'))
                assert client.closed() == (4501, "a name of 1 to 40 characters is wanted")
        with server.open("/connection/websocket") as client:
            commands = [
                '{"id": 1, "connect": {"data": {"name": "ann"}}}',
                '{"id": 2, "subscribe": {"channel": "chat:x"}}',
            ]
            texts = ("1", "{}", '{"text": ""}', '{"text": 2}', f'{{"text": "{"x" * 1001}"}}')
            commands += [
                f'{{"id": {3 + at}, "publish": {{"channel": "chat:x", "data": {text}}}}}'
                for at, text in enumerate(texts)
            ]
            client.send(frame("\n".join(commands)))
            heard: list[Any] = []
            while len([each for each in heard if "error" in each]) < len(texts):
                heard += map(json.loads, client.text().split("\n"))
            assert {each["error"]["code"] for each in heard if "error" in each} == {400}
            assert not [each for each in heard if "pub" in each.get("push", {})]
