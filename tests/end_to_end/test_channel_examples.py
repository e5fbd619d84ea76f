"""The examples of the Pushi and Pusher packs: their chats in a browser, and what is brought from MongoDB."""

import json
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from filtered_websocket.filters.shared.signatures import sign
from tests.support.browser import Browser
from tests.support.fws_server import FwsServer
from tests.support.lines import PusherJs

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
KEY = "k" * 64


def enter(page: Any, name: str) -> None:
    page.until("document.getElementById('enter')")
    page.run(f"document.getElementById('name').value = {json.dumps(name)}")
    page.run("document.querySelector('#enter button').click()")
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


@pytest.mark.parametrize("pack", ["pusher", "pushi"])
def test_the_chat_with_presence_works_in_a_browser(pack: str, tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / pack, tmp_path / pack)
    with ExitStack() as stack:
        server = stack.enter_context(FwsServer("-c", "config.json", "-p", "0", "--host", "127.0.0.1", cwd=folder))
        browser = stack.enter_context(Browser(tmp_path / "profile"))
        url = f"http://127.0.0.1:{server.port}/"
        ann, bob = browser.open(url), browser.open(url)
        enter(ann, "ann")
        members(ann, "ann")
        event = "message" if pack == "pushi" else "client-message"
        for data in ("null", "no JSON"):  # hides nothing of what comes after it
            ann.run(f"send({{ event: '{event}', channel: 'presence-chat', data: {json.dumps(data)} }})")
        say(ann, "é <b>hello</b>")
        enter(bob, "bob")
        for page in (ann, bob):
            members(page, "ann", "bob")
        say(bob, "hi ann")
        before = ["ann: é <b>hello</b>"]
        has(ann, *before, "bob is here", "bob: hi ann")
        # Pushi stores what was said before somebody came.
        has(bob, *(before if pack == "pushi" else []), "bob: hi ann")
        browser.ask("Page.navigate", bob.session, url="about:blank")
        members(ann, "ann")
        has(ann, *before, "bob is here", "bob: hi ann", "bob has left")


def test_pusher_js_takes_part_in_the_chat_as_the_examples_page_says(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "pusher", tmp_path / "pusher")
    with ExitStack() as stack:
        server = stack.enter_context(FwsServer("-c", "config.json", "-p", "0", "--host", "127.0.0.1", cwd=folder))
        app = {"appId": "1001", "key": "example-key", "secret": "none of a page's business"}
        app |= {"host": "127.0.0.1", "port": server.port, "useTLS": False}
        app["endpoint"] = f"http://127.0.0.1:{server.port}/pusher/auth"
        ann, bob = (stack.enter_context(PusherJs(app, name)).connected() for name in ("ann", "bob"))
        ann.subscribe("presence-chat")
        assert bob.subscribe("presence-chat")["members"] == {"ann": {"name": "ann"}, "bob": {"name": "bob"}}
        bob.do("trigger", "presence-chat", "client-message", {"text": "hi"})
        assert ann.event("presence-chat", "client-message") == {"text": "hi"}
        assert ann.wait("from")["user"] == "bob"
        bob.do("subscribe", "private-else")
        assert bob.event("private-else", "pusher:subscription_error")["status"] == 403


def test_the_chat_of_pushi_signs_for_its_own_channel_only(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "pushi", tmp_path / "pushi")
    with FwsServer("-c", "config.json", "-p", "0", "--host", "127.0.0.1", cwd=folder) as server:
        name = json.loads(json.loads(server.open("/example-key").text())["data"])["socket_id"]
        for socket_id, status in ((name, 200), (f"{name}:private-else", 400)):
            client = server.client()
            client.send(f"GET /auth?socket_id={socket_id}&name=ann HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert client.response().status == status


def test_what_the_original_kept_in_mongodb_is_brought(tmp_path: Path) -> None:
    now = time.time()
    record = {"enabled": True, "description": None, "meta": {}, "instance": "app1"}
    event = {"event": "message", "channel": "news"}
    exported: dict[str, list[Any]] = {
        "app": [{"_id": {"$oid": "5f"}, "id": 1, "ident": "app1", "key": KEY, "secret": "secret", "name": "old"}],
        "subscription": [record | {"id": {"$numberLong": "7"}, "user_id": "u", "event": "news"}],
        "pushievent": [
            record | {"id": number, "mid": f"m{number}", "timestamp": now - 10 + number, "channel": "news",
                      "owner_id": None, "data": event | {"data": f"event {number}"}}
            for number in (2, 0, 1)
        ] + [record | {"id": 9, "mid": "old", "timestamp": 1.0, "channel": "news", "data": event | {"data": "old"}}],
        "association": [record | {"user_id": "u", "mid": mid} for mid in ("m0", "m2", "old")],
        "web": [record | {"url": "https://a.example/", "event": "news"}],
    }  # fmt: skip
    for name, documents in exported.items():
        lines = "\n".join(json.dumps(each) for each in documents)
        (tmp_path / f"{name}.json").write_text(json.dumps(documents) if name == "web" else lines)
    options = ["-f", "filtered_websocket.filters.pushi", "--storage", "sqlite", "--sqlite_file", "events.sqlite"]
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / "pushi" / "import_mongo.py"), ".", *options],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "1 app, 1 subscription, 1 web, 2 association, 3 pushievent\n"
    with FwsServer(*options, cwd=tmp_path) as server, server.open(f"/{KEY}") as client:
        socket_id = json.loads(json.loads(client.text())["data"])["socket_id"]
        auth = f"{KEY}:{sign('secret', f'{socket_id}:personal-u')}"
        client.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": "personal-u", "auth": auth}}))
        about = json.loads(json.loads(client.text())["data"])
        assert about["alias"] == ["news"]
        assert [each["data"]["data"] for each in about["events"]] == ["event 2", "event 0"]
        client.send(json.dumps({"event": "pusher:latest", "data": {"channel": "news"}}))
        stored = json.loads(json.loads(client.text())["data"])["events"]
        assert [each["mid"] for each in stored] == ["m2", "m1", "m0"]


def test_a_file_that_mongoexport_did_not_write_is_named(tmp_path: Path) -> None:
    (tmp_path / "app.json").write_text('{"ident": "a"}\n{')
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / "pushi" / "import_mongo.py"), ".", "-f", "filtered_websocket.filters.pushi"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert "app.json, line 2" in ran.stderr
