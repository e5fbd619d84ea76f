"""What the server needs to connect shares no pool with what users fill."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread, deferToThreadPool

from filtered_websocket.filters.shared.public_addresses import resolve
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.transport.resolving import HOOKS, STORAGE, Resolving
from tests.support.raw_client import DEADLINE
from tests.support.reactor_thread import call


@contextmanager
def full(pool: Any) -> Iterator[None]:
    """More calls than a pool has threads, that take as long as this."""
    from twisted.internet import reactor

    gate, busy = threading.Event(), threading.Semaphore(0)

    def held() -> None:
        busy.release()
        gate.wait(DEADLINE)

    def fill() -> Any:
        return [deferToThreadPool(reactor, pool(), held) for _ in range(14)]

    waiting = call(fill)
    for _ in range(10):
        assert busy.acquire(timeout=15)
    try:
        yield
    finally:
        gate.set()
        for each in waiting:
            call(lambda each=each: each)


def filters_pool() -> Any:
    from twisted.internet import reactor

    return reactor.getThreadPool()  # type: ignore[attr-defined]


def connects(endpoint: Any) -> bool:
    """Whether it does, to a port that is there."""
    protocol = call(lambda: endpoint.connect(Factory.forProtocol(Protocol)))
    call(protocol.transport.abortConnection)
    return True


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listens:
        yield listens.getsockname()[1]


@pytest.mark.parametrize("pool", [filters_pool, HOOKS])
def test_storage_is_connected_to_while_pools_that_users_fill_are_full(port: int, pool: Any) -> None:
    with full(pool):
        assert connects(Address("a", host="localhost", port=port).endpoint(5))


def test_web_hooks_find_their_addresses_while_filters_fill_their_pool() -> None:
    from twisted.internet import reactor

    with full(filters_pool):
        assert "127.0.0.1" in call(resolve, reactor, "localhost")
        # The pool is full indeed: what uses it waits.
        waits = call(lambda: [deferToThread(int)])[0]
        assert not waits.called
    call(lambda: waits)


def test_a_reactor_that_resolves_elsewhere_is_that_reactor_for_all_else(port: int) -> None:
    from twisted.internet import reactor

    own = Resolving(reactor, STORAGE)
    assert own.seconds() == pytest.approx(reactor.seconds(), abs=60)  # type: ignore[attr-defined]
    before = own.nameResolver
    assert own.installNameResolver(before) is before
    assert connects(HostnameEndpoint(own, "localhost", port))
