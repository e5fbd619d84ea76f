"""The filter `history`: what a client asks for in its URL, what it is answered, and what it gets."""

import base64
import json
from typing import Any

import pytest
from twisted.internet.defer import fail

from filtered_websocket.errors import ConfigError, StopChain, StorageAway
from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketConsumerFilter, WebSocketMessageFilter
from filtered_websocket.filters.history import follow
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing import Client, Refused, Server
from tests.filters.engineio.clients import KINDS, PACK, Session
from tests.support.shared_memory import SharedMemory

HISTORY = "filtered_websocket.filters.history"
BROADCAST = "filtered_websocket.filters.broadcast_messages"
CHANNEL = "broadcast_messages"
SECRET = "a-secret-of-this-client"


def told(client: Client) -> list[dict[str, Any]]:
    return [json.loads(message) for message in client.received()]


def data(messages: list[dict[str, Any]]) -> list[str]:
    return [each["data"] for each in messages]


def offsets(messages: list[dict[str, Any]]) -> list[int]:
    return [int(each["position"].rpartition(":")[2]) for each in messages]


def publish(server: Server, *texts: str) -> None:
    for text in texts:
        server.result(server.pipeline().publish(CHANNEL, text))


@pytest.fixture
def server():
    with Server(HISTORY, BROADCAST) as server:
        yield server


def keeping(count: int, **options: Any) -> Server:
    return Server(HISTORY, BROADCAST, channels={CHANNEL: {"history": count}}, **options)


def test_the_answer_comes_first_and_each_message_with_its_position(server):
    publish(server, "before")
    client = server.connect()
    publish(server, "one", "two")
    answer, *messages = told(client)
    assert answer.keys() == {"position"}
    assert offsets([answer, *messages]) == [1, 2, 3]
    assert data(messages) == ["one", "two"]


def test_who_was_away_gets_what_it_missed_then_what_is_live(server):
    client = server.connect()
    publish(server, "one")
    position = told(client)[-1]["position"]
    client.abort()
    publish(server, "two", "three")
    client = server.connect(f"/?since={position}")
    publish(server, "four")
    answer, *messages = told(client)
    assert answer == {"position": messages[1]["position"], "recovered": True}
    assert data(messages) == ["two", "three", "four"]
    assert offsets(messages) == [2, 3, 4]


def test_who_missed_nothing_is_told_so(server):
    publish(server, "one")
    (answer,) = told(server.connect())
    assert told(server.connect(f"/?since={answer['position']}")) == [answer | {"recovered": True}]


def test_a_position_from_before_the_first_message_is_good(server):
    (answer,) = told(server.connect())
    publish(server, "one")
    assert offsets([answer]) == [0]
    again, message = told(server.connect(f"/?since={answer['position']}"))
    assert (again["recovered"], message["data"]) == (True, "one")


@pytest.mark.parametrize(("query", "expected"), [("last=2", ["two", "three"]), ("last=9", ["one", "two", "three"])])
def test_who_comes_late_gets_the_newest(server, query, expected):
    publish(server, "one", "two", "three")
    client = server.connect(f"/?{query}")
    publish(server, "four")
    answer, *messages = told(client)
    assert data(messages) == [*expected, "four"]
    assert offsets([answer]) == [3]
    assert "recovered" not in answer


@pytest.mark.parametrize(("more", "expected"), [("", ["live"]), ("&last=0", ["live"]), ("&last=1", ["four", "live"])])
def test_who_was_away_too_long_is_told_so_and_goes_on_with_the_newest_it_asked_for(more, expected):
    with keeping(2) as server:
        position = told(server.connect())[0]["position"]
        publish(server, "one", "two", "three", "four")
        client = server.connect(f"/?since={position}{more}")
        publish(server, "live")
        answer, *messages = told(client)
        assert (answer["recovered"], answer["reason"], offsets([answer])) == (False, "trimmed", [4])
        assert data(messages) == expected


def test_a_position_of_another_history_is_never_recovered(server):
    publish(server, "one")
    for position in ("another:0", "another:1", "another:99"):
        answer = told(server.connect(f"/?since={position}"))[0]
        assert (answer["recovered"], answer["reason"]) == (False, "epoch")


def test_a_server_in_memory_that_is_started_anew_says_that_it_has_lost_the_past():
    with Server(HISTORY, BROADCAST) as first:
        position = told(first.connect())[0]["position"]
    with Server(HISTORY, BROADCAST) as second:
        publish(second, "one")
        answer, *rest = told(second.connect(f"/?since={position}"))
        assert (answer["recovered"], rest) == (False, [])


def test_another_node_on_the_same_storage_goes_on_from_where_the_first_was():
    storage = SharedMemory()
    with Server(HISTORY, BROADCAST, storage_object=storage) as first, Server(
        HISTORY, BROADCAST, storage_object=storage
    ) as second:  # fmt: skip
        client = first.connect()
        publish(first, "one")
        position = told(client)[-1]["position"]
        client.abort()
        publish(first, "two")
        answer, message = told(second.connect(f"/?since={position}"))
        assert (answer["recovered"], message["data"]) == (True, "two")


def test_more_than_one_recovery_gives_back_is_too_many():
    with keeping(100, recovery_publications=3) as server:
        position = told(server.connect())[0]["position"]
        publish(server, *map(str, range(3)))
        assert len(told(server.connect(f"/?since={position}"))) == 4
        publish(server, "3")
        (answer,) = told(server.connect(f"/?since={position}"))
        assert (answer["recovered"], answer["reason"]) == (False, "too many")


@pytest.mark.parametrize(
    "query",
    [
        "since=x", "since=", "since=:5", "since=a:-1", "since=a:b", "since=a:1&since=a:2", "since=a%20b:1",
        f"since={'e' * 65}:1", "since=a:99999999999999999999", "last=x", "last=-1", "last=1000001", "last=",
        "last=%D9%A1", "last=1&last=2", "last=99999999999999999999999", "client=short", f"client={'x' * 129}",
        f"client={SECRET}&client={SECRET}",
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_refused_before_the_connection_is_open(server, query):
    with pytest.raises(Refused) as refused:
        server.connect(f"/?{query}")
    assert refused.value.status == 400
    assert server.errors == []


def test_json_holds_text_and_binary_as_they_are(server):
    client, other = server.connect(), server.connect()
    for payload in ('\u00e4\u20ac\U0001f600 "quoted"\n', "", b"\xff\x00"):
        other.send(payload)
    _, text, empty, binary = told(client)
    assert (text["data"], empty["data"]) == ('\u00e4\u20ac\U0001f600 "quoted"\n', "")
    assert base64.b64decode(binary["binary"]) == b"\xff\x00"
    assert "data" not in binary


def test_positions_stand_in_front_of_messages_where_that_is_asked_for():
    with Server(HISTORY, BROADCAST, history_positions="prefix") as server:
        client, other = server.connect(), server.connect()
        for payload in ("a b", b"\xff\x00"):
            other.send(payload)
        answer, text, binary = client.received()
        epoch = json.loads(answer)["position"].removesuffix(":0")
        assert (text, binary) == (f"{epoch}:1 a b", f"{epoch}:2 ".encode() + b"\xff\x00")
        missed = server.connect(f"/?since={epoch}:1")
        assert missed.received()[1:] == [binary]
        assert missed.response_headers["History-Positions"] == "prefix"


def test_where_no_positions_are_told_messages_are_as_they_are_and_nothing_answers():
    with Server(HISTORY, BROADCAST, history_positions="none") as server:
        publish(server, "one", "two")
        client = server.connect("/?last=1")
        publish(server, "three")
        assert client.received() == ["two", "three"]
        with pytest.raises(Refused) as refused:
            server.connect("/?since=a:1")
        assert refused.value.status == 400


def test_several_messages_published_together_come_again_together(server):
    client = server.connect()
    server.result(server.pipeline().publish(CHANNEL, ["one", "two"]))
    answer, one, two = told(client)
    assert offsets([answer, one, two]) == [0, 0, 1]
    assert data(told(server.connect(f"/?since={one['position']}"))[1:]) == ["one", "two"]
    assert told(server.connect(f"/?since={two['position']}"))[1:] == []


def test_who_published_does_not_get_its_own_as_missed_if_it_says_that_it_is_the_same(server):
    client, other = server.connect(f"/?client={SECRET}"), server.connect()
    position = told(client)[0]["position"]
    client.send("mine")
    other.send("theirs")
    client.abort()
    answer, *messages = told(server.connect(f"/?since={position}&client={SECRET}"))
    assert data(messages) == ["theirs"]
    assert answer["recovered"]
    assert data(told(server.connect(f"/?since={position}"))[1:]) == ["mine", "theirs"]


def test_the_id_of_a_client_does_not_tell_its_secret_and_takes_the_place_of_a_former_connection(server):
    former = server.connect(f"/?client={SECRET}")
    assert SECRET not in former.connection.id
    server.connect(f"/?client={SECRET}")
    assert former.close_code == 1008


def test_a_reply_to_one_client_alone_comes_as_it_is():
    class Replies(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.sendMessage(b"you: " + data)

    with Server(HISTORY, Replies) as server:
        client = server.connect()
        told(client)
        client.send("hi")
        assert client.received() == ["you: hi"]


def test_a_consumer_filter_in_front_sees_what_was_said_and_may_withhold_it():
    seen = []

    class Looks(WebSocketConsumerFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            seen.append(data.payload)
            return data.with_payload("****") if data.payload == b"damn" else None

    with Server(Looks, HISTORY, BROADCAST) as server:
        position = told(server.connect())[0]["position"]
        publish(server, "damn")
        assert data(told(server.connect(f"/?since={position}"))[1:]) == ["****"]
    assert set(seen) == {b"damn"}


def test_when_something_is_missing_the_client_is_closed_before_what_is_behind_and_comes_back(server):
    client = server.connect()
    publish(server, "one")
    position = told(client)[-1]["position"]
    server.server.gap(CHANNEL, None)
    publish(server, "two")
    assert data(told(client)) == []
    assert (client.close_code, client.close_reason[:20]) == (4110, "something is missing")
    answer, message = told(server.connect(f"/?since={position}"))
    assert (answer["recovered"], message["data"]) == (True, "two")


def test_when_history_cannot_be_asked_the_client_is_closed_and_keeps_its_position():
    class Away(StorageObject):
        away = False

        def latest(self, *arguments):
            return fail(StorageAway("not done")) if self.away else super().latest(*arguments)

    storage = Away()
    with keeping(100, recovery_tails=0, storage_object=storage) as server:
        position = told(server.connect())[0]["position"]
        publish(server, "one")
        storage.away = True
        client = server.connect(f"/?since={position}")
        assert (client.received(), client.close_code) == ([], 4110)
        storage.away = False
        assert data(told(server.connect(f"/?since={position}"))[1:]) == ["one"]


def test_a_channel_that_keeps_nothing_does_not_start():
    with pytest.raises(ConfigError, match='"lobby" of history_channel keeps nothing'):
        Server(HISTORY, BROADCAST, history_channel="lobby").__enter__()


def test_filters_of_ones_own_follow_channels_of_their_own():
    class Enter(WebSocketConnectFilter):
        @classmethod
        async def filter(cls, web_socket_instance, data):
            await follow(web_socket_instance, f"room {web_socket_instance.request.path}")

    with Server(HISTORY, Enter, history_channel="", channels={"room *": {"history": 10}}) as server:
        position = told(server.connect("/a"))[0]["position"]
        for path in ("/a", "/b"):
            server.result(server.pipeline().publish(f"room {path}", path))
        answer, message = told(server.connect(f"/a?since={position}"))
        assert (answer["recovered"], message["data"]) == (True, "/a")
        assert not told(server.connect(f"/b?since={position}"))[0]["recovered"]


def test_pipelines_have_channels_and_forms_of_their_own():
    other = {"filters": [HISTORY, BROADCAST], "history_positions": "prefix"}
    with Server(HISTORY, BROADCAST, pipelines={"/x": other}) as server:
        here, there = server.connect(), server.connect("/x")
        server.connect().send("hi")
        server.connect("/x").send("ho")
        assert data(told(here)[1:]) == ["hi"]
        assert there.received()[1].endswith(":1 ho")


def test_a_connection_that_ends_while_it_is_looked_for_leaves_nothing_behind(server):
    client = server.connect("/?last=5")
    client.abort()
    publish(server, "one")
    assert not server.pipeline().hub.subscribers(CHANNEL)
    assert server.errors == []


@pytest.mark.parametrize("kind", KINDS)
def test_sessions_of_engine_io_are_answered_and_given_what_they_missed_by_every_transport(kind):
    with Server(PACK, HISTORY, BROADCAST) as server:
        publish(server, "one", "two")
        (answer,) = [json.loads(str(each)[1:]) for each in Session(server, kind).received()]
        earlier = answer["position"].replace(":2", ":1")
        client = Session(server, kind, f"&since={earlier}")
        publish(server, "three")
        answer, *messages = [json.loads(str(each)[1:]) for each in client.received()]
        assert answer["recovered"]
        assert data(messages) == ["two", "three"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_slow_clients_of_a_channel_lose_is_not_lost_of_what_was_missed(kind):
    class Drop(WebSocketConsumerFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            if data.payload == b"dropped":
                raise StopChain

    with Server(PACK, Drop, HISTORY, BROADCAST, channels={CHANNEL: {"history": 9, "slow": "latest"}}) as server:
        publish(server, "dropped", "one", "two", "three", "dropped")
        (answer,) = [json.loads(str(each)[1:]) for each in Session(server, kind).received()]
        for offset, expected in ((0, ["one", "two", "three"]), (4, [])):
            client = Session(server, kind, f"&since={answer['position'].replace(':5', f':{offset}')}")
            answered, *messages = [json.loads(str(each)[1:]) for each in client.received()]
            assert answered["recovered"]
            assert data(messages) == expected
