import os
import random
import select
import socket
import zlib
from pathlib import Path
from typing import Any

import pytest

from filtered_websocket.connection.sending import MAX_CORKED
from filtered_websocket.filters.base import WebSocketConnectFilter
from tests.support import certificates
from tests.support.raw_client import PING, RawClient, frame, head
from tests.support.reactor_thread import call, until
from tests.support.serving import Events, Served, logged, on_message, pairing, serving
from tests.support.slow_clients import MESSAGE, ROOM, Join, fill, number_of, options, payload, publish, slow


def last_words(connection: Any, data: bytearray) -> None:
    for user in connection.users.values():
        user.sendMessage(data)


def test_a_slow_client_is_disconnected_and_bystanders_get_everything_in_order() -> None:
    events = Events()
    with serving(Join, *pairing(events), **options("disconnect")) as served, logged() as lines:
        bystanders = [served.open() for _ in range(3)]
        _, connection = slow(served)
        peer = connection.request.peer
        for number in range(100):
            publish(served, [number])
            assert [number_of(each.text()) for each in bystanders] == [number] * 3
        until(lambda: connection.id not in served.users)
        assert [events.next() for _ in range(4)] == ["open"] * 4
        assert events.next() == (1006, f"slow client: more than {ROOM} bytes wait (send_buffer)")
        assert served.counted("closed", "slow client") == 1
        said = [line for line in lines if "slow client" in line]
        assert len(said) == 1
        assert peer in said[0]


def test_drop_new_loses_what_comes_while_the_buffer_is_full() -> None:
    with serving(Join, **options("drop-new")) as served, served.open() as bystander:
        client, connection = slow(served)
        with logged() as lines:
            for number in range(200):
                publish(served, [number])
                assert number_of(bystander.text()) == number
            dropped = served.counted("dropped", "slow client, drop-new")
            assert call(lambda: connection.pending) <= ROOM
            kept = [number_of(client.text()) for _ in range(200 - dropped)]
        assert kept == list(range(200 - dropped))
        assert 0 < dropped < 200
        # Counted one by one, said once.
        assert len([line for line in lines if "drop-new" in line]) == 1
        until(lambda: connection.slow is None)
        publish(served, [999])
        assert number_of(client.text()) == 999


def test_drop_old_loses_the_oldest_that_was_not_yet_sent() -> None:
    with serving(Join, **options("drop-old")) as served, served.open() as bystander:
        client, connection = slow(served)
        for number in range(200):
            publish(served, [number])
            assert number_of(bystander.text()) == number
        assert call(lambda: connection.pending) <= ROOM
        dropped = served.counted("dropped", "slow client, drop-old")
        kept = [number_of(client.text()) for _ in range(200 - dropped)]
        gap = [number for number in range(200) if number not in kept]
        assert kept == sorted(kept)
        assert kept[-1] == 199
        assert gap == list(range(gap[0], gap[0] + dropped))
        assert gap[0] > 0


def test_latest_keeps_the_newest_of_each_channel() -> None:
    with serving(Join, **options("latest")) as served:
        client, connection = slow(served)
        sent = fill(served, connection)
        publish(served, range(1000, 1050), "sports")
        publish(served, range(2000, 2050), "news")
        publish(served, [1050], "sports")
        assert served.counted("dropped", "slow client, latest") == 50 + 49
        assert [number_of(client.text()) for _ in range(sent + 2)] == [*range(sent), 2049, 1050]


@pytest.mark.parametrize("policy", ["drop-new", "drop-old", "latest"])
def test_what_is_sent_to_a_client_itself_is_not_dropped_and_keeps_its_place(policy: str) -> None:
    with serving(Join, on_message(last_words), **options(policy)) as served:
        client, connection = slow(served)
        sent = fill(served, connection)
        publish(served, range(1000, 1003))
        client.send("for you alone")
        until(lambda: served.server.pipelines[0].messages_in == 1)
        publish(served, range(2000, 2040))
        received = []
        while not received or received[-1] not in (payload(2039), payload(2000)):
            received.append(client.text())
            if policy == "drop-new" and "for you alone" in received:
                break
        assert received.count("for you alone") == 1
        place = received.index("for you alone")
        assert all(number_of(each) < 2000 for each in received[:place])
        assert [number_of(each) for each in received[:sent]] == list(range(sent))


def test_messages_to_a_client_itself_end_it_when_they_have_no_room() -> None:
    events = Events()
    with serving(Join, on_message(last_words), *pairing(events), **options("drop-old")) as served:
        client, connection = slow(served)
        fill(served, connection)
        client.send(*["x" * MESSAGE] * 20)
        assert events.next() == "open"
        assert events.next()[1].startswith("slow client: more than")
        assert served.counted("closed", "slow client") == 1


def _send_for_ever(client: RawClient, data: bytes) -> None:
    for _ in range(100_000):
        client.send(data)


def test_pings_without_end_from_a_client_that_reads_no_pongs_end_it() -> None:
    events = Events()
    with serving(Join, *pairing(events), **options("disconnect")) as served:
        client, _ = slow(served)
        ping = frame(b"p" * 125, PING) * 100
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            _send_for_ever(client, ping)
        assert events.next() == "open"
        assert events.next()[1].startswith("slow client: more than")
        assert served.counted("closed", "slow client") == 1


def test_a_client_that_has_caught_up_is_on_the_fast_road_again() -> None:
    with serving(Join, **options("disconnect", send_buffer=10**7)) as served:
        client, connection = slow(served)
        assert call(lambda: connection.direct) is not None
        sent = fill(served, connection)
        assert call(lambda: connection.direct) is None
        assert [number_of(client.text()) for _ in range(sent)] == list(range(sent))
        until(lambda: connection.slow is None)
        assert call(lambda: connection.direct) is not None
        assert call(lambda: served.server.blocked) == set()


def test_a_compressed_client_may_be_slow_too() -> None:

    with serving(Join, compression=True, **options("drop-old")) as served:
        client = served.client(receive_buffer=4096)
        client.send(head("/", [("Sec-WebSocket-Extensions", "permessage-deflate")]))
        assert client.response().status == 101
        connection = served.connection()
        noise = [bytes(f"{number:06}", "ascii") + os.urandom(MESSAGE) for number in range(100)]
        for each in noise:
            call(served.server.pipelines[0].publish, "news", each)
        dropped = served.counted("dropped", "slow client, drop-old")
        assert dropped > 0
        inflate = zlib.decompressobj(-15)
        got = []
        for _ in range(100 - dropped):
            received = client.receive()
            assert received is not None
            got.append(inflate.decompress(received.payload + b"\0\0\xff\xff"))
        assert got[-1] == noise[-1]
        assert got == [each for each in noise if each in got]
        assert connection.id in served.users


@pytest.mark.parametrize("policy", ["disconnect", "drop-new", "drop-old", "latest"])
def test_close_of_a_slow_client_comes_behind_what_it_was_sent(policy: str) -> None:
    with serving(Join, **options(policy, send_buffer=10**7)) as served:
        client, connection = slow(served)
        sent = fill(served, connection)

        def last_words_and_close() -> None:
            connection.publish("news", payload(sent))
            connection.sendMessage(payload(sent + 1))
            connection.publish("news", payload(sent + 2))
            connection.close(4000, "enough")

        call(last_words_and_close)
        kept = [*range(sent), *([] if policy == "latest" else [sent]), sent + 1, sent + 2]
        assert [number_of(client.text()) for _ in kept] == kept
        assert client.closed() == (4000, "enough")
        served.until_empty()


# What is sent to one connection in one turn.


def one_client(served: Served) -> tuple[RawClient, Any]:
    client = served.open()
    return client, served.connection()


def test_what_is_sent_in_one_turn_goes_out_at_its_end_in_one_send() -> None:
    with serving(Join) as served:
        client, connection = one_client(served)

        def two() -> int:
            connection.sendMessage("first")
            connection.sendMessage("second")
            assert not select.select([client.socket], [], [], 0)[0]
            return len(connection.corked)

        size = call(two)
        assert len(client.socket.recv(65536, socket.MSG_PEEK)) == size
        assert [client.text(), client.text()] == ["first", "second"]


def test_messages_publications_and_a_close_of_one_turn_keep_their_order() -> None:
    with serving(Join) as served:
        client, connection = one_client(served)

        def much() -> None:
            connection.sendMessage("1")
            connection.publish("news", "2")
            connection.sendMessage("3")
            connection.sendMessage("4" * MAX_CORKED)
            connection.sendPing(b"5")
            connection.sendMessage("6")
            connection.publish("sports", "7")
            connection.sendMessage("8")
            connection.close(4000, "9")
            connection.sendMessage("too late")

        call(much)
        received = [client.receive_any() for _ in range(8)]
        assert [each and each.payload[:1] for each in received] == [b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8"]
        assert client.closed() == (4000, "9")


def test_clients_that_share_two_channels_get_one_turn_in_one_order_compressed_or_not() -> None:
    class Hears(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection: Any, data: None) -> None:
            connection.subscribe("news")
            connection.subscribe("sports")

    with serving(Hears, compression=True) as served, served.open() as plain:
        first = served.connection()
        deflated = served.client()
        deflated.send(head("/", [("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")]))
        assert deflated.response().status == 101
        until(lambda: len(served.users) == 2)
        (second,) = call(lambda: set(served.users.values()) - {first})
        wanted: dict[Any, list[bytes]] = {first: [], second: []}

        def much() -> tuple[int, int]:
            hub = first.pipeline.hub
            before = hub.deliveries
            for number in range(60):
                connection = (first, second)[number % 5 == 1]
                if number % 5 in (1, 3):
                    connection.sendMessage(f"{number}")
                    wanted[connection].append(b"%d" % number)
                else:
                    connection.publish(("news", "sports")[number % 2], f"{number}")
                    for each in wanted.values():
                        each.append(b"%d" % number)
            return hub.deliveries - before, len(hub.corked)

        delivered, corked = call(much)
        assert delivered > 0
        assert corked > 0
        received = [plain.text().encode() for _ in wanted[first]]
        inflate = zlib.decompressobj(-15)
        inflated = []
        for _ in wanted[second]:
            compressed = deflated.receive()
            assert compressed is not None
            inflated.append(inflate.decompress(compressed.payload + b"\0\0\xff\xff"))
        assert (received, inflated) == (wanted[first], wanted[second])


def test_a_slow_client_of_two_channels_loses_what_is_counted_and_disturbs_no_other_s_order() -> None:
    with serving(Join, **options("drop-new")) as served, served.open() as bystander:
        client, _ = slow(served)
        pipeline = served.server.pipelines[0]

        def turn(first: int) -> None:
            for number in range(first, first + 6):
                pipeline.publish(("news", "sports")[number % 2], payload(number))

        for number in range(0, 120, 6):
            call(turn, number)
            assert [number_of(bystander.text()) for _ in range(6)] == list(range(number, number + 6))
        dropped = served.counted("dropped", "slow client, drop-new")
        assert 0 < dropped < 120
        kept = [number_of(client.text()) for _ in range(120 - dropped)]
        assert kept == sorted(kept)


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_a_slow_client_is_sent_and_its_channels_are_comes_in_order(
    seed: int, secure: bool, tmp_path: Path
) -> None:
    rng, wanted, wanted_by_other = random.Random(seed), list[bytes](), list[bytes]()
    more: dict[str, Any] = {}
    if secure:
        files = certificates.write(tmp_path)
        more = {"key": files.key, "cert": files.cert}
    with serving(Join, **options("disconnect", send_buffer=10**8), **more) as served:
        client = served.client(receive_buffer=4096).open()
        connection, other = served.connection(), served.open()
        publish = served.server.pipelines[0].publish

        def turn() -> None:
            for number in range(rng.randrange(1, 80)):
                size = rng.choice([0, 100, 100, 300, 20_000, 250_000])
                text = b"%d " % number + b"x" * size
                act, channel = rng.random(), rng.choice(["news", "sports"])
                if act < 0.1:
                    connection.sendPing(b"ping")
                elif act < 0.5:
                    connection.sendMessage(text)
                    wanted.append(text)
                elif act < 0.9:
                    publish(channel, text)
                    wanted.append(text)
                    wanted_by_other.append(text)
                else:
                    connection.unsubscribe(channel)
                    publish(channel, text)
                    wanted_by_other.append(text)
                    connection.subscribe(channel)

        for _ in range(5):
            call(turn)
            some = rng.randrange(len(wanted))
            assert messages(client, some) == wanted[:some]
            del wanted[:some]
        assert messages(client, len(wanted)) == wanted
        assert messages(other, len(wanted_by_other)) == wanted_by_other


def messages(client: RawClient, count: int) -> list[bytes]:
    """So many."""
    received = [client.receive() for _ in range(count)]
    return [each.payload for each in received if each is not None]


@pytest.mark.parametrize("way", ["abortConnection", "dropConnection"])
def test_what_was_sent_before_an_end_without_a_closing_handshake_still_goes_out(way: str) -> None:
    with serving(Join) as served:
        client, connection = one_client(served)

        def end() -> None:
            connection.sendMessage("last")
            getattr(connection, way)()
            connection.sendMessage("too late")

        call(end)
        assert client.text() == "last"
        client.ended()
        served.until_empty()


def test_a_filter_that_sends_without_end_in_one_turn_meets_the_limit() -> None:
    with serving(Join, **options("disconnect")) as served:
        _, connection = slow(served)

        def flood() -> tuple[int, int]:
            held = sent = 0
            while connection.state == connection.STATE_OPEN:
                connection.sendMessage("x" * 1000)
                held = max(held, len(connection.corked))
                sent += 1000
            return held, sent

        held, sent = call(flood)
        assert 0 < held <= MAX_CORKED
        assert sent < 10 * ROOM
        served.until_empty()


def test_the_socket_is_written_to_directly_until_a_close_frame_or_the_connection_s_end() -> None:
    with serving(Join) as served:
        for end in ("close", "abortConnection", "dropConnection"):
            _, connection = one_client(served)

            def until_the_end(connection: Any = connection, end: str = end) -> tuple[bool, bool]:
                before = connection.direct is not None
                getattr(connection, end)()
                return before, connection.direct is not None

            assert call(until_the_end) == (True, False)
            call(connection.abortConnection)
            served.until_empty()


def test_nothing_takes_the_place_of_the_rest_of_a_frame_that_an_aborted_transport_had_begun_to_send() -> None:
    with serving(Join, **options("disconnect", send_buffer=10**7)) as served:
        client, connection = slow(served)
        fill(served, connection)

        def heard() -> bytes:
            data = b""
            while select.select([client.socket], [], [], 0.1)[0]:
                data += client.socket.recv(1 << 20)
            return data

        def abort_and_send() -> tuple[bytes, bytes]:
            connection.transport.abortConnection()
            # Makes room in the kernel, of which the server has not yet been told.
            before = heard()
            connection.sendMessage("out of place")
            connection.publish("news", "out of place")
            connection.pipeline.hub.flush()
            return before, heard()

        before, after = call(abort_and_send)
        assert before
        assert after == b""
        served.until_empty()


def test_a_reply_of_which_the_kernel_takes_a_part_arrives_whole_and_its_bytes_are_counted() -> None:
    with serving(Join, **options("disconnect", send_buffer=10**7)) as served:
        client, connection = slow(served)
        hub = connection.pipeline.hub
        before = call(lambda: hub.bytes_out)
        size = MAX_CORKED - 4

        def several() -> bool:
            connection.sendMessage("x" * size)
            return connection.slow is not None

        sent = 1
        while not call(several) and not call(lambda: connection.slow is not None):
            sent += 1
        assert call(lambda: hub.bytes_out) - before == sent * MAX_CORKED
        assert [client.text() for _ in range(sent)] == ["x" * size] * sent
