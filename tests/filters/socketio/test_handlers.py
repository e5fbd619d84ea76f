"""Applications of python-socketio: the same module of handlers runs with its AsyncServer and with ours."""

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from twisted.internet.defer import fail

from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.filters.socketio.handlers import Server as Handlers
from filtered_websocket.filters.socketio.registered import current
from filtered_websocket.testing.client import Client
from filtered_websocket.testing.server import Server
from tests.filters.socketio.clients import enter
from tests.filters.ws_emit.clients import socket as opened
from tests.support.fws_server import FwsServer
from tests.support.lines import TESTS
from tests.support.shared_memory import SharedMemory
from tests.support.socketio_clients import Client as OtherClient
from tests.support.socketio_clients import python_path

OURS = "from filtered_websocket.filters.socketio import handlers as socketio\n"
THEIRS = "import socketio\n"

Begin = Callable[..., Server]

HANDLERS = """
import asyncio
sio = socketio.AsyncServer(async_mode="asgi")
told = []


def tell(*what):
    told.append([str(each) for each in what])


@sio.event
async def connect(sid, environ, auth):
    if auth == {"name": "none"}:
        return False
    if auth == {"name": "refused"}:
        raise socketio.exceptions.ConnectionRefusedError("go away", {"until": 5})
    if auth == {"name": "builtin"}:
        raise ConnectionRefusedError()
    await sio.save_session(sid, {"name": auth["name"] if auth else environ["REQUEST_METHOD"]})
    await sio.enter_room(sid, "hall")


@sio.event
async def disconnect(sid, reason):
    session = await sio.get_session(sid)
    await sio.emit("left", (session["name"], reason, len(sio.rooms(sid))), skip_sid=sid)


@sio.event
def message(sid, data):
    return "got", data


@sio.on("json")
def received_json(sid, *data):
    return list(data)


@sio.event
def nothing(sid):
    pass


@sio.event
def fails(sid):
    raise KeyError("x")


@sio.event
async def fails_later(sid):
    await sio.sleep(0)
    raise KeyError("x")


@sio.event
async def say(sid, text):
    async with sio.session(sid) as session:
        session["said"] = text
    await sio.emit("said", text, room="hall", skip_sid=sid)


@sio.event
async def what_i_said(sid):
    return await sio.get_session(sid)


@sio.event
async def many(sid):
    await sio.emit("many", ("a", {"b": b"\\x01"}, None), to=sid)
    await sio.send({"x": 1}, to=sid)
    await sio.emit("empty", to=["hall", "other"])


@sio.event
async def rooms(sid):
    await sio.enter_room(sid, "a")
    inside = sorted(each for each in sio.rooms(sid) if each != sid)
    await sio.leave_room(sid, "a")
    await sio.close_room("hall")
    return inside, [each for each in sio.rooms(sid) if each != sid]


@sio.event
async def ask(sid):
    answer = await sio.call("question", "?", to=sid)
    await sio.emit("answer", ["single" if not isinstance(answer, tuple) else "several", answer], to=sid)


@sio.event
async def ask_back(sid):
    async def answered(*arguments):
        await sio.emit("called back", arguments, to=sid)

    await sio.emit("question", "?", to=sid, callback=answered)


@sio.event
async def task(sid):
    async def work(name, to):
        await sio.sleep(0)
        await sio.emit(name, to=to)

    sio.start_background_task(work, "worked", to=sid)


@sio.event
async def out(sid):
    await sio.disconnect(sid)


@sio.on("*")
async def others(sid_or_event, *arguments):
    return "other", sid_or_event, len(arguments)


@sio.event(namespace="/chat")
def connect(sid, environ):
    pass


@sio.on("where", namespace="/chat")
def where(sid):
    return "/chat"


@sio.on("anywhere", namespace="*")
def anywhere(namespace, sid):
    return "any", namespace


class Class(socketio.AsyncNamespace):
    async def on_connect(self, sid, environ):
        await self.enter_room(sid, "r")

    def on_disconnect(self, sid):
        pass

    async def on_hello(self, sid, text):
        await self.emit("hello", text, room="r")
        await self.save_session(sid, 5)
        return await self.get_session(sid), len(self.rooms(sid))


sio.register_namespace(Class("/class"))
"""

STEPS = [
    ("a", '40{"name":"ann"}'),
    ("b", "40"),
    ("n", '40{"name":"none"}'),
    ("r", '40{"name":"refused"}'),
    ("p", '40{"name":"builtin"}'),
    ("a", '421["message","x"]'),
    ("a", '422["json",1,{"a":[]}]'),
    ("a", '423["nothing"]'),
    ("a", '424["fails"]'),
    ("a", '425["fails_later"]'),
    ("a", '426["message"]'),
    ("a", '42["say","hi"]'),
    ("a", '427["what_i_said"]'),
    ("a", '42["many"]'),
    ("a", '42["ask"]'),
    ("a", "43ACK[1]"),
    ("a", '42["ask"]'),
    ("a", "43ACK[1,2]"),
    ("a", '42["ask_back"]'),
    ("a", "43ACK[3,4]"),
    ("a", '42["task"]'),
    ("a", '428["whatever",1,2]'),
    ("a", "40/chat,"),
    ("a", '42/chat,1["where"]'),
    ("a", '42/chat,2["anywhere"]'),
    ("a", '42/chat,3["nowhere"]'),
    ("b", "40/class,"),
    ("b", '42/class,1["hello","x"]'),
    ("b", '42/class,2["unknown"]'),
    ("b", "41/class,"),
    ("a", '451-["message",{"_placeholder":true,"num":0}]'),
    ("a", {"bytes": [1, 2]}),
    ("b", "41"),
    ("a", '429["rooms"]'),
    ("c", "40"),
    ("a", '42["out"]'),
]


def normal(answers: list[dict[str, list[Any]]]) -> Any:
    """Packets as they are, but ids by the order in which they were given, and the numbers that a server chooses."""
    ids: dict[str, str] = {}
    for answer in answers:
        for packets in answer.values():
            for packet in packets:
                if isinstance(packet, str) and '{"sid":"' in packet:
                    sid = json.loads(packet[packet.index("{") :])["sid"]
                    ids[sid] = f"ID{len(ids)}"
    text = json.dumps(answers)
    for sid, name in ids.items():
        text = text.replace(sid, name)
    return [_unnumbered(answer) for answer in json.loads(text)]


def _unnumbered(answer: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: [_without_number(each) for each in packets] for name, packets in answer.items()}


def _without_number(packet: Any) -> Any:
    return "42N" + packet[packet.index("[") :] if '["question"' in str(packet) else packet


def number(packet: str) -> str:
    """That of the acknowledgement which an event asks for."""
    return packet[2 : packet.index("[")]


def run_ours(server: Server) -> list[dict[str, list[Any]]]:
    clients: dict[str, Client] = {}
    answers, asked = [], ""
    for name, packet in STEPS:
        if name not in clients:
            clients[name] = opened(server, connect=False)
        payload = bytes(packet["bytes"]) if isinstance(packet, dict) else packet.replace("ACK", asked)
        clients[name].send(payload)
        server.settle()
        server.advance(0)
        answer: dict[str, list[Any]] = {}
        for each, made in clients.items():
            if received := made.received():
                answer[each] = [one if isinstance(one, str) else {"bytes": list(one)} for one in received]
        asked = next((number(one) for each in answer.values() for one in each if '["question"' in str(one)), asked)
        answers.append(answer)
    return answers


def run_theirs(folder: Path) -> list[dict[str, list[Any]]]:
    script = str(TESTS / "python" / "socketio_handlers.py")
    environment = {**os.environ, **python_path("socketio")}
    done = subprocess.run(
        [sys.executable, script, str(folder)],
        input=json.dumps(STEPS),
        text=True,
        capture_output=True,
        env=environment,
        timeout=60,
        check=True,
    )
    return list(json.loads(done.stdout.splitlines()[-1]))  # handlers may print


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Begins a server with a module of handlers."""
    monkeypatch.syspath_prepend(tmp_path)
    names = []
    with ExitStack() as stack:

        def make(source: str, **options: Any) -> Server:
            name = f"{tmp_path.name}_{len(names)}".replace("-", "_")
            (tmp_path / f"{name}.py").write_text(OURS + dedent(source))
            importlib.invalidate_caches()
            names.append(name)
            return stack.enter_context(Server(name, **{"socketio_cors": ["*"], **options}))

        yield make
    for name in names:
        sys.modules.pop(name, None)


def test_the_same_handlers_send_the_same_packets(begin: Begin, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "application.py").write_text(THEIRS + HANDLERS)
    theirs = normal(run_theirs(folder))
    server = begin(HANDLERS)
    ours = normal(run_ours(server))
    failures = [error.splitlines()[-1].partition(":")[0] for error in server.errors]
    assert failures == ["KeyError", "KeyError", "TypeError"]
    assert current.get() is None, "whose handler runs is known outside it"
    for step, there, here in zip(STEPS, theirs, ours, strict=True):
        assert here == there, step


def member(server: Server, namespace: str = "/", auth: Any = None, path: str = "/socket.io/") -> Client:
    """A client in a namespace; `sid` is its id there."""
    made = opened(server, connect=False, uri=f"{path}?EIO=4&transport=websocket")
    enter(made, namespace, auth)
    return made


def test_what_a_connect_handler_emits_to_all_reaches_the_newcomer_once_behind_its_admission(begin: Begin) -> None:
    server = begin("""
        sio = socketio.Server()

        @sio.event
        async def connect(sid, environ):
            await sio.enter_room(sid, "hall")
            await sio.emit("all", 1)
            await sio.emit("hall", 2, room="hall")
            await sio.emit("others", 3, skip_sid=sid)
            await sio.sleep(1)
            await sio.emit("me", 4, to=sid)
    """)
    first = opened(server, connect=False)
    first.send("40")
    assert first.received() == []
    server.advance(1)
    assert [str(each)[:7] for each in first.received()] == ['40{"sid', '42["all', '42["hal', '42["me"']
    second = opened(server, connect=False)
    second.send("40")
    assert first.received() == ['42["all",1]', '42["hall",2]', '42["others",3]']
    server.advance(1)
    assert [str(each)[:7] for each in second.received()] == ['40{"sid', '42["all', '42["hal', '42["me"']


def test_two_servers_of_a_module_each_have_their_handlers(begin: Begin) -> None:
    server = begin("""
        one, two = socketio.Server(), socketio.Server()

        @one.event
        async def both(sid):
            await one.emit("one", to=sid)

        @two.event
        async def both(sid):
            await two.emit("two", to=sid)
            return "second"

        @two.on("*", namespace="/two")
        def any(event, sid):
            return event
    """)
    client = member(server)
    client.send('421["both"]')
    assert client.received() == ['42["one"]', '42["two"]', '431["second"]']
    enter(client, "/two")
    client.send('42/two,2["x"]')
    assert client.received() == ['43/two,2["x"]']


NAMED = """
    sio = socketio.Server()

    @sio.event
    async def connect(sid, environ):
        sio.start_background_task(task)

    @sio.event
    async def say(sid, text):
        await sio.emit("said", text)

    async def task():
        await sio.sleep(5)
        await sio.emit("from the task")
"""


def test_a_handler_emits_within_its_pipeline_and_a_task_to_all_that_run_the_server(begin: Begin) -> None:
    # The fixture's server brings the module, and runs it too.
    beside = begin(NAMED)
    first = member(beside)
    (name,) = (each for each in sys.modules if each.endswith("_0") and each.startswith("test_a_handler_emits"))
    with Server(pipelines={"/a/*": [name], "/b/*": [name]}, socketio_cors=["*"]) as server:
        one, two = member(server, path="/a/socket.io/"), member(server, path="/b/socket.io/")
        one.send('42["say","x"]')
        assert (one.received(), two.received(), first.received()) == (['42["said","x"]'], [], [])
        beside.advance(5)
        server.advance(5)
        assert '42["from the task"]' in one.received()
        assert '42["from the task"]' in two.received()
        assert '42["from the task"]' in first.received()


def test_clients_of_another_node(begin: Begin) -> None:
    source = """
        sio = socketio.Server()

        @sio.event
        async def connect(sid, environ):
            await sio.emit("come", sid)

        @sio.event
        async def enter(sid, other):
            await sio.enter_room(other, "r")

        @sio.event
        async def say(sid):
            await sio.emit("said", room="r", ignore_queue=False)
            await sio.emit("here", room="r", ignore_queue=True)

        @sio.event
        async def ask(sid, other):
            return await sio.call("question", to=other)

        @sio.event
        async def close(sid, other):
            await sio.close_room("r")

        @sio.event
        async def out(sid, other):
            await sio.disconnect(other)

        @sio.event
        async def session(sid, other):
            await sio.get_session(other)
    """
    storage = SharedMemory()
    servers = [begin(source, storage_object=storage) for _ in range(2)]
    here, there = (opened(each, connect=False) for each in servers)

    def settle() -> None:
        for _ in range(4):
            for each in servers:
                each.settle()

    here.send("40")
    settle()
    (admitted, come) = here.received()
    assert come == f'42["come","{json.loads(str(admitted)[2:])["sid"]}"]'
    there.send("40")
    settle()
    other = json.loads(str(there.received()[0])[2:])["sid"]
    assert here.received() == [f'42["come","{other}"]']

    def tell(event: str) -> None:
        here.send(f'421["{event}","{other}"]' if event != "say" else '421["say"]')
        settle()

    tell("enter")
    tell("say")
    assert there.received() == ['42["said"]']
    tell("ask")
    (question,) = there.received()
    there.send(f"43{number(str(question))}[7]")
    settle()
    assert here.received()[-1] == "431[7]"
    tell("close")
    tell("say")
    assert there.received() == []
    tell("session")
    # Each server of a process sees its log.
    assert all("no client" in each.errors[0] for each in servers)
    tell("out")
    assert there.received() == ["41"]


class Away(SharedMemory):
    """As Redis while it is away: other nodes hear nothing."""

    away = False

    def publish(self, channel: Any, message: Any) -> Any:
        return fail(StorageAway()) if self.away else super().publish(channel, message)


def test_what_is_emitted_while_the_storage_object_is_away_is_lost_and_the_handler_goes_on(begin: Begin) -> None:
    storage = Away()
    source = """
        sio = socketio.Server()

        @sio.event
        async def go(sid):
            await sio.emit("lost")
            await sio.close_room("r")
            await sio.disconnect("nobody")
            return "still here"
    """
    server = begin(source, storage_object=storage)
    client = member(server)
    storage.away = True
    client.send('421["go"]')
    assert client.received() == ['431["still here"]']
    counted = server.server.counters.totals["dropped", "socketio: the storage object is away"]
    storage.away = False
    assert counted == 3


def test_ids_that_nobody_has(begin: Begin) -> None:
    server = begin("""
        sio = socketio.Server()

        @sio.event
        async def all(sid):
            told = []
            for does in (
                lambda: sio.enter_room("nobody", "r"),
                lambda: sio.get_session("nobody"),
                lambda: sio.save_session("nobody", {}),
                lambda: sio.call("x", to="nobody"),
                lambda: sio.call("x"),
                lambda: sio.call("silent", to=sid, timeout=2),
                lambda: sio.leave_room("nobody", "r"),
                lambda: sio.disconnect("nobody"),
                lambda: sio.emit("x", to="nobody"),
            ):
                try:
                    await does()
                except Exception as error:
                    told.append(type(error).__name__)
                else:
                    told.append("nothing")
            return told, sio.get_environ("nobody"), sio.get_environ(sid)["QUERY_STRING"]
    """)
    client = member(server)
    client.send('421["all"]')
    (asked,) = client.received()
    assert '["silent"]' in str(asked)
    server.advance(2)
    told = ["ValueError", "KeyError", "KeyError", "TimeoutError", "ValueError", "TimeoutError", *["nothing"] * 3]
    assert json.loads(str(client.received()[0])[3:]) == [told, None, "EIO=4&transport=websocket"]


def test_a_handler_goes_on_when_it_has_put_out_its_client(begin: Begin) -> None:
    server = begin("""
        sio = socketio.Server()

        @sio.event
        async def out(sid):
            await sio.save_session(sid, {"name": "ann"})
            await sio.disconnect(sid)
            await sio.sleep(1)
            session = await sio.get_session(sid)
            await sio.emit("gone", session["name"])

        @sio.event
        def disconnect(sid):
            pass
    """)
    client, other = member(server), member(server)
    client.send('421["out"]')
    assert client.received() == ["41"]
    server.advance(1)
    assert (client.received(), other.received()) == ([], ['42["gone","ann"]'])


def test_a_handler_that_comes_too_late_is_refused_unless_it_takes_the_place_of_one(begin: Begin) -> None:
    server = begin("""
        sio = socketio.Server()

        @sio.event
        def late(sid):
            for event in ("late", "later"):
                try:
                    sio.on(event, lambda sid: "replaced")
                except RuntimeError as error:
                    return str(error)
    """)
    client = member(server)
    client.send('421["late"]')
    client.send('422["late"]')
    refused = "later of /: handlers are registered while their module is imported"
    assert client.received() == [f'431["{refused}"]', '432["replaced"]']


def test_a_handler_may_return_a_deferred(begin: Begin) -> None:
    server = begin("""
        from twisted.internet.defer import fail, succeed
        sio = socketio.Server()

        @sio.event
        def connect(sid, environ, auth):
            return succeed(auth is not None)

        @sio.event
        def good(sid):
            return succeed((1, 2))

        @sio.event
        def bad(sid):
            return fail(KeyError("x"))
    """)
    client = member(server, auth={"a": 1})
    client.send('421["good"]')
    client.send('422["bad"]')
    assert client.received() == ["431[1,2]"]
    assert len(server.errors) == 1
    refused = opened(server, connect=False)
    refused.send("40")
    assert refused.received() == ['44{"message":"Connection rejected by server"}']


def test_which_namespaces_there_are(begin: Begin) -> None:
    some = begin("""
        sio = socketio.Server(namespaces=["/", "/named"])

        @sio.on("x", namespace="*")
        def x(namespace, sid):
            return namespace
    """)
    client = member(some, "/named")
    client.send('42/named,1["x"]')
    assert client.received() == ['43/named,1["/named"]']
    client.send("40/other,")
    assert client.received() == ['44/other,{"message":"Invalid namespace"}']
    every = begin("""
        sio = socketio.Server(namespaces="*")

        class All(socketio.Namespace):
            async def trigger_event(self, event, namespace, sid, *arguments):
                return event, namespace

        sio.register_namespace(All("*"))
    """)
    client = member(every, "/any")
    client.send('42/any,1["x"]')
    assert client.received() == ['43/any,1["x","/any"]']


def test_a_failed_task_and_a_failed_callback_are_reported(begin: Begin) -> None:
    server = begin("""
        sio = socketio.Server()

        async def fails():
            raise KeyError("task")

        def refuses(answer):
            raise KeyError(answer)

        @sio.event
        async def go(sid):
            sio.start_background_task(fails)
            await sio.emit("question", to=[sid], callback=refuses)
            await sio.emit("question", to=[sid, "nobody"], callback=refuses)
            await sio.emit("silent", to=[sid], callback=refuses)
    """)
    client = member(server)
    client.send('42["go"]')
    one, two, _ = (number(str(each)) for each in client.received())
    client.send(f'43{one}["a"]')
    client.send(f'43{two}["b"]')
    server.advance(61)
    assert [error.strip().splitlines()[-1] for error in server.errors] == [
        f"KeyError: '{x}'" for x in ("task", "a", "b")
    ]


@pytest.mark.parametrize(
    ("setting", "value"),
    [("cors_allowed_origins", "*"), ("client_manager", object()), ("async_handlers", True), ("ping_interval", 5)],
)
def test_settings_that_are_options_here_are_refused_with_their_names(setting: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"Server\\({setting}="):
        Handlers(**{setting: value})


def test_settings_that_change_nothing_are_taken_and_unknown_ones_are_not() -> None:
    Handlers(async_mode="asgi", logger=True, cors_allowed_origins=None, async_handlers=False)
    with pytest.raises(TypeError, match="colour"):
        Handlers(colour="red")


RELOADED = """
import asyncio
from filtered_websocket.filters.socketio import handlers as socketio

sio = socketio.Server()


@sio.event
async def connect(sid, environ):
    await sio.save_session(sid, "kept")


@sio.event
async def version(sid):
    WAIT
    return "first", await sio.get_session(sid)


@sio.event
def only_here(sid):
    return "old"


@sio.on("*")
def others(event, sid):
    return "unknown"
"""


@pytest.mark.parametrize(("reactor", "wait"), [("asyncio", "await asyncio.sleep(0)"), ("", "await sio.sleep(0)")])
def test_handlers_of_a_reload_take_over_on_every_reactor(tmp_path: Path, reactor: str, wait: str) -> None:
    module = tmp_path / "my_handlers.py"
    module.write_text(RELOADED.replace("WAIT", wait))
    arguments = ["--reactor", reactor] if reactor else []
    with ExitStack() as stack:
        server = stack.enter_context(FwsServer("-f", "my_handlers", *arguments, cwd=tmp_path))
        client = stack.enter_context(OtherClient("js-4", f"http://127.0.0.1:{server.port}"))
        client.wait("connect")
        assert client.ask("version") == ["first", "kept"]
        assert client.ask("only_here") == ["old"]
        source = module.read_text().replace('"first"', '"second"')
        begin, end = source.index("@sio.event\ndef only_here"), source.index('@sio.on("*")')
        module.write_text(source[:begin] + source[end:])
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded: my_handlers")
        assert client.ask("version") == ["second", "kept"]
        assert client.ask("only_here") == ["unknown"]


def test_a_reload_may_bring_handlers(tmp_path: Path) -> None:
    module = tmp_path / "my_handlers.py"
    module.write_text("from filtered_websocket.filters import socketio")
    with ExitStack() as stack:
        server = stack.enter_context(FwsServer("-f", "my_handlers", cwd=tmp_path))
        early = stack.enter_context(OtherClient("js-4", f"http://127.0.0.1:{server.port}"))
        early.wait("connect")
        module.write_text(RELOADED.replace("WAIT", 'await sio.emit("asked", sid)'))
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded: my_handlers")
        client = stack.enter_context(OtherClient("js-4", f"http://127.0.0.1:{server.port}"))
        client.wait("connect")
        assert client.ask("version") == ["first", "kept"]
        assert early.event() == client.event()
        assert early.ask("only_here") == ["old"]
