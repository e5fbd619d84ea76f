from filtered_websocket.filters.centrifugo import CentrifugoUnsubscribeFilter
from filtered_websocket.filters.centrifugo.envelope import info_as_text
from filtered_websocket.filters.centrifugo.messages import ClientInfo
from tests.filters.centrifugo.clients import connected, serving

INFO = ClientInfo("u", "an-id", b"[1]")


def test_a_client_that_is_gone_with_its_node_is_seen_to_leave_and_told_to_filters():
    told = []

    class Left(CentrifugoUnsubscribeFilter):
        @classmethod
        def filter(cls, client, event):
            told.append((client.id, client.user, client.info, event.channel, event.code, event.reason))

    with serving(Left) as server:
        client = connected(server)
        client.subscribe("joins:a")
        client.pushed()
        server.server.member_left("joins:a", "an-id", info_as_text(INFO))
        info = {"user": "u", "client": "an-id", "conn_info": [1]}
        assert client.pushed() == [{"channel": "joins:a", "leave": {"info": info}}]
        assert told == [("an-id", "u", b"[1]", "joins:a", 3000, "connection closed")]
        server.server.member_left("open:a", "an-id", info_as_text(INFO))
        server.server.member_left("nope:a", "an-id", info_as_text(INFO))
        assert client.pushed() == []
        assert len(told) == 3


def test_a_client_that_was_thought_gone_is_seen_to_come():
    with serving() as server:
        client = connected(server)
        client.subscribe("joins:a")
        client.pushed()
        server.server.member_returned("joins:a", "an-id", info_as_text(INFO))
        assert [each["join"]["info"]["client"] for each in client.pushed()] == ["an-id"]
