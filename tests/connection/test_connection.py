from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from filtered_websocket.errors import Close, Reject, StopChain
from filtered_websocket.filters.base import (
    FilterMeta,
    WebSocketConnectFilter,
    WebSocketDataFilter,
    WebSocketDisconnectFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
)
from filtered_websocket.storage_objects.base import StorageAway
from tests.support import certificates
from tests.support.raw_client import BINARY, CLOSE, PING, PONG, TEXT, Frame, close_frame, close_of, frame, head
from tests.support.reactor_thread import call, until
from tests.support.serving import Events, a_turn, logged, on_message, pairing, serving

FOREVER = 600


def echo(connection: Any, data: bytearray) -> None:
    connection.sendMessage(data)


# Messages.


def test_text_stays_text_and_binary_stays_binary() -> None:
    with serving(on_message(echo)) as served, served.open() as client:
        client.send(frame("hällo"), frame(b"hello"), frame(b"\xff\x00"), frame(""), frame(b""))
        assert client.receive() == Frame(TEXT, "hällo".encode())
        assert client.receive() == Frame(BINARY, b"hello")
        assert client.receive() == Frame(BINARY, b"\xff\x00")
        assert client.receive() == Frame(TEXT, b"")
        assert client.receive() == Frame(BINARY, b"")


def test_the_kind_of_a_message_survives_an_await_and_holds_for_all_receivers() -> None:
    async def to_all(connection: Any, data: bytearray) -> None:
        await a_turn()
        for user in connection.users.values():
            user.sendMessage(bytes(data))

    with serving(on_message(to_all)) as served, served.open() as one, served.open() as other:
        one.send(frame(b"binary"))
        assert other.receive() == Frame(BINARY, b"binary")
        one.send("text")
        assert other.receive() == Frame(TEXT, b"text")


def test_what_is_no_message_is_refused_where_it_is_sent() -> None:
    events = Events()

    def send_wrong(connection: Any, data: bytearray) -> None:
        try:
            connection.sendMessage({"a": 1})
        except TypeError as error:
            events.tell(str(error))

    with serving(on_message(send_wrong)) as served, served.open() as client:
        client.send("go")
        assert "not dict: encode it first" in events.next()


def test_a_message_in_fragments_with_a_ping_between_them_is_one_message() -> None:
    with serving(on_message(echo)) as served, served.open() as client:
        client.send(frame(b"he", TEXT, fin=False), frame(b"?", PING), frame(b"l", 0, fin=False), frame(b"lo", 0))
        assert client.receive() == Frame(PONG, b"?")
        assert client.receive() == Frame(TEXT, b"hello")


def test_frames_behind_the_request_in_the_same_packet_are_served() -> None:
    with serving(on_message(echo)) as served, served.client() as client:
        client.send(head(), frame("first"), frame("x" * 300), frame("second"))
        assert client.response().status == 101
        assert [client.text() for _ in range(3)] == ["first", "x" * 300, "second"]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 200_000])
def test_messages_of_every_length_encoding_come_back(size: int) -> None:
    with serving(on_message(echo)) as served, served.open() as client:
        client.send("a" * size, frame(b"b" * size))
        assert client.receive() == Frame(TEXT, b"a" * size)
        assert client.receive() == Frame(BINARY, b"b" * size)


def sometimes_async(connection: Any, data: bytearray) -> Any:
    if data.startswith(b"async"):
        return _later(connection, bytes(data))
    connection.sendMessage(data)
    return None


async def _later(connection: Any, data: bytes) -> None:
    await a_turn()
    await a_turn()
    connection.sendMessage(data)


@pytest.mark.parametrize("bytewise", [False, True], ids=["in one packet", "byte by byte"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_order_is_kept_over_filters_that_wait(bytewise: bool, tls: bool, tmp_path: Path) -> None:
    options = {"key": certificates.write(tmp_path).key, "cert": certificates.write(tmp_path).cert} if tls else {}
    messages = [f"{'async' if number % 3 else 'sync'} {number}" for number in range(30)]
    frames = [frame(each) for each in messages]
    frames[10:10] = [frame(b"in its place", PING)]
    # Fragments and large messages go another way than small frames, and may not overtake.
    frames[20:20] = [frame(b"async frag", TEXT, fin=False), frame(b"ment", 0)]
    expected = [Frame(TEXT, each.encode()) for each in messages]
    expected[10:10] = [Frame(PONG, b"in its place")]
    expected[20:20] = [Frame(TEXT, b"async fragment")]
    events = Events()
    with serving(on_message(sometimes_async), *pairing(events), **options) as served, served.open() as client:
        data = b"".join([*frames, close_frame(4000, "done")])
        if bytewise:
            client.send_bytewise(data)
        else:
            client.send(data)
        received = list(client.frames())
        assert received[:-1] == expected
        assert received[-1].opcode == CLOSE
        assert [events.next(), events.next()] == ["open", (4000, "done")]


def test_while_one_connection_waits_the_others_go_on_and_its_own_bytes_wait_in_the_kernel() -> None:
    gate: Deferred[None] = Deferred()

    async def wait_for_gate(connection: Any, data: bytearray) -> None:
        if data == b"wait":
            await gate
        connection.sendMessage(data)

    with serving(on_message(wait_for_gate)) as served, served.open() as waiting, served.open() as other:
        waiting.send("wait", *(f"behind {number}" for number in range(1000)))
        until(lambda: any(each.waits for each in served.users.values()))
        other.send("goes on")
        assert other.text() == "goes on"
        held = call(lambda: max(len(each.data) + len(each.held) for each in served.users.values()))
        assert held <= 65536
        call(gate.callback, None)
        assert [waiting.text() for _ in range(1001)] == ["wait", *(f"behind {number}" for number in range(1000))]


# Filters that fail, wait too long, or close.


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


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("when", ["before its first await", "while it is awaited", "from elsewhere"])
def test_close_during_a_wait_is_seen_at_once_and_answered(when: str, tls: bool, tmp_path: Path) -> None:
    files = certificates.write(tmp_path)
    options: dict[str, Any] = {"key": files.key, "cert": files.cert} if tls else {}
    events = Events()

    async def wait(connection: Any, data: bytearray) -> None:
        if when == "before its first await":
            connection.close(4000, "enough")
        elif when == "while it is awaited":
            await a_turn()
            connection.close(4000, "enough")
        try:
            await Deferred()
        except CancelledError:
            events.tell("cancelled")
            raise

    # No time-out helps: the peer's answer itself must end the connection.
    options |= {"close_timeout": FOREVER, "filter_timeout": FOREVER}
    with serving(on_message(wait), *pairing(events), **options) as served, served.open() as client:
        client.send("go", "behind")
        if when == "from elsewhere":
            until(_waits, served)
            call(served.connection().close, 4000, "enough")
        assert client.closed() == (4000, "enough")
        assert [events.next(), events.next(), events.next()] == ["open", "cancelled", (4000, "enough")]
        served.until_empty()


def _waits(served: Any) -> bool:
    return any(each.waits for each in served.users.values())


def test_lose_connection_during_a_wait_over_tls_ends_the_connection(tmp_path: Path) -> None:
    files = certificates.write(tmp_path)

    async def lose(connection: Any, data: bytearray) -> None:
        await a_turn()
        connection.loseConnection()
        await a_turn()

    options = {"key": files.key, "cert": files.cert, "close_timeout": FOREVER}
    with serving(on_message(lose), **options) as served, served.open() as client:
        client.send("go")
        assert client.closed() == (1000, "")
        served.until_empty()


def test_what_was_sent_and_published_before_a_close_arrives_before_it() -> None:
    def last_words(connection: Any, data: bytearray) -> None:
        connection.subscribe("news")
        connection.publish("news", "published")
        connection.sendMessage("sent")
        connection.publish("news", "published again")
        connection.close(4000, "then closed")
        connection.sendMessage("too late")

    with serving(on_message(last_words)) as served, served.open() as client:
        client.send("go")
        assert [client.text(), client.text(), client.text()] == ["published", "sent", "published again"]
        assert client.closed() == (4000, "then closed")
        assert served.counted("dropped", "sent to a closed connection") == 1


def test_replies_keep_their_order_when_another_connection_goes_on_in_the_middle_of_them() -> None:
    waiting: list[Deferred[None]] = []

    def filter_(connection: Any, data: bytearray) -> Any:
        if data == b"wait":
            waiting.append(Deferred())
            return waiting[0]
        if data == b"release":
            connection.subscribe("news")
            connection.sendMessage("before")
            waiting[0].callback(None)
            connection.publish("news", "published")
        connection.sendMessage(data)
        return None

    with serving(on_message(filter_)) as served, served.open() as one, served.open() as other:
        other.send("wait", "a", "b", "c")
        until(_waits, served)
        one.send("first", "release", "last")
        assert [one.text() for _ in range(5)] == ["first", "before", "published", "release", "last"]
        assert [other.text() for _ in range(3)] == ["a", "b", "c"]


def test_a_pong_does_not_overtake_what_was_published_before_it() -> None:
    def publish(connection: Any, data: bytearray) -> None:
        connection.subscribe("news")
        connection.publish("news", data)

    with serving(on_message(publish)) as served, served.open() as client:
        client.send("one", frame(b"", PING), "two", close_frame())
        assert [each.opcode for each in client.frames()] == [TEXT, PONG, TEXT, CLOSE]


def test_after_a_filter_has_closed_no_message_is_handed_to_filters() -> None:
    events = Events()

    def once(connection: Any, data: bytearray) -> None:
        events.tell(bytes(data))
        connection.close(4000)

    with serving(on_message(once), *pairing(events)) as served, served.open() as client:
        client.send("one", "two", frame(b"th", TEXT, fin=False), frame(b"ree", 0))
        assert client.closed() == (4000, "")
        assert [events.next(), events.next(), events.next()] == ["open", b"one", (4000, "")]
        assert events.none_is_left()


# One connect chain, one disconnect chain.


ENDINGS = {
    "closed by the client": (lambda client: client.send(close_frame(4000, "bye")), (4000, "bye")),
    "closed with an empty frame": (lambda client: client.send(close_frame(None)), (1005, "")),
    "aborted by a filter": (lambda client: client.send("abort"), (1006, "")),
    "lost by a filter": (lambda client: (client.send("lose"), client.closed()), (1000, "")),
    "reset": (lambda client: client.reset(), (1006, None)),
    "half a frame, then the end": (lambda client: (client.send(b"\x81\xff\x00"), client.socket.close()), (1006, None)),
    "unmasked": (lambda client: client.send(frame("x", mask=None)), (1002, "unmasked client-to-server frame")),
    "no UTF-8": (lambda client: client.send(frame(b"\xff", TEXT)), (1007, None)),
    "reserved bits": (lambda client: client.send(frame("x", rsv=2)), (1002, None)),
    "an unknown opcode": (lambda client: client.send(frame(b"x", 5)), (1002, None)),
    "a continuation of nothing": (lambda client: client.send(frame(b"x", 0)), (1002, None)),
    "a ping in fragments": (lambda client: client.send(frame(b"x", PING, fin=False)), (1002, None)),
    "a ping too long": (lambda client: client.send(frame(b"x" * 126, PING)), (1002, None)),
    "a close code that may not be": (lambda client: client.send(close_frame(1005)), (1002, None)),
    "a close reason that is no text": (lambda client: client.send(frame(b"\x03\xe8\xff", CLOSE)), (1007, None)),
    "too large": (lambda client: client.send("x" * 2000), (1009, None)),
    "too large in fragments": (
        lambda client: client.send(*(frame(b"x" * 600, 0 if n else TEXT, fin=False) for n in range(2))),
        (1009, None),
    ),
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_connection_that_was_opened_is_closed_once_however_it_ends(ending: str, tls: bool, tmp_path: Path) -> None:
    files = certificates.write(tmp_path)
    options: dict[str, Any] = {"key": files.key, "cert": files.cert} if tls else {}
    events = Events()
    end, (code, reason) = ENDINGS[ending]

    def obey(connection: Any, data: bytearray) -> None:
        (connection.abortConnection if data == b"abort" else connection.loseConnection)()

    with serving(on_message(obey), *pairing(events), max_message_size=1000, **options) as served:
        client = served.open()
        end(client)
        if client.socket.fileno() >= 0 and code != 1006 and ending != "lost by a filter":
            assert client.closed()[0] == (None if code == 1005 else code)
        assert events.next() == "open"
        seen = events.next()
        assert seen[0] == code
        assert reason is None or seen[1].startswith(reason)
        served.until_empty()
        assert events.none_is_left()
        client.socket.close()


def test_a_connect_filter_that_raises_is_paired_with_a_disconnect() -> None:
    events = Events()

    class Refuses(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection: Any, data: None) -> None:
            raise Close(4003, "not today")

    with serving(Refuses, *pairing(events)) as served, served.open() as client:
        assert client.closed() == (4003, "not today")
        assert events.next() == (4003, "not today")
        assert events.none_is_left()


def test_a_client_that_goes_while_its_connect_filter_waits_is_cancelled_then_disconnected() -> None:
    events = Events()

    class Greets(WebSocketConnectFilter):
        @classmethod
        async def filter(cls, connection: Any, data: None) -> None:
            events.tell("waits")
            try:
                await Deferred()
            except CancelledError:
                events.tell("cancelled")
                raise

    with serving(Greets, *pairing(events)) as served, served.open():
        assert events.next() == "waits"
        # Reading is paused, so the end of a client itself is not seen; what ends the connection here is the server.
        call(served.connection().abortConnection)
        assert [events.next(), events.next()] == ["cancelled", (1006, "")]
        served.until_empty()
        assert served.counted("failed", "filter") == 0


def test_a_failing_disconnect_filter_does_not_keep_the_next_from_running() -> None:
    events = Events()

    class Fails(WebSocketDisconnectFilter):
        @classmethod
        async def filter(cls, connection: Any, data: None) -> None:
            await a_turn()
            raise RuntimeError("no")

    with serving(Fails, *pairing(events)) as served:
        served.open().quit()
        assert [events.next(), events.next()] == ["open", (1000, "")]
        assert served.counted("failed", "filter") == 1


def test_users_may_be_iterated_over_several_turns_while_clients_come_and_go() -> None:
    events = Events()

    async def visit(connection: Any, data: bytearray) -> None:
        seen = 0
        for _ in connection.users.items():
            await a_turn()
            seen += 1
            events.tell("visited")
        connection.sendMessage(str(seen))

    with serving(on_message(visit)) as served, served.open() as client:
        others = [served.open() for _ in range(5)]
        client.send("go")
        events.next()
        for other in others[:3]:
            other.quit()
        late = served.open()
        assert client.text() == "6"
        for other in [late, *others[3:]]:
            other.quit()


class Names(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, connection: Any, request: Any) -> None:
        connection.id = request.params["name"][0]


def joins(connection: Any, data: bytearray) -> None:
    connection.subscribe("news")
    connection.publish("news", data)


@pytest.mark.parametrize("answers", [True, False])
def test_a_connection_that_loses_its_id_to_a_later_one_is_closed_and_counted(answers: bool) -> None:
    events = Events()
    with serving(Names, on_message(joins), *pairing_of_ids(events)) as served:
        ann = served.open("/?name=ann")
        ann.send("first")
        assert ann.text() == "first"
        again = served.open("/?name=ann")
        assert served.counted("closed", "id taken by a later connection") == 1
        again.send("second")
        assert again.text() == "second"
        # It is never silently deaf, and when it ends it takes nothing along that is the later one's.
        if answers:
            assert ann.closed() == (1008, "id taken by a later connection")
        else:
            got = ann.receive()
            assert got is not None
            assert close_of(got)[0] == 1008
            ann.socket.close()
        assert events.next() == ("ann", 1008)
        assert list(call(lambda: dict(served.users))) == ["ann"]
        call(served.server.pipelines[0].publish, "news", "third")
        assert again.text() == "third"
        again.quit()
        assert events.next()[0] == "ann"
        served.until_empty()


def pairing_of_ids(events: Events) -> tuple[FilterMeta, ...]:
    class Ended(WebSocketDisconnectFilter):
        @classmethod
        def filter(cls, connection: Any, data: None) -> None:
            events.tell((connection.id, connection.close_code))

    return (Ended,)


def test_of_many_connections_that_open_with_one_id_the_last_stays() -> None:
    with serving(Names, on_message(joins)) as served:
        clients = []
        for _ in range(20):
            clients.append(served.open("/?name=ann"))
            clients[-1].send("here")
        assert clients[-1].text() == "here"
        for each in clients[:-1]:
            while (got := each.receive()) is not None and got.opcode != CLOSE:
                pass
            assert got is not None
            assert close_of(got)[0] == 1008
        assert served.counted("closed", "id taken by a later connection") == 19


@pytest.mark.parametrize(
    ("ident", "error"),
    [(7, TypeError), (None, TypeError), (b"ann", TypeError), ("", ValueError), ("a" * 256, ValueError),
     ("a\nb", ValueError), ("\ud800", ValueError)],
)  # fmt: skip
def test_what_can_be_no_id_is_refused_where_it_is_given(ident: Any, error: type[Exception]) -> None:
    events = Events()

    class Gives(WebSocketHandshakeFilter):
        @classmethod
        def filter(cls, connection: Any, request: Any) -> None:
            try:
                connection.id = ident
            except error as wrong:
                events.tell(str(wrong))

    with serving(Gives) as served, served.open():
        assert "id" in events.next()


def test_an_id_may_not_change_while_a_connection_is_open() -> None:
    events = Events()

    def rename(connection: Any, data: bytearray) -> None:
        try:
            connection.id = "other"
        except ValueError as error:
            events.tell(str(error))

    with serving(on_message(rename)) as served, served.open() as client:
        client.send("go")
        assert "handshake filter" in events.next()


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


# Data filters.


def on_data(function: Any) -> FilterMeta:
    return FilterMeta("OnData", (WebSocketDataFilter,), {"filter": staticmethod(function)})


def test_a_data_filter_sees_the_handshake_and_bytes_of_no_websocket_at_all() -> None:
    events = Events()
    with serving(on_data(lambda connection, data: events.tell(data))) as served:
        with served.client() as client:
            client.send(b"Morgan\n")
            assert events.next() == b"Morgan\n"
        with served.open() as client:
            assert events.next() == head()


def test_bytes_that_a_data_filter_returns_are_parsed_instead() -> None:
    async def swap(connection: Any, data: bytes) -> bytes | None:
        await a_turn()
        return data.replace(frame("cat"), frame("dog"))

    with serving(on_data(swap), on_message(echo)) as served, served.open() as client:
        client.send("cat", "bird")
        assert [client.text(), client.text()] == ["dog", "bird"]


def test_order_is_kept_when_data_and_message_filters_wait() -> None:
    def sometimes(connection: Any, data: bytes) -> Any:
        return a_turn() if len(data) % 2 else None

    with serving(on_data(sometimes), on_message(sometimes_async)) as served, served.open() as client:
        messages = [f"{'async' if number % 3 else 'sync'} {number}" for number in range(60)]
        client.send_bytewise(b"".join(frame(each) for each in messages[:20]))
        for each in messages[20:]:
            client.send(each)
        assert [client.text() for _ in messages] == messages


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


# The clock of pings. Its ticks are the test's own, one for each second.


def test_a_client_that_does_not_answer_a_ping_is_gone_with_1006() -> None:
    events = Events()
    with serving(*pairing(events), ping_interval=FOREVER, ping_timeout=2) as served, served.open() as client:
        connection = served.connection()
        heartbeat = served.server.heartbeat

        def tick_until_pinged() -> None:
            while connection.awaiting_pong is not True:
                heartbeat._tick()

        call(tick_until_pinged)
        assert client.receive() == Frame(PING, b"")
        client.send(frame(b"", PONG))
        until(lambda: connection.awaiting_pong is False)
        call(tick_until_pinged)
        assert client.receive() == Frame(PING, b"")
        call(lambda: (heartbeat._tick(), heartbeat._tick()))
        client.ended()
        assert [events.next(), events.next()] == ["open", (1006, "no answer to a ping")]
        assert served.counted("closed", "ping timeout") == 1


def test_the_clock_of_pings_stands_still_while_a_filter_waits() -> None:
    gate: Deferred[None] = Deferred()

    async def wait(connection: Any, data: bytearray) -> None:
        await gate
        connection.sendMessage(data)

    with serving(on_message(wait), ping_interval=2, ping_timeout=1) as served, served.open() as client:
        client.send("go")
        until(_waits, served)
        call(lambda: [served.server.heartbeat._tick() for _ in range(20)])
        call(gate.callback, None)
        assert client.text() == "go"
        client.quit()


# Limits on what comes.


def test_a_flood_behind_a_message_that_was_too_large_is_dropped_not_kept() -> None:
    with serving(on_message(echo), max_message_size=1000, close_timeout=FOREVER) as served, served.open() as client:
        connection = served.connection()
        client.send(frame(b"x" * 1001))
        for _ in range(200):
            client.send(frame(b"y" * 50_000))
        assert call(lambda: len(connection.data) + len(connection.held)) <= 65536
        assert client.closed()[0] == 1009
