"""The filters of the WSPS pack: decode, ask the manager, call the connection."""

import inspect
from typing import Any

from filtered_websocket.chain.events import WebSocketMessageFilter, WebSocketStartFilter, WebSocketStopFilter
from filtered_websocket.chain.interfaces import Connection, Pipeline
from filtered_websocket.filters.wsps import wire
from filtered_websocket.filters.wsps.state import State


class Begin(WebSocketStartFilter):
    """Make the manager, and begin to log the number of clients."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> None:
        State.of(web_socket_instance)


class Obey(WebSocketMessageFilter):
    """Do what a packet says, if its sender may."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytearray) -> Any:
        wsps = State.of(web_socket_instance.pipeline)
        packet = wire.decode(data, wsps.allows)
        allowed = wsps.manager.authenticate(packet.type, packet.channel, packet.key)
        if allowed is not True and inspect.isawaitable(allowed):
            return cls.later(web_socket_instance, packet, allowed)
        return cls.obey(web_socket_instance, packet, allowed)

    @classmethod
    async def later(cls, connection: Connection, packet: wire.Packet, answer: Any) -> None:
        """Packets of this client that follow wait for the manager's answer, and for the subscription."""
        subscribed = cls.obey(connection, packet, await answer)
        if subscribed is not None:
            await subscribed

    @classmethod
    def obey(cls, connection: Connection, packet: wire.Packet, allowed: Any) -> Any:
        if not allowed:
            raise wire.Refused("Authorization failed")
        if packet.type == wire.PUBLISH:
            connection.publish(packet.channel, wire.encode(packet))
        # The JavaScript client says all it has ever subscribed to again, and doubles it, whenever it connects.
        elif packet.channel not in connection.channels:
            if len(connection.channels) >= connection.pipeline.options.max_channels:
                connection.factory.counters.count("refused", "max_channels", connection.request.peer)
                raise wire.Refused("Too many channels", 1008)
            return connection.subscribe(packet.channel)
        return None


class End(WebSocketStopFilter):
    """Stop logging."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> None:
        State.end(web_socket_instance)
