"""For each message one publication is appended to the history of the client's path, and one read back from it."""

from filtered_websocket.filters.base import WebSocketMessageFilter


class AppendAndRead(WebSocketMessageFilter):
    @classmethod
    async def filter(cls, connection, data):
        channel = connection.request.path
        position = await connection.publish(channel, data)
        (publication,) = await connection.pipeline.storage_object.since(
            channel, position._replace(offset=position.offset - 1)
        )
        connection.sendMessage(publication.messages[0][0])
