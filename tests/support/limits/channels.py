"""Attacks on the packs of channels: Pusher, Pushi, Centrifugo, Philote, and on filters of the shelf."""

import json
import time
from collections.abc import Sequence
from typing import Any

from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.filters.shared.tokens import issue
from tests.filters.pusher.clients import signed
from tests.support.http_client import read_answer
from tests.support.limits.attack import (
    ADDRESSES,
    ONE,
    Act,
    Attack,
    asks,
    code,
    on_each,
    opened,
    over_connections,
    request,
    says,
    sent,
    status,
    until,
)  # fmt: skip
from tests.support.limits.served import PUSHI_KEY, SECRET
from tests.support.raw_client import RawClient, head

KEY = [("X-API-Key", SECRET)]
WEBSOCKET, STREAM, EMULATION = "/connection/websocket", "/connection/http_stream", "/emulation"


def pusher(*events: dict[str, Any], error: str) -> Act:
    """A client that is signed for whatever it subscribes to says this, and is told that."""

    def act(client: RawClient) -> None:
        client.open("/app/k?protocol=7")
        ident = json.loads(json.loads(client.text())["data"])["socket_id"]
        for event in events:
            _say(client, ident, event)
        assert error in until(client, "error")

    return act


def _say(client: RawClient, ident: str, event: dict[str, Any]) -> None:
    data = event["data"]
    if "channel_data" in data:
        auth = f"k:{sign(SECRET, ':'.join((ident, data['channel'], data['channel_data'])))}"
        event = event | {"data": data | {"auth": auth}}
    elif str(data.get("channel", "")).startswith("private-"):
        event = event | {"data": data | {"auth": f"k:{sign(SECRET, ':'.join((ident, data['channel'])))}"}}
    client.send(json.dumps(event))


def subscribes(channel: str, user: str = "", info: str = "") -> dict[str, Any]:
    about = {"channel_data": json.dumps({"user_id": user, "user_info": info})} if user else {}
    return {"event": "pusher:subscribe", "data": {"channel": channel, **about}}


def client_event(data: str = "x") -> dict[str, Any]:
    return {"event": "client-x", "channel": "private-a", "data": {"said": data}}


def crowds(clients: Sequence[RawClient]) -> None:
    """More members than a channel may have, one for each client, or one client with many connections."""
    with RawClient(clients[0].socket.getpeername()) as first, RawClient(clients[0].socket.getpeername()) as second:
        for number, member in enumerate((first, second)):
            member.open("/app/k?protocol=7")
            ident = json.loads(json.loads(member.text())["data"])["socket_id"]
            _say(member, ident, subscribes("presence-full", f"member{number}"))
            until(member, "subscription_succeeded")
        for number, client in enumerate(clients):
            client.open("/app/k?protocol=7")
            ident = json.loads(json.loads(client.text())["data"])["socket_id"]
            _say(client, ident, subscribes("presence-full", f"attacker{number}"))
            until(client, "subscription_error", "403")


def posts_an_event(client: RawClient) -> None:
    """A backend whose event is too large."""
    body = {"name": "x", "data": "x" * 2000, "channel": "a"}
    sent = signed("POST", "/apps/1/events", body, SECRET, auth_key="k")
    assert asks(client, "POST", sent.uri, sent.body, [("Content-Type", "application/json")]).status == 413


def pushi(*events: dict[str, Any], error: str) -> Act:
    def act(client: RawClient) -> None:
        client.open(f"/{PUSHI_KEY}")
        client.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": "a"}}))
        until(client, "subscription_succeeded")
        for event in events:
            client.send(json.dumps(event))
        assert error in until(client, "error")

    return act


def stores_events(client: RawClient) -> None:
    """More events than a channel keeps: the newest are there."""
    client.open(f"/{PUSHI_KEY}")
    client.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": "stored"}}))
    until(client, "subscription_succeeded")
    for number in range(8):
        client.send(json.dumps({"event": "message", "channel": "stored", "data": f"m{number}", "echo": True}))
    until(client, "m7")
    client.send(json.dumps({"event": "pusher:latest", "data": {"channel": "stored", "count": 100}}))
    kept = until(client, "pusher_internal:latest")
    assert [f"m{number}" in kept for number in range(8)] == [False] * 4 + [True] * 4, kept


def centrifugo(*commands: dict[str, Any], says: str = "", user: str = "", path: str = WEBSOCKET) -> Act:
    """A client of a WebSocket gives commands, and hears that."""

    def act(client: RawClient) -> None:
        client.open(path)
        _commands(client, {"id": 1, "connect": {"token": _token(user or _own_name(client))}}, *commands)
        if says:
            until(client, says)

    return act


def _own_name(client: RawClient) -> str:
    """A user that nobody else is."""
    return f"user {client.socket.getsockname()[1]}"


def _commands(client: RawClient, *commands: dict[str, Any]) -> None:
    client.send(*map(json.dumps, commands))


def _token(user: str, **claims: Any) -> str:
    return issue({"sub": user, **claims}, SECRET)


def streams(*commands: dict[str, Any], says: str = "", user: str = "", before: str = "") -> Act:
    """A client on a stream gives commands by other requests, one each, and hears that on the stream."""

    def act(client: RawClient) -> None:
        connect = json.dumps({"id": 1, "connect": {"token": _token(user or _own_name(client))}}).encode()
        client.send(request("POST", f"{before}{STREAM}", connect))
        greeting = json.loads(_line(client, '"connect"'))["connect"]
        with RawClient(client.socket.getpeername(), source=client.socket.getsockname()[0]) as other:
            for command in commands:
                said = {"session": greeting["session"], "node": greeting["node"], "data": json.dumps(command)}
                answer = asks(other, "POST", f"{before}{EMULATION}", said)
                assert answer.status == 204, answer
            if says:
                _line(client, says)

    return act


def _line(client: RawClient, words: str) -> str:
    """The next line of a stream that has these words."""
    while True:
        for line in client._data.decode().split("\n")[:-1]:
            if words in line:
                return line
        assert client._more(), f"ended without {words}: {client._data!r}"


def with_a_token_that_ends(client: RawClient) -> None:
    client.open(f"/counted{WEBSOCKET}")
    _commands(client, {"id": 1, "connect": {"token": _token(_own_name(client), exp=int(time.time()) + 2)}})
    until(client, '"connect"')


def comes_in_the_crowd(client: RawClient) -> None:
    client.send(request("POST", STREAM, json.dumps({"id": 1, "connect": {"token": _token("crowd")}}).encode()))
    _line(client, "3504")


def too_many_of_a_user(over: Act) -> Any:
    """Of so many connections of one user some are refused: one comes when the limit is reached."""

    def act(clients: Sequence[RawClient]) -> None:
        with RawClient(clients[0].socket.getpeername()) as first, RawClient(clients[0].socket.getpeername()) as second:
            for each in (first, second):
                centrifugo(says='"connect"', user="crowd")(each)
            on_each(over)(clients)

    return act


SUBSCRIPTIONS = [{"id": number, "subscribe": {"channel": f"c{number}"}} for number in range(2, 7)]
LONG = {"id": 2, "subscribe": {"channel": "c" * 40}}
LARGE = {"id": 2, "publish": {"channel": "open", "data": "x" * 9000}}
HANG = {"id": 2, "rpc": {"method": "hang"}}
PUBLISH = [{"id": number, "publish": {"channel": "open", "data": number}} for number in range(2, 14)]


def publishes_too_much_by_the_api(client: RawClient) -> None:
    client.send(request("POST", "/api/publish", b"x" * 5000, KEY))
    assert read_answer(client).status == 413


def reads_all_of_history(client: RawClient) -> None:
    """More publications than one answer may have."""
    for number in range(6):
        assert asks(client, "POST", "/api/publish", {"channel": "kept:h", "data": number}, KEY).status == 200
    with RawClient(client.socket.getpeername()) as reader:
        centrifugo(
            {"id": 2, "subscribe": {"channel": "kept:h"}}, {"id": 3, "history": {"channel": "kept:h", "limit": 99}}
        )(reader)
        found = json.loads(until(reader, '"history"'))["history"]
        assert len(found["publications"]) == 4, found


def philote(client: RawClient) -> None:
    client.send(head(f"/philote?auth={issue({'read': ['a']}, SECRET)}"))


def floods_a_program(client: RawClient) -> None:
    """More messages than its program is told at once: all are answered, in order."""
    client.open("/exec")
    client.send(*map(str, range(30)))
    assert [client.text() for _ in range(30)] == list(map(str, range(30)))


def asks_a_backend(client: RawClient) -> None:
    client.send(head("/asked"))
    assert client.response().status == 503


def talks_fast(client: RawClient) -> None:
    """A user's messages, of which 5 seconds' worth may come at once."""
    client.open(f"/users?user={client.socket.getsockname()[1]}")
    client.send(*["x"] * 110)


def was_slowed(client: RawClient) -> None:
    """All are answered."""
    for _ in range(110):
        client.text()


def comes_in_a_crowd(clients: Sequence[RawClient]) -> None:
    """More members than one message may name."""
    for number, client in enumerate(clients):
        client.open(f"/present?user=u{number}")
    for number in range(3):
        client = RawClient(clients[0].socket.getpeername())
        with client:
            client.open(f"/present?user=late{number}")
            here = json.loads(until(client, '"here"'))
            assert len(here["users"]) <= 2, here


ATTACKS = (
    Attack("pusher_max_channel_name", "WebSocket", "an error", "refused: pusher_max_channel_name",
           on_each(pusher(subscribes("x" * 30), error="no channel can have this name"))),
    Attack("pusher_max_event_size", "WebSocket", "an error", "refused: pusher_max_event_size",
           on_each(pusher(subscribes("private-a"), client_event("x" * 2000), error="4301"))),
    Attack("pusher_max_event_size", "HTTP", "413", "", on_each(posts_an_event)),
    Attack("pusher_client_event_rate", "WebSocket", "an error", "refused: pusher_client_event_rate",
           on_each(pusher(subscribes("private-a"), *[client_event()] * 6, error="4301"))),
    Attack("pusher_max_member_size", "WebSocket", "an error", "refused: pusher_max_member_size",
           on_each(pusher(subscribes("presence-a", "me", "x" * 2000), error="413"))),
    Attack("pusher_max_members", "WebSocket", "an error", "refused: pusher_max_members", crowds),
    Attack("max_channels", "WebSocket, Pusher", "an error", "refused: max_channels",
           on_each(pusher(*[subscribes(f"c{number}") for number in range(6)], error="403"))),
    Attack("pushi_max_event_size", "WebSocket", "an error", "refused: pushi_max_event_size",
           on_each(pushi({"event": "message", "channel": "a", "data": "x" * 2000}, error="4003"))),
    Attack("pushi_event_rate", "WebSocket", "an error", "refused: pushi_event_rate",
           on_each(pushi(*[{"event": "message", "channel": "a", "data": "x"}] * 30, error="4003"))),
    Attack("pushi_keep_events", "WebSocket", "the oldest go", "", on_each(stores_events)),
    Attack("centrifugo_stale_delay", "WebSocket", "3502", "refused: centrifugo_stale_delay",
           sent(opened(path=WEBSOCKET), code(3502)), of=(ADDRESSES,)),
    Attack("centrifugo_pong_timeout", "WebSocket", "3012", "closed: centrifugo: no pong",
           sent(centrifugo(), code(3012)), of=(ADDRESSES,)),
    Attack("centrifugo_pong_timeout", "HTTP streaming", "3012", "closed: centrifugo: no pong",
           sent(streams(), lambda client: _line(client, "3012")), of=(ADDRESSES,)),
    Attack("centrifugo_expired_delay", "WebSocket", "3005", "",
           sent(with_a_token_that_ends, code(3005)), of=(ONE,)),
    Attack("centrifugo_channel_limit", "WebSocket", "error 106", "refused: centrifugo_channel_limit",
           on_each(centrifugo(*SUBSCRIPTIONS, says='"code":106'))),
    Attack("centrifugo_channel_limit", "HTTP streaming", "error 106", "refused: centrifugo_channel_limit",
           on_each(streams(*SUBSCRIPTIONS, says='"code":106'))),
    Attack("centrifugo_channel_max_length", "WebSocket", "error 107", "refused: centrifugo_channel_max_length",
           on_each(centrifugo(LONG, says='"code":107'))),
    Attack("centrifugo_channel_max_length", "HTTP streaming", "error 107", "refused: centrifugo_channel_max_length",
           on_each(streams(LONG, says='"code":107'))),
    Attack("centrifugo_user_connection_limit", "WebSocket", "3504", "refused: centrifugo_user_connection_limit",
           too_many_of_a_user(lambda client: (centrifugo(user="crowd")(client), code(3504)(client)))),
    Attack("centrifugo_user_connection_limit", "HTTP streaming", "3504", "refused: centrifugo_user_connection_limit",
           too_many_of_a_user(comes_in_the_crowd)),
    Attack("centrifugo_history_limit", "WebSocket", "the first of them", "", on_each(reads_all_of_history), of=(ONE,)),
    Attack("centrifugo_api_max_body", "HTTP", "413", "refused: http", on_each(publishes_too_much_by_the_api)),
    Attack("message_rate", "HTTP streaming", "1008", "closed: message_rate",
           on_each(streams(*PUBLISH, says="1008", before="/counted")), of=(ADDRESSES,)),
    Attack("byte_rate", "HTTP streaming", "1008", "closed: byte_rate",
           on_each(streams(LARGE, says="1008", before="/weighed"))),
    Attack("filter_timeout", "HTTP streaming", "error 100", "failed: filter",
           sent(streams(HANG), lambda client: _line(client, '"code":100')), of=(ADDRESSES,)),
    Attack("philote_max_connections", "WebSocket", "503", "refused: philote_max_connections",
           over_connections(philote, 503), of=(ADDRESSES,), once=True),
    Attack("exec_timeout", "WebSocket", "1013", "closed: exec_pipe: no answer",
           sent(opened("x", path="/exec/late"), code(1013)), of=(ONE,)),
    Attack("exec_in_flight", "WebSocket", "waits", "", on_each(floods_a_program), of=(ONE,)),
    Attack("exec_programs", "WebSocket", "503", "refused: exec_programs",
           over_connections(says(head("/programs")), 503), of=(ADDRESSES,), once=True),
    Attack("http_callback_timeout", "WebSocket", "503", "failed: http_callback: handshake not answered",
           on_each(asks_a_backend), of=(ONE,)),
    Attack("http_callback_waiting", "WebSocket", "503", "failed: http_callback: handshake not answered",
           sent(says(head("/asked")), status(503)), of=(ADDRESSES,)),
    Attack("max_rate_per_user", "WebSocket", "waits", "slowed: max_rate_per_user",
           sent(talks_fast, was_slowed), of=(ADDRESSES,)),
    Attack("presence_limit", "WebSocket", "no more names", "", comes_in_a_crowd, of=(ADDRESSES,)),
)  # fmt: skip
