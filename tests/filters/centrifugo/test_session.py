import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.filters.centrifugo import CentrifugoRPCFilter
from filtered_websocket.filters.centrifugo.protobuf_codec import ProtobufCodec
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.testing.client import Refused
from tests.filters.centrifugo.clients import PATH, Speaking, connected, serving


def test_a_client_connects_and_is_told_when_to_expect_pings():
    with serving() as server:
        result = connected(server).result
        assert (result["ping"], result["pong"]) == (25, True)
        assert len(result["client"]) == 36


@pytest.mark.parametrize(
    "frame",
    [
        "", "x", "[]", "null", "{}", '{"id":2}', '{"id":2,"foo":{}}', '{"id":2,"ping":{}}', '{"id":2,"connect":{}}',
        '{"subscribe":{"channel":"open:a"}}', '{"id":2,"subscribe":{}}', '{"id":2,"publish":{"channel":""}}',
        '{"id":2.0,"rpc":{}}', '{"id":2,"refresh":{}}', '{"id":2,"subscribe":{"channel":"open:a","delta":"zip"}}',
        b"\xff", '{"id":2,"rpc":{}}{"id":3,"rpc":{}}',
    ],
)  # fmt: skip
def test_what_no_client_sends_closes_with_3501(frame):
    with serving() as server:
        client = connected(server)
        client.wire.send(frame)
        assert client.closed == (3501, "bad request")


def test_the_first_command_is_connect():
    with serving() as server:
        client = Speaking(server)
        client.say({"id": 1, "subscribe": {"channel": "open:a"}})
        assert client.closed == (3501, "bad request")


def test_what_comes_before_a_bad_command_in_its_frame_is_answered():
    with serving(centrifugo_rpc_ping=True) as server:
        client = connected(server)
        client.say(
            {"id": 2, "rpc": {"method": "ping"}}, {"id": 3, "rpc": {"method": "ping"}}, "x", {"id": 4, "rpc": {}}
        )
        assert client.hear() == [{"id": 2, "rpc": {}}, {"id": 3, "rpc": {}}]
        assert client.closed == (3501, "bad request")


def test_connect_and_all_subscriptions_may_come_in_one_frame():
    with serving() as server:
        client = Speaking(server)
        client.say({"connect": {}, "id": 1}, *[{"subscribe": {"channel": f"kept:{n}"}, "id": n} for n in range(2, 6)])
        assert [each["id"] for each in client.hear()] == [1, 2, 3, 4, 5]


def test_nothing_after_a_failed_connect_is_obeyed_and_the_client_is_gone_soon():
    with serving() as server:
        client = Speaking(server)
        client.say({"connect": {"token": "x"}, "id": 1}, {"subscribe": {"channel": "open:2"}, "id": 2})
        assert client.hear() == []
        assert client.closed == (3500, "invalid token")


def test_a_client_that_says_nothing_is_closed_with_3502():
    with serving(centrifugo_stale_delay=10) as server:
        client = Speaking(server)
        server.advance(9)
        assert client.closed == (None, None)
        server.advance(2)
        assert client.closed == (3502, "stale")


def test_pings_are_answered_once_each():
    with serving() as server:
        client = connected(server)
        for _ in range(3):
            while not (heard := client.hear()):
                server.advance(1)
            assert heard == [{}]
            client.say("{}")
        client.say("{}")
        assert client.closed == (3501, "bad request")


def test_without_a_pong_3012_and_no_other_command_counts_as_one():
    with serving(centrifugo_rpc_ping=True) as server:
        client = connected(server)
        while not client.hear():
            server.advance(1)
        assert client.ask("rpc", method="ping") == {}
        server.advance(8)
        assert client.closed == (3012, "no pong")


def test_pings_may_be_the_websockets_own():
    with serving() as server:
        client = connected(server, path=f"{PATH}?cf_ws_frame_ping_pong=true")
        assert client.result.keys() == {"client", "version"}
        server.advance(120)
        assert client.hear() == []
        assert client.closed == (None, None)


@pytest.mark.parametrize(("query", "by_frames"), [("", False), ("?cf_ws_frame_ping_pong=true", True)])
def test_a_client_is_pinged_by_its_protocol_or_by_frames_never_by_both(query, by_frames):
    with serving() as server:
        connected(server, path=f"{PATH}{query}")
        pipeline = server.pipeline()
        assert pipeline.server.heartbeat.pings is by_frames
        assert State.of(pipeline).heartbeat.pings is not by_frames


def test_a_protobuf_client_pings_with_an_empty_message():
    codec = ProtobufCodec()
    with serving() as server:
        wire = server.connect(PATH, protocols=["wamp", "centrifuge-protobuf"])
        assert wire.protocol == "centrifuge-protobuf"
        wire.send(b'\x04\x08\x01"\x00')
        assert len(wire.received()) == 1
        while not (heard := wire.received()):
            server.advance(1)
        assert heard == [codec.ping]
        wire.send(b"\x00")
        wire.send(b"\x00")
        assert wire.close_code == 3501


def test_there_is_no_other_path():
    with serving() as server:
        for path in ("/", "/connection/websocket/", "/connection"):
            with pytest.raises(Refused) as refused:
                server.connect(path)
            assert refused.value.status == 404


def test_a_server_that_stops_says_shutdown():
    with serving() as server:
        client = connected(server)
        client.subscribe("joins:a")
        server.result(server.server.stop())
        assert client.closed == (3001, "shutdown")


def test_what_a_filter_sends_to_one_client_is_a_message():
    with serving() as server:
        client = connected(server)
        client.session.send({"a": [1]})
        client.wire.connection.sendMessage('{"b":2}')
        client.wire.connection.sendMessage("plain")
        assert client.pushed() == [{"message": {"data": each}} for each in ({"a": [1]}, {"b": 2}, "plain")]
        client.session.disconnect(4501, "enough")
        assert client.closed == (4501, "enough")


def test_behind_thousands_of_commands_of_one_frame_that_each_wait_the_client_goes_on():
    waiting = []

    class Waits(CentrifugoRPCFilter):
        method = ""

        @classmethod
        def filter(cls, client, event):
            waiting.append(Deferred())
            return waiting[-1]

    with serving(Waits, max_message_size=65536) as server:
        client = connected(server)
        client.say(*(f'{{"id":{number},"rpc":{{}}}}' for number in range(2, 2002)))
        for number in range(2000):
            waiting[number].callback(None)
        assert [each["id"] for each in client.hear()] == list(range(2, 2002))
        client.number = 5000
        assert client.ask("subscribe", channel="open:a") == {}
