"""A channel with as many members as BENCH_MEMBERS says: for each message one more joins and leaves, then it comes back.

Nobody is told of a join or a leave: the list of members is measured, not the fan-out of telling it.
"""

import os

from twisted.internet.defer import succeed

from filtered_websocket.filters.base import WebSocketMessageFilter, WebSocketStartFilter
from filtered_websocket.filters.shared.presence import Presence

CHANNEL, INFO = "room", '{"name":"a member"}'


def nobody(*_):
    return succeed(None)


class Fill(WebSocketStartFilter):
    @classmethod
    async def filter(cls, pipeline):
        storage = pipeline.storage_object
        await storage.wait_ready()
        pipeline.presence = Presence(storage, nobody, nobody)
        for number in range(int(os.environ["BENCH_MEMBERS"])):
            await storage.join(CHANNEL, f"member{number}", f"holder{number}", INFO)


class JoinAndLeave(WebSocketMessageFilter):
    @classmethod
    async def filter(cls, connection, data):
        presence, member = connection.pipeline.presence, str(connection.id)
        await presence.join(CHANNEL, member, member, INFO)
        await presence.leave(CHANNEL, member, member, INFO)
        connection.sendMessage(data)
