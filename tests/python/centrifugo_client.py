"""PyPI's centrifuge-python, told what to do in the lines of JSON that tests/node/centrifugo.js takes.

python centrifugo_client.py HOST:PORT CODEC TOKEN
"""

import asyncio
import json
import sys
from typing import Any

from centrifuge import CentrifugeError, Client, ClientEventHandler, DeltaType, SubscriptionEventHandler

ADDRESS, CODEC, TOKEN = sys.argv[1:]
BINARY = CODEC == "protobuf"


def say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


def encode(value: Any) -> Any:
    return json.dumps(value).encode() if BINARY else value


def decode(data: Any) -> Any:
    return json.loads(data) if isinstance(data, bytes) and data else (None if data == b"" else data)


def state(name: str) -> Any:
    async def on(self: Any, context: Any) -> None:
        say(**{"is": name, "code": getattr(context, "code", None), "reason": getattr(context, "reason", None)})

    return on


class Events(ClientEventHandler):
    on_connected, on_connecting, on_disconnected = map(state, ("connected", "connecting", "disconnected"))

    async def on_publication(self, context: Any) -> None:
        say(**{"is": "pushed", "channel": context.channel, "data": decode(context.pub.data)})

    async def on_message(self, context: Any) -> None:
        say(**{"is": "message", "data": decode(context.data)})


class InChannel(SubscriptionEventHandler):
    def __init__(self, channel: str) -> None:
        self.channel = channel

    def say(self, name: str, **members: Any) -> None:
        say(**{"is": name, "channel": self.channel, **members})

    async def on_subscribed(self, context: Any) -> None:
        self.say("subscribed", wasRecovering=context.was_recovering, recovered=context.recovered,
                 data=decode(context.data))  # fmt: skip

    async def on_subscribing(self, context: Any) -> None:
        self.say("subscribing", code=context.code)

    async def on_unsubscribed(self, context: Any) -> None:
        self.say("unsubscribed", code=context.code)

    async def on_publication(self, context: Any) -> None:
        pub = context.pub
        self.say("publication", data=decode(pub.data), offset=pub.offset, tags=pub.tags or None)

    async def on_join(self, context: Any) -> None:
        self.say("join", user=context.info.user)

    async def on_leave(self, context: Any) -> None:
        self.say("leave", user=context.info.user)


class Todo:
    def __init__(self) -> None:
        self.client = Client(
            f"ws://{ADDRESS}/connection/websocket", events=Events(), token=TOKEN, use_protobuf=BINARY,
            min_reconnect_delay=0.05, max_reconnect_delay=0.2, max_server_ping_delay=30,
        )  # fmt: skip

    async def connect(self) -> None:
        await self.client.connect()

    async def disconnect(self) -> None:
        await self.client.disconnect()

    async def cut(self) -> None:
        await self.client._conn.close()

    async def subscribe(self, channel: str, options: Any = None) -> None:
        known = self.client.get_subscription(channel)
        if known is None:
            given = dict(options or {})
            if "delta" in given:
                given["delta"] = DeltaType(given["delta"])
            if "joinLeave" in given:
                given["join_leave"] = given.pop("joinLeave")
            known = self.client.new_subscription(channel, events=InChannel(channel), **given)
        await known.subscribe()

    async def unsubscribe(self, channel: str) -> None:
        await self.client.get_subscription(channel).unsubscribe()

    async def call(self, name: str, *arguments: Any) -> None:
        try:
            say(**{"is": "answer", "result": await getattr(self, f"call_{name}")(*arguments)})
        except CentrifugeError as error:
            say(**{"is": "answer", "error": getattr(error, "code", 0), "says": str(error)})

    async def call_publish(self, channel: str, data: Any) -> Any:
        await self.client.publish(channel, encode(data))
        return {}

    async def call_rpc(self, method: str, data: Any) -> Any:
        return decode((await self.client.rpc(method, encode(data))).data)

    async def call_presence(self, channel: str) -> Any:
        clients = (await self.client.presence(channel)).clients
        return [{"user": each.user, "info": decode(each.conn_info)} for each in clients.values()]

    async def call_presenceStats(self, channel: str) -> Any:
        found = await self.client.presence_stats(channel)
        return {"numClients": found.num_clients, "numUsers": found.num_users}

    async def call_history(self, channel: str, options: Any) -> Any:
        return [decode(each.data) for each in (await self.client.history(channel, **options)).publications]


async def main() -> None:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    todo = Todo()
    while line := await lines.readline():
        what, *arguments = json.loads(line)
        await getattr(todo, what)(*arguments)
        say(**{"is": "done"})


asyncio.run(main())
