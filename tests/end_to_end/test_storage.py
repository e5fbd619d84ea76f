"""The storage object of a real server: chosen, a user's own, and what survives."""

import re
import signal
import socket
import sqlite3
import urllib.request
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.fws_server import FwsServer, Start, command
from tests.support.http_client import ask
from tests.support.raw_client import DEADLINE, RawClient

BY_TOKEN = "filtered_websocket.filters.broadcast_messages_by_token"

# As one was written for the original: synchronous, a dict of sets, options through argparse.
OWN = """
import json, os

class StorageObject:
    @classmethod
    def parser(cls, parser):
        parser.add_argument("--storage_file", default="groups.json", help="where groups are kept")

    def __init__(self):
        self.file, self.sets = "groups.json", {}

    def get(self, key):
        return self.sets.get(key)

    def add(self, key, value):
        self.sets.setdefault(key, set()).add(value)
        self.save()

    def remove(self, key, value):
        self.sets[key].discard(value)
        self.save()

    def save(self):
        with open(self.file + ".new", "w") as file:
            json.dump({key: sorted(values) for key, values in self.sets.items()}, file)
        os.replace(self.file + ".new", self.file)

    def greeting(self):
        return "hello from my own"
"""

USES_IT = """
    from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter
    from filtered_websocket.filters import broadcast_messages_by_token

    class Greet(WebSocketConnectFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.sendMessage(web_socket_instance.storage_object.greeting())
"""


def register(client: RawClient, token: str) -> RawClient:
    client.send(f"token:{token}")
    assert client.text() == f"Successfully registered with broadcast group: {token}"
    return client


def sync(client: RawClient) -> None:
    """Wait until the server has handled what this client sent."""
    client.send("token:sync")
    client.text()


# Histories.

KEEPS = """
    from filtered_websocket.filters.base import WebSocketMessageFilter

    class Keeps(WebSocketMessageFilter):
        @classmethod
        async def filter(cls, connection, data):
            await connection.publish(f"room {data[:1].decode()}", data)
            kept = [await connection.storage_object.latest(f"room {each}", 0, 100) for each in "ab"]
            connection.sendMessage(" ".join(str(len(each)) for each in kept))
"""


def test_what_histories_keep_is_bounded_and_what_that_costs_is_counted(fws_server: Start) -> None:
    rules = '{"room *": {"history": 1000}}'
    server = fws_server("-f", "my_filters", "--channels", rules, "--history_bytes", "64k", module=KEEPS)
    client = server.open()
    said = []
    for message in ("a" * 10000, *["b" * 10000] * 9):
        client.send(message)
        said.append(client.text())
    assert said[:6] == [f"1 {n}" for n in range(6)]
    assert said[6:] == ["0 6"] * 4
    server.wait_for("dropped: kept publications over history_bytes .room b")
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=DEADLINE) as page:
        assert 'fws_dropped_total{reason="kept publications over history_bytes"} 4.0' in page.read().decode()


# SQLite's file under a server that runs.

STORES = """
    from filtered_websocket.filters.base import WebSocketMessageFilter

    class Stores(WebSocketMessageFilter):
        @classmethod
        async def filter(cls, connection, data):
            await connection.storage_object.put("map", data.decode(), "value")
            connection.sendMessage("stored")
"""


def test_a_deleted_file_makes_the_server_unready_and_confirms_nothing(fws_server: Start, tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    server = fws_server("-f", "my_filters", "--storage", "sqlite", "--sqlite_file", str(file), module=STORES)
    client = server.open()
    client.send("first")
    assert client.text() == "stored"
    assert file.stat().st_mode & 0o777 == 0o600
    health = "127.0.0.1", server.port
    assert ask(health, "GET", "/health/ready").status == 200
    file.rename(tmp_path / "aside")
    server.wait_for("state.sqlite: it was deleted")
    assert ask(health, "GET", "/health/ready").status == 503
    client.send("lost")
    assert client.closed()[0] == 1013
    (tmp_path / "aside").rename(file)
    server.wait_for("all is well again")
    assert ask(health, "GET", "/health/ready").status == 200
    again = server.open()
    again.send("second")
    assert again.text() == "stored"
    copied = sqlite3.connect(tmp_path / "copy.sqlite")
    source = sqlite3.connect(file)
    source.backup(copied)
    assert {field for (field,) in copied.execute("SELECT field FROM maps")} == {b"first", b"second"}
    source.close()
    copied.close()


# A user's own, with the original's synchronous methods.


@pytest.fixture
def own(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "my_storage.py").write_text(OWN)
    return {"STORAGE_OBJECT_MODULE": "my_storage"}


def test_a_synchronous_storage_object_of_a_user_s_own_serves_the_filters(
    fws_server: Start, own: dict[str, str], tmp_path: Path
) -> None:
    server = fws_server("-f", "my_filters", module=USES_IT, environment=own)
    one, other = server.open(), server.open()
    for client in (one, other):
        assert client.text() == "hello from my own"
        register(client, "red")
    one.send("to the group")
    assert other.text() == "to the group"
    assert len(re.findall("[0-9a-f-]{36}", (tmp_path / "groups.json").read_text())) == 2
    other.quit()
    sync(one)
    assert '"red": []' in (tmp_path / "groups.json").read_text()
    assert "failed" not in server.log


def test_its_options_show_in_the_help_and_those_of_others_do_not(own: dict[str, str], tmp_path: Path) -> None:
    said = command("-h", cwd=tmp_path, environment=own).stdout
    assert "--storage_file" in said
    assert "--redis_host" not in said
    said = command(
        "-h", cwd=tmp_path, environment={"STORAGE_OBJECT_MODULE": "filtered_websocket.storage_objects.redis"}
    ).stdout
    assert "--redis_host" in said
    assert "--redis_host" not in command("-h", cwd=tmp_path).stdout


def test_workers_need_one_that_crosses_processes(own: dict[str, str], tmp_path: Path) -> None:
    ended = command("--workers", "2", "-p", "0", cwd=tmp_path, environment=own)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "my_storage does not: use --storage redis" in ended.stderr


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("x = 1", "storage my_storage: its module has no class StorageObject"),
        ("1 / 0", "storage my_storage: ZeroDivisionError: division by zero"),
        ("class StorageObject:\n    def __init__(self): raise OSError('no disk')", "no disk"),
    ],
)
def test_one_that_cannot_be_had_is_told_in_one_line(tmp_path: Path, source: str, wanted: str) -> None:
    (tmp_path / "my_storage.py").write_text(source)
    ended = command("-p", "0", "--storage", "my_storage", cwd=tmp_path)
    assert ended.returncode == 1
    assert wanted in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_storage_object_that_raises_closes_one_client_and_no_other(fws_server: Start, tmp_path: Path) -> None:
    broken = OWN.replace("self.sets.setdefault(key", "self.sets.setdefault({'bad': 1}['bad' if key != 'bad' else 0]")
    (tmp_path / "my_storage.py").write_text(broken)
    server = fws_server("-f", BY_TOKEN, "--storage", "my_storage")
    good, bad = server.open(), server.open()
    bad.send("token:bad")
    assert bad.closed()[0] == 1011
    register(good, "fine")
    server.wait_for("KeyError")


# Written for the original, with its base classes.

DERIVED = """
    import socket
    from filtered_websocket.storage_objects.base import BasePubSubStorageObject
    from filtered_websocket.storage_objects.subscribers.base import BaseSubscriber

    class Datagrams(BaseSubscriber):
        def __init__(self, client, options):
            self.client, self.path = client, options.datagrams

        def listener(self, web_socket_instance):
            while (data := self.client.recv(1000)) != b"#YOLO":
                web_socket_instance.queue.put({"type": "message", "data": data})

        def kill(self):
            self.client.sendto(b"#YOLO", self.path)
            print("the subscriber was told to end", flush=True)

    class StorageObject(BasePubSubStorageObject):
        def __init__(self, options, *args, **kwargs):
            super(StorageObject, self).__init__(options, *args, **kwargs)
            self.storage = {}
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.socket.bind(self.options.datagrams)

        def get_client(self):
            return self.socket

        def get(self, item):
            return self.storage.get(item)

        def __getitem__(self, item):
            return self.get(item)

        def add(self, key, value):
            self.storage.setdefault(key, set()).add(value)

        def remove(self, key, value):
            self.storage[key].remove(value)

        @classmethod
        def get_subscriber(cls):
            return Datagrams

        @classmethod
        def parser(cls, parser):
            parser = super(StorageObject, cls).parser(parser)
            parser.add_argument("--datagrams", help="the socket to listen on")
            return parser
"""


def test_a_storage_object_with_the_original_s_bases_gets_its_options_and_its_subscriber(
    fws_server: Start, tmp_path: Path
) -> None:
    (tmp_path / "my_storage.py").write_text(dedent(DERIVED))
    filters = (BY_TOKEN, "filtered_websocket.filters.broadcast_pubsub")
    environment = {"STORAGE_OBJECT_MODULE": "my_storage"}
    server = fws_server("-f", *filters, "--datagrams", "socket", environment=environment)
    one, other = register(server.open(), "red"), register(server.open(), "red")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        for text in (b"first", b"second"):
            sender.sendto(text, str(tmp_path / "socket"))
    for client in (one, other):
        assert [client.text(), client.text()] == ["first", "second"]
    one.send("to the group")
    assert other.text() == "to the group"
    server.drop_clients()
    server.signal()
    assert server.wait() == 0
    assert "the subscriber was told to end" in server.printed


# Ours.


def counting(folder: Path) -> None:
    (folder / "my_filters.py").write_text(
        "from filtered_websocket.filters.base import WebSocketMessageFilter\n"
        "class Count(WebSocketMessageFilter):\n"
        "    @classmethod\n"
        "    async def filter(cls, connection, data):\n"
        "        await connection.storage_object.add('seen', data.decode())\n"
        "        connection.sendMessage(str(len(await connection.storage_object.get('seen'))))\n"
    )


@pytest.mark.parametrize("storage", ["sqlite", "filtered_websocket.storage_objects.sqlite"])
def test_what_sqlite_has_confirmed_survives_kill_9(tmp_path: Path, storage: str) -> None:
    counting(tmp_path)
    arguments = ("-f", "my_filters", "--storage", storage, "--sqlite_file", str(tmp_path / "state.sqlite"))
    with FwsServer(*arguments, cwd=tmp_path) as server:
        client = server.open()
        for number in range(1, 51):
            client.send(str(number))
            assert client.text() == str(number)
        server.signal(signal.SIGKILL)
        server.process.wait(DEADLINE)
    with FwsServer(*arguments, cwd=tmp_path) as server:
        client = server.open()
        client.send("51")
        assert client.text() == "51"


@pytest.mark.parametrize("storage", ["memory", "filtered_websocket.storage_objects.default"])
def test_memory_begins_anew(tmp_path: Path, storage: str) -> None:
    counting(tmp_path)
    for _ in range(2):
        with FwsServer("-f", "my_filters", cwd=tmp_path, environment={"STORAGE_OBJECT_MODULE": storage}) as server:
            client = server.open()
            client.send("one")
            assert client.text() == "1"
