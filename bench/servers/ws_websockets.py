"""The websockets library with its broadcast(): `ws_websockets.py PORT`; the path is the channel, /echo echoes."""

import asyncio
import sys
from collections import defaultdict

from loop import run
from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed

channels = defaultdict(set)


async def handler(connection):
    path = connection.request.path
    members = channels[path]
    members.add(connection)
    try:
        async for message in connection:
            if path == "/echo":
                await connection.send(message)
            else:
                broadcast(members, message)
    except ConnectionClosed:
        pass  # clients that go without a close frame are ordinary here
    finally:
        members.discard(connection)


async def main():
    # Compression off and no keep-alive pings, as in every server of this benchmark.
    async with serve(handler, "127.0.0.1", int(sys.argv[1]), compression=None, ping_interval=None, backlog=4096):
        await asyncio.Event().wait()


run(main())
