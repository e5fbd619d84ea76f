import pytest

from filtered_websocket.filters.centrifugo import (
    CentrifugoConnectFilter,
    CentrifugoDisconnectFilter,
    CentrifugoPublishFilter,
    CentrifugoRefreshFilter,
    CentrifugoRPCFilter,
    CentrifugoSendFilter,
    CentrifugoSubRefreshFilter,
    CentrifugoSubscribeFilter,
    CentrifugoUnsubscribeFilter,
    Disconnect,
    Error,
    ServerSubscription,
)
from filtered_websocket.filters.centrifugo.events import raw_of
from tests.filters.centrifugo.clients import Speaking, connected, later, serving, token


def test_a_filter_says_who_a_client_is():
    class Keys(CentrifugoConnectFilter):
        @classmethod
        async def filter(cls, client, event):
            if event.user is None:
                if event.json != {"key": 7}:
                    raise Disconnect(4501, "no such key")
                event.user, event.info, event.reply = "seven", {"name": "Seven"}, {"hello": event.name}
                event.channels["closed:news"] = ServerSubscription(data=b"[1]")

    with serving(Keys, centrifugo_allow_anonymous=False) as server:
        client = Speaking(server)
        result = client.ask("connect", data={"key": 7}, name="js")
        assert result["data"] == {"hello": "js"}
        assert result["subs"] == {"closed:news": {"data": [1]}}
        assert (client.session.user, client.session.info) == ("seven", b'{"name":"Seven"}')
        other = Speaking(server)
        other.ask("connect", data={})
        assert other.closed == (4501, "no such key")
        assert connected(server, "u").session.user == "u"


def test_a_filter_decides_who_may_into_a_channel():
    class Rooms(CentrifugoSubscribeFilter):
        @classmethod
        def filter(cls, client, event):
            if event.channel == "closed:a":
                event.allowed, event.info, event.reply = True, {"role": client.user}, {"topic": "x"}
                event.options = event.options._replace(presence=True)
            elif event.channel == "open:b":
                raise Error(451, "not for you")

    with serving(Rooms) as server:
        client = connected(server, "u")
        assert client.subscribe("closed:a") == {"data": {"topic": "x"}}
        assert client.subscribe("closed:b") == 103
        assert client.subscribe("open:b") == 451
        assert client.session.info_in("closed:a").chan_info == b'{"role":"u"}'
        assert server.result(server.storage_object.member_count("closed:a")) == 1


def test_a_filter_changes_what_is_published():
    class Clean(CentrifugoPublishFilter):
        @classmethod
        async def filter(cls, client, event):
            if event.channel == "closed:a":
                event.allowed = True
            if "bad" in event.json:
                raise Error(400, "mind your words")
            event.data, event.tags = {"said": event.json}, {"by": client.user}

    with serving(Clean) as server:
        client = connected(server, "u", channels=["closed:a"])
        assert client.publish("closed:a", "good") == {}
        assert client.publish("closed:a", "bad") == 400
        assert client.publish("closed:b", "good") == 103
        (push,) = client.pushed()
        assert (push["pub"]["data"], push["pub"]["tags"]) == ({"said": "good"}, {"by": "u"})


def test_filters_answer_calls_each_its_methods():
    class Add(CentrifugoRPCFilter):
        method = "add"

        @classmethod
        def filter(cls, client, event):
            return sum(event.json)

    class Other(CentrifugoRPCFilter):
        method = ("later", "nothing", "raw", "fails")

        @classmethod
        async def filter(cls, client, event):
            if event.method == "fails":
                raise RuntimeError("oh")
            return {"later": [event.method], "nothing": None, "raw": b"[1, 2]"}[event.method]

    with serving(Add, Other) as server:
        client = connected(server)
        assert client.ask("rpc", method="add", data=[1, 2]) == {"data": 3}
        assert client.ask("rpc", method="later") == {"data": ["later"]}
        assert client.ask("rpc", method="raw") == {"data": [1, 2]}
        assert [client.ask("rpc", method=each) for each in ("nothing", "other", "", "fails")] == [104, 104, 104, 100]
        assert "RuntimeError: oh" in server.errors[0]
    with serving() as server:
        assert connected(server).ask("rpc", method="add") == 108


def test_what_is_sent_reaches_a_filter_or_ends_the_connection():
    heard = []

    class Hear(CentrifugoSendFilter):
        @classmethod
        def filter(cls, client, event):
            heard.append(event.json)

    with serving(Hear) as server:
        client = connected(server)
        client.say({"send": {"data": {"a": 1}}})
        client.say({"id": 4, "send": {"data": 2}})
        assert client.hear() == []
        assert heard == [{"a": 1}, 2]
    with serving() as server:
        client = connected(server)
        client.say({"send": {"data": 1}})
        assert client.closed == (3508, "not available")


def test_new_tokens_can_be_refused():
    class Never(CentrifugoRefreshFilter):
        @classmethod
        def filter(cls, client, event):
            raise Error(401, "not now", temporary=True)

    class Longer(CentrifugoSubRefreshFilter):
        @classmethod
        def filter(cls, client, event):
            event.expires, event.info = None, {"n": 1}

    with serving(Never, Longer) as server:
        client = connected(server, "u1", exp=later())
        assert client.ask("refresh", token=token(exp=later())) == 401
        client.subscribe("closed:a", token=token(channel="closed:a", exp=later()))
        assert client.ask("sub_refresh", channel="closed:a", token=token(channel="closed:a", exp=later())) == {}
        assert client.session.subscriptions["closed:a"].info == b'{"n":1}'


def test_leaving_and_going_are_told_once_each():
    told = []

    class Left(CentrifugoUnsubscribeFilter):
        @classmethod
        def filter(cls, client, event):
            told.append(("left", client.user, event.channel, event.code))

    class Gone(CentrifugoDisconnectFilter):
        @classmethod
        async def filter(cls, client, event):
            told.append(("gone", client.user, sorted(event.channels), event.code))
            raise RuntimeError("nobody cares")

    with serving(Left, Gone) as server:
        client = connected(server, "u")
        client.subscribe("open:a")
        client.subscribe("open:b")
        client.ask("unsubscribe", channel="open:a")
        assert told == [("left", "u", "open:a", 0)]
        client.session.disconnect(4000, "bye")
        server.settle()
        assert told[1:] == [("left", "u", "open:b", 4000), ("gone", "u", ["open:b"], 4000)]
        assert "RuntimeError: nobody cares" in server.errors[0]
        Speaking(server).wire.abort()
        server.settle()
        assert len(told) == 3


@pytest.mark.parametrize(
    ("value", "raw"),
    [(None, b""), (b"\xff", b"\xff"), (bytearray(b"1"), b"1"), ({"a": "é"}, b'{"a":"\\u00e9"}')],
)
def test_what_filters_give_is_embedded(value, raw):
    assert raw_of(value) == raw


def test_what_is_no_json_is_a_fault_of_the_filter():
    with pytest.raises(TypeError):
        raw_of(object())
