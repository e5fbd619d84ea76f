"""How much waits for a client that reads slowly, and how long it has taken nothing."""

import itertools
import random
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.support import certificates
from tests.support.reactor_thread import call, until
from tests.support.serving import Events, pairing, serving
from tests.support.slow_clients import ROOM, Join, fill, options, payload, publish, slow

LARGE = "x" * 3_000_000


def inflated(got: Any) -> str:
    data = got.payload if not got.rsv & 4 else zlib.decompressobj(-15).decompress(got.payload + b"\0\0\xff\xff")
    return str(data.decode())


def test_a_client_that_takes_nothing_for_too_long_is_disconnected() -> None:
    events = Events()
    with serving(Join, *pairing(events), **options("disconnect", send_timeout=0.1, send_buffer=10**7)) as served:
        _, connection = slow(served)
        fill(served, connection)
        until(lambda: (served.server._check_ages(), connection.id not in served.users)[1])
        assert [events.next(), events.next()] == [
            "open",
            (1006, "slow client: nothing taken for 0.1 s (send_timeout)"),
        ]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_slow_client_that_does_take_is_not_disconnected(tls: bool, tmp_path: Path) -> None:
    files = certificates.write(tmp_path)
    more: dict[str, Any] = {"key": files.key, "cert": files.cert} if tls else {}
    with serving(Join, **options("disconnect", send_timeout=100, send_buffer=10**7, **more)) as served:
        client, connection = slow(served)
        fill(served, connection)
        # Many small ones: over TLS they weigh more on the wire than they did when they were counted.
        for _ in range(1000):
            call(served.server.pipelines[0].publish, "news", "small")
        since, mark = call(lambda: connection.slow._mark)
        while call(lambda: connection.stream.taken) < mark:
            client.receive()
        assert call(lambda: connection.slow is not None)
        call(connection.check_age, since + 101)
        assert call(lambda: connection.id in served.users)
        # From here on nothing is taken.
        call(connection.check_age, since + 202)
        until(lambda: connection.id not in served.users)


@pytest.mark.parametrize("policy", ["disconnect", "drop-new", "drop-old", "latest"])
@pytest.mark.parametrize("way", ["plain", "tls", "deflate"])
def test_one_message_of_any_size_passes_to_a_client_that_goes_on_reading(policy: str, way: str, tmp_path: Path) -> None:
    files = certificates.write(tmp_path)
    more = {"plain": {}, "tls": {"key": files.key, "cert": files.cert}, "deflate": {"compression": True}}[way]
    large = LARGE if way != "deflate" else random.Random(1).randbytes(1_000_000).hex()
    with serving(Join, **options(policy, **more)) as served:
        client = served.client(receive_buffer=4096)
        offer = [("Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover")]
        client.open(headers=offer if way == "deflate" else [])
        connection = served.connection()
        publish(served, [1], "sports")  # waits before it, maybe
        call(served.server.pipelines[0].publish, "news", large)
        publish(served, [2], "sports")  # and one behind it
        assert call(lambda: connection.pending) > ROOM
        received = [client.receive() for _ in range(3)]
        assert all(received)
        texts = [inflated(each) for each in received if each is not None]
        assert sorted(texts, key=len) == [payload(1), payload(2), large]
        assert call(lambda: connection.id in served.users)
        assert served.counted("dropped", f"slow client, {policy}") == 0


@pytest.mark.parametrize(("more", "room"), [(itertools.cycle(["small" * 800]), ROOM // 4004), ([LARGE], 0)])
def test_send_buffer_bounds_what_waits_behind_a_large_message(more: Any, room: int) -> None:
    with serving(Join, **options("disconnect")) as served:
        _, connection = slow(served)
        call(served.server.pipelines[0].publish, "news", LARGE)
        sent = 0
        for each in more:
            call(served.server.pipelines[0].publish, "sports", each)
            if not call(lambda: connection.pending and connection.state == connection.STATE_OPEN):
                break
            sent += 1
        assert sent == room
        until(lambda: connection.id not in served.users)
        assert served.counted("closed", "slow client") == 1


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("policy", ["disconnect", "drop-old"])
def test_a_large_message_is_held_once_however_many_it_waits_for(policy: str, tls: bool, tmp_path: Path) -> None:
    files = certificates.write(tmp_path)
    more: dict[str, Any] = {"key": files.key, "cert": files.cert} if tls else {}
    with serving(Join, **options(policy, **more)) as served:
        clients = [slow(served) for _ in range(20)]
        if policy == "drop-old":
            for _, connection in clients:
                fill(served, connection)
        tracemalloc.start()
        try:
            call(served.server.pipelines[0].publish, "news", LARGE)
            assert call(lambda: min(connection.pending for _, connection in clients)) > 2_000_000
            assert tracemalloc.get_traced_memory()[1] < 4 * len(LARGE)
            for client, _ in clients[:2]:
                while len(client.text()) < len(LARGE):
                    pass
            assert tracemalloc.get_traced_memory()[1] < 4 * len(LARGE) + 4 * len(LARGE)  # two clients have their own
        finally:
            tracemalloc.stop()
