"""A chain that fails is a close, with the code that the exception means."""

import gc
import weakref
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from filtered_websocket.errors import Close, Reject, StopChain
from filtered_websocket.filters.base import (
    FilterMeta,
    WebSocketConnectFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
)
from filtered_websocket.storage_objects.base import StorageAway
from filtered_websocket.testing import Server
from filtered_websocket.testing.clock import ClockReactor
from tests.simulation.shared_memory import SharedMemory
from tests.support.raw_client import frame, head, wait_until
from tests.support.serving import Events, a_turn, echo, logged, on_data, on_message, pairing, serving


def failing(connection: Any, data: bytearray) -> None:
    raise RuntimeError("the secret of the house")


async def failing_later(connection: Any, data: bytearray) -> None:
    await a_turn()
    raise RuntimeError("the secret of the house")


@pytest.mark.parametrize("function", [failing, failing_later])
def test_a_filter_that_raises_closes_with_1011_and_no_detail(function: Any) -> None:
    events = Events()
    with serving(on_message(function), *pairing(events)) as served, served.open() as client:
        client.send("go")
        assert client.closed() == (1011, "")
        assert [events.next(), events.next()] == ["open", (1011, "")]
        assert served.counted("failed", "filter") == 1


class Large:
    """What a filter had in hand."""


def refused(connection: Any, large: Large) -> Any:
    return connection.subscribe("x" * 256)


async def refused_later(connection: Any, large: Large) -> None:
    await connection.subscribe("x" * 256)


@pytest.mark.parametrize("function", [failing, failing_later, refused, refused_later])
def test_what_a_filter_had_in_hand_goes_with_its_failure(function: Any) -> None:
    """With no help from the collector of cycles, which comes late: a client could fill the memory meanwhile."""
    held: list[weakref.ref[Large]] = []

    def has(connection: Any, data: bytearray) -> Any:
        large = Large()
        held.append(weakref.ref(large))
        return function(connection, large)

    gc.disable()
    try:
        with serving(on_message(has)) as served, served.open() as client:
            client.send("go")
            assert client.closed()[0] in {1008, 1011}
            assert wait_until(lambda: held[0]() is None)
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (Close(4001, "enough"), (4001, "enough")),
        (Close(1008, "ä" * 100), (1008, "ä" * 61)),
        (Close(1005, "may not be sent"), (1011, "")),
        (Close(1014, "may not be sent"), (1011, "")),
        (Reject(403, "not you"), (1008, "not you")),
        (StorageAway("down"), (1013, "try again later")),
    ],
    ids=repr,
)
@pytest.mark.parametrize("waits", [False, True])
def test_what_a_filter_raises_is_how_the_connection_closes(
    error: BaseException, seen: tuple[int, str], waits: bool
) -> None:
    events = Events()

    def sync(connection: Any, data: bytearray) -> None:
        raise error

    async def later(connection: Any, data: bytearray) -> None:
        await a_turn()
        raise error

    with serving(on_message(later if waits else sync), *pairing(events)) as served, served.open() as client:
        client.send("go")
        assert client.closed() == seen
        assert [events.next(), events.next()] == ["open", seen]


def test_a_filter_that_closes_with_a_code_that_cannot_be_sent_is_named_with_the_line() -> None:
    def close(connection: Any, data: bytearray) -> None:
        raise Close(999)

    with logged() as lines, serving(on_message(close)) as served, served.open() as client:
        client.send("go")
        assert client.closed() == (1011, "")
        assert served.counted("failed", "filter") == 1
    (line,) = [each for each in lines if "999" in each]
    line_number = close.__code__.co_firstlineno + 1
    assert ".close: 999 is no close code that may be sent: 1000-1003, 1007-1013 or 3000-4999 (" in line
    assert line.endswith(f"test_failing.py, line {line_number})\n")


@pytest.mark.parametrize("waits", [False, True])
def test_stop_chain_ends_the_run_and_nothing_else(waits: bool) -> None:
    def stop(connection: Any, data: bytearray) -> None:
        if data == b"quiet":
            raise StopChain

    async def stop_later(connection: Any, data: bytearray) -> None:
        await a_turn()
        stop(connection, data)

    with serving(on_message(stop_later if waits else stop), on_message(echo)) as served, served.open() as client:
        client.send("quiet", "loud")
        assert client.text() == "loud"


def test_a_filter_that_hangs_is_ended_and_fails_closed() -> None:
    events = Events()

    async def hang(connection: Any, data: bytearray) -> None:
        try:
            await Deferred()
        except CancelledError:
            events.tell("cancelled")
            raise

    with serving(on_message(hang), *pairing(events), filter_timeout=0.05) as served, served.open() as client:
        client.send("go")
        assert client.closed() == (1011, "")
        assert [events.next(), events.next(), events.next()] == ["open", "cancelled", (1011, "")]


def test_a_filter_that_hangs_while_storage_is_away_is_not_to_blame() -> None:
    async def hang(connection: Any, data: Any) -> None:
        await Deferred()

    clock = ClockReactor()
    storage = SharedMemory(clock.seconds).storage(clock)
    with Server(on_message(hang), storage_object=storage, reactor=clock) as server:
        client = server.connect()
        storage.go_away()
        client.send("go")
        server.advance(31)
        assert client.close_code == 1013
        assert server.server.counters.totals["closed", "the storage object is away"] == 1


def test_of_a_filter_that_hangs_the_log_tells_where_and_which_option_ended_it() -> None:
    async def hang(connection: Any, data: bytearray) -> None:
        await Deferred()

    with serving(on_message(hang), filter_timeout=0.05) as served, served.open() as client, logged() as lines:
        client.send("go")
        assert client.closed() == (1011, "")
    text = "".join(lines)
    assert "in hang\n    await Deferred()" in text
    assert "TimeoutError: the filter took longer than 0.05 s (filter_timeout)" in text
    assert text.count("Traceback") == 1


def hangs_in_a_deferred(connection: Any, data: Any) -> Any:
    return Deferred()


@pytest.mark.parametrize("event", [WebSocketMessageFilter, WebSocketConnectFilter, WebSocketHandshakeFilter])
def test_a_filter_of_any_chain_that_hangs_in_a_deferred_is_named_in_the_log(event: FilterMeta) -> None:
    hangs = FilterMeta("Hangs", (event,), {"filter": staticmethod(hangs_in_a_deferred)})
    with logged() as lines, serving(hangs, filter_timeout=0.05) as served, served.client() as client:
        client.send(head("/"), frame("go"))
        if event is WebSocketHandshakeFilter:
            assert client.response().status == 500
        else:
            assert client.response().status == 101
            assert client.closed()[0] == 1011
        served.until_empty()
    told = "".join(lines)
    assert f"{__name__}.hangs_in_a_deferred" in told
    assert "in hangs_in_a_deferred\n" in told
    assert "took longer than 0.05 s (filter_timeout)" in told
    assert "twisted" not in told


@pytest.mark.parametrize(
    ("error", "status", "code"), [(RuntimeError("secret"), 500, 1011), (Close(4005, "no"), 403, 4005)]
)
def test_a_data_filter_that_raises_answers_by_http_before_the_101_and_by_a_close_frame_after(
    error: Exception, status: int, code: int
) -> None:
    def refuse(connection: Any, data: bytes) -> None:
        if b"bad" in data or b"bad" in bytes(byte ^ b"\x37\xfa!="[n % 4] for n, byte in enumerate(data[6:])):
            raise error

    with serving(on_data(refuse)) as served:
        with served.client() as client:
            client.send(head("/bad"))
            response = client.response()
            assert response.status == status
            assert b"secret" not in client.body()
        with served.open() as client:
            client.send("bad")
            assert client.closed()[0] == code
