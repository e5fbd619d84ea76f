"""The kit on asyncio: filters await what is asyncio's, and time is real."""

import asyncio
import contextlib
import threading

import pytest
from aiohttp import ClientSession, web
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.base import (
    WebSocketConnectFilter,
    WebSocketConsumerFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from filtered_websocket.testing.clock import StillWaiting
from filtered_websocket.testing.server import Server
from tests.support import reactor_thread
from tests.support.deadlines import joined
from tests.support.small_filters import BROADCAST, Broken, Echo, Later


class Begin(WebSocketStartFilter):
    @classmethod
    async def filter(cls, pipeline, data):
        pipeline.http = ClientSession()
        pipeline.background = asyncio.create_task(asyncio.sleep(3600))  # nobody waits for it


class End(WebSocketStopFilter):
    @classmethod
    async def filter(cls, pipeline, data):
        await pipeline.http.close()


class Ask(WebSocketMessageFilter):
    """Asks the server whose address a client sends."""

    @classmethod
    async def filter(cls, web_socket_instance, data):
        async with web_socket_instance.pipeline.http.get(data.decode()) as response:
            web_socket_instance.sendMessage(await response.text())


class Hold(WebSocketMessageFilter):
    """Waits for what another client brings."""

    @classmethod
    async def filter(cls, web_socket_instance, data):
        pipeline = web_socket_instance.pipeline
        if data == b"wait":
            pipeline.event = asyncio.Event()
            await pipeline.event.wait()
            web_socket_instance.sendMessage("gone on")
        else:
            pipeline.event.set()


@contextlib.contextmanager
def upstream(server):
    """A real server, of aiohttp, in the loop of the one in memory; its address."""

    async def answer(request):
        await asyncio.sleep(0.01)
        return web.Response(text=f"{request.path} it is")

    async def begin():
        application = web.Application()
        application.router.add_get("/{name}", answer)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, runner.addresses[0][1]

    runner, port = server.result(begin())
    yield f"http://127.0.0.1:{port}/"
    server.result(runner.cleanup())


def test_a_filter_asks_a_real_server_with_aiohttp_and_the_calls_are_those_of_every_test():
    with Server(Begin, End, Ask, reactor="asyncio") as server, upstream(server) as address:
        a, b = server.connect(), server.connect()
        a.send(address + "one")
        b.send(address + "two")
        assert (a.received(), b.received()) == (["/one it is"], ["/two it is"])
        a.sync()
        session = server.pipeline().http
    assert session.closed


def test_what_is_asyncios_and_what_is_twisteds_may_be_awaited_in_one_filter():
    class Both(WebSocketMessageFilter):
        @classmethod
        async def filter(cls, web_socket_instance, data):
            await asyncio.sleep(0.001)
            await deferLater(reactor, 0.001)
            name = await deferToThread(lambda: threading.current_thread().name)
            assert await asyncio.to_thread(threading.get_ident) != threading.get_ident()
            later = Deferred()
            threading.Timer(0.01, reactor.callFromThread, (later.callback, "from a thread")).start()
            web_socket_instance.sendMessage(name)
            web_socket_instance.sendMessage(await later)

    with Server(Both, reactor="asyncio") as server:
        client = server.connect()
        client.send("x")
        assert client.received() == [threading.current_thread().name, "from a thread"]


def test_filters_of_every_event_run_inside_the_loop():
    loops = []

    def noting(base):
        def look(web_socket_instance, data):
            loops.append((base, asyncio.get_running_loop()))

        return type("Look", (base,), {"filter": staticmethod(look)})

    bases = [
        WebSocketStartFilter, WebSocketHandshakeFilter, WebSocketConnectFilter, WebSocketMessageFilter,
        WebSocketConsumerFilter, WebSocketStopFilter,
    ]  # fmt: skip
    with Server(*map(noting, bases), reactor="asyncio") as server:
        server.connect().send("x")
        server.put("item")
    assert [base for base, _ in loops] == bases
    assert len({loop for _, loop in loops}) == 1
    assert loops[0][1].is_closed()


def test_a_filter_that_waits_for_another_client_is_waited_for_as_long_as_patience_is():
    with Server(Hold, reactor="asyncio") as server:
        server.reactor.patience = 0.05
        a, b = server.connect(), server.connect()
        a.send("wait")
        assert a.received() == []
        with pytest.raises(StillWaiting, match=r"a filter waits; 0\.05 s were not enough: server\.reactor\.patience"):
            a.sync()
        server.reactor.patience = 5
        b.send("go on")
        assert a.received() == ["gone on"]


def test_time_is_real_and_passes_by_awaiting():
    with Server(Later, filter_timeout=0.1, reactor="asyncio") as server:
        with pytest.raises(RuntimeError, match=r"time is real.*server\.result\(asyncio\.sleep\(3\)\)"):
            server.advance(3)
        before = server.reactor.seconds()
        assert server.result(asyncio.sleep(0.02, "slept")) == "slept"
        assert server.reactor.seconds() >= before + 0.02
        client = server.connect()
        client.send("x")  # it waits for 5 s
        assert client.close_code == 1011
        assert len(server.errors) == 1
        server.reactor.patience = 0.02
        with pytest.raises(StillWaiting, match=r"no result yet; 0\.02 s"):
            server.result(asyncio.sleep(3600))


def test_a_loop_that_never_rests_hangs_no_test():
    class Restless(WebSocketMessageFilter):
        @classmethod
        async def filter(cls, web_socket_instance, data):
            while True:
                await asyncio.sleep(0)

    with Server(Restless, reactor="asyncio") as server:
        server.reactor.patience = 0.05
        client = server.connect()
        client.send("x")
        assert client.received() == []
        client.abort()


def test_what_fails_is_told_as_on_the_clock_and_plain_filters_run_as_there():
    with Server(Broken, reactor="asyncio") as server:
        client = server.connect()
        client.send("x")
        assert client.close_code == 1011
        assert "a fault of the filter's author" in server.errors[0]
    with Server(BROADCAST, reactor="asyncio") as server:
        a, b = server.connect(), server.connect()
        a.send("hi")
        assert b.received() == ["hi"]
        b.close()
        assert b.close_code == 1000
        with server.storage.away():
            assert not server.storage_object.ready


def test_the_reactor_and_its_thread_are_left_alone():
    async def wait():
        await deferLater(reactor, 0.001)
        return getattr(reactor, "_asyncioEventloop", None)

    reactor_thread.call(wait)
    found = dict(vars(reactor))
    with Server(Echo, reactor="asyncio") as server:
        answers = []
        another = threading.Thread(target=lambda: answers.append(reactor_thread.call(wait)))
        another.start()
        joined(another)
        assert len(answers) == 1
        client = server.connect()
        client.send("x")
        assert client.received() == ["x"]
    assert set(vars(reactor)) == set(found)


def test_a_test_that_is_a_coroutine_is_told_to_be_a_function():
    async def test():
        with Server(Echo, reactor="asyncio"):
            pass

    with pytest.raises(RuntimeError, match="let the test be a plain function"):
        asyncio.run(test())
    with pytest.raises(RuntimeError, match="the server is not open"):
        Server(Echo, reactor="asyncio").connect()
    with pytest.raises(ConfigError, match='reactor: "epoll" is none of the kit\'s: clock, asyncio'):
        Server(Echo, reactor="epoll")
