"""What clients do who come and go: for each pack a visit or two, each of which sees for itself that it was served.

A visit takes a `Place`, and fails by an exception. What the server has to count because of it, it says to
`Place.counts`; whatever else the server counts is a fault.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.filters.shared.tokens import issue
from tests.filters.centrifugo.streaming_clients import Streaming
from tests.filters.pusher.clients import signed
from tests.soak.place import Place, until
from tests.soak.served import PUSHI_KEY, SECRET
from tests.support.raw_client import RawClient, frame
from tests.support.socketio_sessions import PollingSession

QUIET = "/wsps"
"""Where nobody hears what is said to others."""
BEARER = {"Authorization": f"Bearer {SECRET}"}
USER = issue({"sub": "visitor"}, SECRET)


def plain(place: Place) -> None:
    """Two clients without a pack, who hear each other."""
    one, other = place.open(), place.open()
    word = place.name()
    one.send(word)
    until(other, word)
    other.send(word)
    until(one, word)
    place.stay()
    place.leave(one, other)


def history(place: Place) -> None:
    """A client that is away while something is published, and gets it when it comes back."""
    client = place.open("/history?last=5")
    position = json.loads(client.text())["position"]
    place.leave(client)
    word = place.name()
    body = {"channel": "broadcast_messages", "data": word, "pipeline": "/history"}
    assert place.ask("POST", "/publish", body, **BEARER, Idempotency_Key=word).status == 200
    with place.open(f"/history?since={quote(position)}") as client:
        assert json.loads(client.text())["recovered"] is True
        until(client, word)
        place.counts.expect("recovered", "channel")
        place.stay()
        client.quit()


def history_of_another_epoch(place: Place) -> None:
    """A client whose position is of no history that there is."""
    with place.open("/history?since=gone:7") as client:
        assert json.loads(client.text())["reason"] == "epoch"
        place.counts.expect("not recovered", "epoch")
        place.leave(client)


def wsps(place: Place) -> None:
    channel = place.some()
    clients = place.open("/wsps"), place.open("/wsps")
    for client in clients:
        word = place.name()
        client.send(json.dumps({"type": "subscribe", "channel": channel}))
        client.send(json.dumps({"type": "publish", "channel": channel, "data": word}))
        until(client, word)
    place.stay()
    place.leave(*clients)


def wsps_that_is_wrong(place: Place) -> None:
    with place.open("/wsps") as client:
        client.send("no packet")
        assert client.closed() == (1002, "Invalid message")


def philote(place: Place) -> None:
    channel, word = place.some(), place.name()
    token = issue({"read": [channel], "write": [channel]}, SECRET)
    one, other = (place.open(f"/philote?auth={token}") for _ in range(2))
    other.send(json.dumps({"channel": channel, "data": word}))
    until(one, word)
    place.stay()
    place.leave(one, other)


def ws_emit(place: Place) -> None:
    """One that polls and one with a WebSocket, to whom a program emits."""
    room, word = place.some(), place.name()
    polls, client = PollingSession(place.server.port, 4), _socketio(place, "/socket.io/")
    polls.say(f'42["join",{json.dumps({"room": room})}]')
    client.send(f'42["join",{json.dumps({"room": room})}]')
    _acknowledged(client, '421["nothing"]')
    assert polls.answer("nothing") == []
    emitted = {"event": "update", "room": room, "data": word, "secret": SECRET}
    assert place.ask("POST", "/emit", emitted).status == 200
    until(client, word)
    _poll_until(polls, word)
    place.stay()
    polls.quit()
    place.leave(client)


def socketio(place: Place) -> None:
    """Two clients in two namespaces."""
    one, other = _socketio(place, "/events/socket.io/"), _socketio(place, "/events/socket.io/")
    word = place.name()
    for client in (one, other):
        client.send("40/news,")
        until(client, "40/news")
    _acknowledged(one, f'421["say","{word}"]')
    until(other, word)
    other.send(f'42/news,2["say","{word}b"]')
    until(one, f"{word}b")
    place.stay()
    place.leave(one, other)


def socketio_over_polling(place: Place) -> None:
    """One that polls all the time, and one that begins so and upgrades."""
    polls, session = (PollingSession(place.server.port, 4, "/events") for _ in range(2))
    word = place.name()
    session.say(f'42["say","{word}"]')
    _poll_until(polls, word)
    polls.quit()
    with place.open(f"/events/socket.io/?EIO=4&transport=websocket&sid={session.sid}") as client:
        client.send("2probe")
        assert client.text() == "3probe"
        client.send("5")
        _acknowledged(client, '427["nothing"]')
        place.stay()
        place.leave(client)


def socketio_that_returns(place: Place) -> None:
    """A session that is lost, and found again with what was emitted meanwhile."""
    room, word = place.name(), place.name()
    client = _socketio(place, "/socket.io/")
    answer = place.answers.pop(client)
    client.send(f'42["join",{json.dumps({"room": room})}]')
    _acknowledged(client, '421["nothing"]')
    emitted = {"event": "update", "room": room, "data": word, "secret": SECRET}
    assert place.ask("POST", "/emit", emitted).status == 200
    offset = json.loads(until(client, word)[2:])[-1]
    client.reset()
    assert place.ask("POST", "/emit", emitted | {"data": f"{word}b"}).status == 200
    again = _socketio(place, "/socket.io/", {"pid": answer["pid"], "offset": offset})
    assert place.answers.pop(again)["pid"] == answer["pid"]
    place.counts.expect("recovered", "ws_emit")
    until(again, f"{word}b")
    place.leave(again)


def pusher(place: Place) -> None:
    """A channel with presence, events of clients and of a backend."""
    channel, word = f"presence-{place.some()}", place.name()
    clients = [_pusher(place, channel, f"{word}{which}") for which in "ab"]
    clients[0].send(json.dumps({"event": "client-say", "channel": channel, "data": word}))
    until(clients[1], "client-say", word)
    request = signed("POST", "/apps/1001/events", {"name": "x", "data": word, "channel": channel}, SECRET)
    assert place.ask("POST", request.uri, request.body, Content_Type="application/json").status == 200
    for client in clients:
        until(client, '"x"', word)
    place.stay()
    place.leave(*clients)


def pushi(place: Place) -> None:
    """Events that are stored, and asked for."""
    channel, word = place.some(), place.name()
    clients = place.open(f"/{PUSHI_KEY}"), place.open(f"/{PUSHI_KEY}")
    for client in clients:
        until(client, "connection_established")
        client.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": channel}}))
        until(client, "subscription_succeeded")
    clients[0].send(json.dumps({"event": "message", "channel": channel, "data": word, "echo": True}))
    for client in clients:
        until(client, word)
    clients[1].send(json.dumps({"event": "pusher:latest", "data": {"channel": channel, "count": 5}}))
    until(clients[1], "pusher_internal:latest")
    place.stay()
    place.leave(*clients)


def centrifugo(place: Place) -> None:
    """Two clients with presence; one of them comes back and recovers."""
    channel, word = f"room:{place.some()}", place.name()
    one, other = _centrifugo(place), _centrifugo(place)
    at = _asked(one, 2, subscribe={"channel": channel})["subscribe"]
    _asked(other, 2, subscribe={"channel": channel})
    _asked(other, 3, publish={"channel": channel, "data": word})
    until(one, word)
    assert len(_asked(one, 4, presence={"channel": channel})["presence"]["presence"]) >= 2
    assert _asked(one, 5, history={"channel": channel, "limit": 5})["history"]["publications"]
    place.leave(one)
    one = _centrifugo(place)
    where = {"recover": True, "epoch": at["epoch"], "offset": at.get("offset", 0)}
    # Others may have said so much on it meanwhile that it is not there any more.
    recovered = _asked(one, 2, subscribe={"channel": channel} | where)["subscribe"].get("recovered", False)
    place.counts.expect("recovered", "channel") if recovered else place.counts.expect("not recovered", "trimmed")
    place.stay()
    place.leave(one, other)


def centrifugo_over_streams(place: Place) -> None:
    """Commands by POST, answers and publications on a stream."""
    channel, word = f"kept:{place.some()}", place.name()
    client = Streaming.connected(place.server, place.random.choice(("http_stream", "sse")), token=USER)
    try:
        assert client.say({"id": 2, "subscribe": {"channel": channel}}).status == 204
        while "subscribe" not in (client.next() or {"subscribe": None}):
            pass
        published = place.ask("POST", "/api/publish", {"channel": channel, "data": word}, X_API_Key=SECRET)
        assert published.status == 200
        while word not in json.dumps(said := client.next()):
            assert said is not None
        place.stay()
    finally:
        client.close()


def http(place: Place) -> None:
    """What operators and programs ask."""
    asked = "/health/live", "/health/ready", "/metrics", "/connections?limit=5", "/channels", "/openapi.json"
    for path in (*asked, "/dashboard/figures"):
        assert place.ask("GET", path, **BEARER).status == 200, path
    answer = place.ask("GET", "/nothing")
    assert answer.status == 426, answer


def http_that_is_refused(place: Place) -> None:
    """A secret that is wrong, and a request that is none."""
    answer = place.ask("POST", "/publish", {"channel": "x", "data": "x"}, Authorization="Bearer wrong")
    assert answer.status in (401, 403), answer
    with RawClient(place.address) as client:
        client.send(b"GET /health/live HTTP/1.1\r\nHost: h\r\nContent-Length: none\r\n\r\n")
        assert client.response().status == 400
        place.counts.expect("refused", "http")


def a_frame_that_is_wrong(place: Place) -> None:
    with place.open(QUIET) as client:
        client.send(frame("x", mask=None))
        assert client.closed()[0] == 1002
        place.counts.expect("closed", "protocol error 1002")


def a_message_that_is_too_long(place: Place) -> None:
    with place.open(QUIET) as client:
        client.send(frame(b"x" * 2_000_000)[:200_000])
        assert client.closed()[0] == 1009
        place.counts.expect("closed", "protocol error 1009")


def _socketio(place: Place, path: str, auth: Any = None) -> RawClient:
    """A client in `/`; what it was answered is in `Place.answers`."""
    client = place.open(f"{path}?EIO=4&transport=websocket")
    assert client.text()[0] == "0"
    client.send("40" + (json.dumps(auth) if auth else ""))
    place.answers[client] = json.loads(until(client, "40{")[2:])
    return client


def _poll_until(polls: PollingSession, word: str) -> None:
    while not any(word in each for each in polls.heard):
        more = polls._get()
        assert more, "the session has ended"
        polls.heard += more


def _acknowledged(client: RawClient, packet: str) -> None:
    client.send(packet)
    until(client, "43" + packet[2:].partition("[")[0])


def _pusher(place: Place, channel: str, user: str) -> RawClient:
    client = place.open("/app/app-key?protocol=7&client=js")
    ident = json.loads(until(client, "connection_established")["data"])["socket_id"]
    about = json.dumps({"user_id": user})
    auth = f"app-key:{sign(SECRET, f'{ident}:{channel}:{about}')}"
    data = {"channel": channel, "auth": auth, "channel_data": about}
    client.send(json.dumps({"event": "pusher:subscribe", "data": data}))
    until(client, "subscription_succeeded")
    return client


def _centrifugo(place: Place) -> RawClient:
    client = place.open("/connection/websocket")
    _asked(client, 1, connect={"token": USER})
    return client


def _asked(client: RawClient, number: int, **command: Any) -> Any:
    """The reply to a command, which must be no error; replies and pushes may share a message."""
    client.send(json.dumps({"id": number, **command}))
    while True:
        for line in client.text().split("\n"):
            reply = json.loads(line)
            if reply.get("id") == number:
                assert "error" not in reply, reply
                return reply
            if not reply:
                client.send("{}")


VISITS: tuple[Callable[[Place], None], ...] = (
    plain,
    history,
    history_of_another_epoch,
    wsps,
    wsps_that_is_wrong,
    philote,
    ws_emit,
    socketio,
    socketio_over_polling,
    socketio_that_returns,
    pusher,
    pushi,
    centrifugo,
    centrifugo_over_streams,
    http,
    http_that_is_refused,
    a_frame_that_is_wrong,
    a_message_that_is_too_long,
)
