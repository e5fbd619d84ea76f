"""The websockets library with its broadcast(); options.py tells its arguments and what a path means."""

import asyncio
from collections import defaultdict

import options
from loop import run
from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed

channels = defaultdict(set)


async def handler(connection):
    path = connection.request.path
    joined = options.channels_of(path)
    for channel in joined:
        channels[channel].add(connection)
    try:
        async for message in connection:
            if path == "/echo":
                await connection.send(message)
            else:
                broadcast(channels[options.target(path, message)], message)
    except ConnectionClosed:
        pass  # clients that go without a close frame are ordinary here
    finally:
        for channel in joined:
            channels[channel].discard(connection)


async def main():
    # No keep-alive pings, as in every server of this benchmark. Its 1 MiB limit is for messages, ours have that size.
    async with serve(
        handler,
        "127.0.0.1",
        options.PORT,
        ssl=options.SSL,
        compression="deflate" if options.DEFLATE else None,
        ping_interval=None,
        max_size=None,
        backlog=4096,
    ):
        await asyncio.Event().wait()


run(main())
