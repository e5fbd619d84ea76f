"""The filters of presence. One use of it has one room."""

from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.errors import ConfigError, StopChain
from filtered_websocket.filters.base import (
    Connection,
    Pipeline,
    Publication,
    WebSocketConnectFilter,
    WebSocketConsumerFilter,
    WebSocketDisconnectFilter,
    WebSocketMessageFilter,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from filtered_websocket.filters.presence.members import Here
from filtered_websocket.filters.presence.room import Room

ROOMS = "presence_rooms"
"""The attribute of a pipeline that holds the rooms of its uses, by channel."""


def here(pipeline: Pipeline, channel: str = "presence") -> Here:
    """The users that are here, over all nodes, as this one knows them: for filters and endpoints.

    :raises LookupError: no presence of this channel is in the pipeline
    """
    rooms: dict[str, Room] = vars(pipeline).get(ROOMS, {})
    if channel not in rooms:
        raise LookupError(f'no presence has the channel "{channel}" in this pipeline')
    return rooms[channel].here


class Start(WebSocketStartFilter):
    @classmethod
    def filter(cls, pipeline: Pipeline) -> None:
        channel = cls.options.presence_channel
        uses = [each for each in pipeline.filters["start"] if issubclass(each, Start)]
        if sum(each.options.presence_channel == channel for each in uses) > 1:
            raise ConfigError(f'presence: two uses have the channel "{channel}": each wants one (presence_channel)')
        room = cls.state["room"] = Room(pipeline, lambda: cls.options)
        vars(pipeline).setdefault(ROOMS, {})[channel] = room
        room.start()


class Stop(WebSocketStopFilter):
    @classmethod
    async def filter(cls, pipeline: Pipeline) -> None:
        room = cls.state.get("room")
        if room is not None:
            if vars(pipeline).get(ROOMS, {}).get(room.channel) is room:
                del vars(pipeline)[ROOMS][room.channel]
            await room.stop()


class Enter(WebSocketConnectFilter):
    """The client gets the list, and is on it."""

    @classmethod
    async def filter(cls, web_socket_instance: Connection) -> None:
        await cls.state["room"].enter(web_socket_instance)


class Rename(WebSocketMessageFilter):
    """A filter in front of this one may have said whose connection it is."""

    @classmethod
    def filter(cls, web_socket_instance: Connection) -> Any:
        place = cls.state["room"].place_of(web_socket_instance)
        if place is None or place.user == web_socket_instance.user:
            return None
        return cls.state["room"].rename(place)


class Leave(WebSocketDisconnectFilter):
    takes_back = True

    @classmethod
    def filter(cls, web_socket_instance: Connection) -> "Deferred[Any] | None":
        leaving: Deferred[Any] | None = cls.state["room"].leave(web_socket_instance)
        return leaving


class Hear(WebSocketConsumerFilter):
    """Takes what nodes tell each other."""

    @classmethod
    def filter(cls, pipeline: Pipeline, data: Any) -> None:
        room = cls.state["room"]
        if isinstance(data, Publication) and data.channel == room.bus:
            for payload, _ in data.messages:
                room.hear(payload)
            raise StopChain
