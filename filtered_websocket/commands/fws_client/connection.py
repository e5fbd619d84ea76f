"""The connection to the server, kept up: after a loss it connects again, and subscribes again.

Where the server can, it goes on from what was heard last.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_client import post
from filtered_websocket.commands.fws_client.acknowledgements import Acknowledgements, Lost
from filtered_websocket.commands.fws_client.backoff import Backoff
from filtered_websocket.commands.fws_client.opening import Unavailable, opened
from filtered_websocket.commands.fws_client.protocols.base import (
    Acknowledged,
    Answer,
    Denied,
    Established,
    Heard,
    Incomplete,
    Post,
    Protocol,
    Subscribed,
)


class Connection:
    """A connection, or several, one after the other.

    :param heard: gets what is for the user
    :param notice: gets what happens to the connection, in words, and whether it is trouble
    :param denied: gets what the server refuses; may raise Ended
    :param reconnect: come back after a loss
    :param wait: be patient with a server that is not there at the first try either
    """

    def __init__(
        self,
        protocol: Protocol,
        heard: Callable[[Heard], None],
        notice: Callable[[str, bool], None],
        denied: Callable[[Denied], None],
        *,
        headers: Sequence[tuple[str, str]] = (),
        subprotocols: Sequence[str] = (),
        reconnect: bool = True,
        wait: bool = False,
    ) -> None:
        self.protocol = protocol
        self.channels: dict[str, None] = {}
        self._heard, self._notice, self._denied = heard, notice, denied
        self._headers = [*protocol.headers().items(), *headers]
        self._subprotocols = [Subprotocol(each) for each in subprotocols]
        self._reconnect, self._patient = reconnect, reconnect and wait
        self._backoff = Backoff()
        self._socket: ClientConnection | None = None
        self._ready = asyncio.Event()
        self._asked: dict[str, asyncio.Future[None]] = {}
        self._acknowledgements = Acknowledgements()
        self._leaving = False

    async def run(self) -> None:
        """Keep connected until `close`, or until the server ends it for good.

        :raises Ended: it cannot be had, or the server has ended it
        """
        while True:
            lost = await self._connect()
            if self._leaving:
                return
            delay = self._backoff.wait()
            self._notice(f"{lost}; again in {delay:.1f} s", True)
            await asyncio.sleep(delay)

    async def _connect(self) -> str:
        """One WebSocket from begin to end.

        :returns: why it is no more
        :raises Ended: as `run`
        """
        try:
            socket = await opened(self.protocol.address(), self._headers, self._subprotocols)
        except Unavailable as error:
            return self._away(str(error), self._patient and error.passing)
        self._patient = self._reconnect
        self._backoff.connected()
        try:
            return await self._converse(socket)
        finally:
            self._ready.clear()
            await socket.close()

    def _away(self, why: str, again: bool) -> str:
        if not again:
            raise Ended(why)
        return why

    async def _converse(self, socket: ClientConnection) -> str:
        self._socket = socket
        self.protocol.begin()
        if socket.response is not None:
            self.protocol.accepted(socket.response.headers)
        begun = None if self.protocol.greets else asyncio.create_task(self._begin())
        try:
            if (first := self.protocol.opening()) is not None:
                await socket.send(first)
            async for frame in socket:
                for event in self.protocol.hear(frame):
                    match event:
                        case Heard():
                            self._heard(event)
                        case Answer():
                            await socket.send(event.frame)
                        case Acknowledged():
                            self._acknowledgements.given(event.number)
                        case Established() if begun is None:
                            begun = asyncio.create_task(self._begin())
                        case Subscribed():
                            self._confirm(event.channel)
                        case Incomplete():
                            self._notice(f"something may be missing: {event.reason}", True)
                        case Denied():
                            self.channels.pop(event.channel, None)
                            self._confirm(event.channel)
                            self._denied(event)
        except ConnectionClosed:
            pass
        finally:
            if begun is not None:
                begun.cancel()
                await asyncio.gather(begun, return_exceptions=True)
            self._confirm("")
            self._acknowledgements.lost()
        code, reason = socket.close_code or 1006, socket.close_reason or ""
        why = "the connection is lost" if code == 1006 else f"the server has closed: {code} {reason}".rstrip()
        return why if self._leaving else self._away(why, self._reconnect and code in self.protocol.away)

    def _confirm(self, channel: str) -> None:
        """Nobody waits any more for the answer about a channel; without a name, about any."""
        for each in [channel] if channel else list(self._asked):
            asked = self._asked.pop(each, None)
            if asked is not None and not asked.done():
                asked.set_result(None)

    async def _begin(self) -> None:
        for channel in list(self.channels):
            await self._subscribe(channel)
        self._notice("connected" + "".join(f", subscribed to {channel}" for channel in self.channels), False)
        self._ready.set()

    async def _subscribe(self, channel: str) -> None:
        assert self._socket is not None
        frame = self.protocol.subscribe(channel)
        if frame is None:
            return
        asked = self._asked[channel] = asyncio.get_running_loop().create_future()
        await self._socket.send(frame)
        # A pong comes behind what a message before its ping has done.
        await (asked if self.protocol.confirms else await self._socket.ping())

    async def subscribe(self, channel: str) -> None:
        """Be in a channel from now on; while there is no connection, from the next on.

        :raises BadTerms: that cannot be
        """
        if channel in self.channels:
            return
        if not self._ready.is_set():
            self.protocol.subscribe(channel)  # whether it can be
        self.channels[channel] = None
        if self._ready.is_set():
            try:
                await self._subscribe(channel)
            except ConnectionClosed:
                pass  # the next connection subscribes

    async def unsubscribe(self, channel: str) -> None:
        """Leave a channel. Raises BadTerms if the protocol has no way to."""
        frame = self.protocol.unsubscribe(channel)
        self.channels.pop(channel, None)
        if self._ready.is_set() and self._socket is not None and frame is not None:
            try:
                await self._socket.send(frame)
            except ConnectionClosed:
                pass

    async def ready(self) -> None:
        """Wait until there is a connection that has subscribed to everything."""
        await self._ready.wait()

    async def publish(self, items: Sequence[tuple[str, Any]]) -> None:
        """Publish, and wait until the server has handled it all. What a connection may have lost is sent again.

        :param items: channel and data of each
        :raises BadTerms: one of them cannot be
        :raises Ended: the server refuses
        """
        packets = [self.protocol.publish(channel, data) for channel, data in items]
        while packets:
            await self._ready.wait()
            assert self._socket is not None
            socket = self._socket
            try:
                if isinstance(packets[0], Post):
                    while packets:
                        await post.send(packets[0])
                        packets.pop(0)
                    return
                await self._acknowledgements.send(socket, packets)
                return
            except (ConnectionClosed, Lost):
                if socket is self._socket:
                    self._ready.clear()
            except post.TryAgain as away:
                if not self._reconnect:
                    raise Ended(str(away)) from None
                await asyncio.sleep(self._backoff.wait())

    async def ping(self) -> float:
        """Seconds from a ping to its pong.

        :raises Ended: the connection is lost meanwhile
        """
        await self._ready.wait()
        assert self._socket is not None
        try:
            return await (await self._socket.ping())
        except ConnectionClosed:
            raise Ended("the connection is lost") from None

    async def send(self, frame: str | bytes) -> None:
        """Send something as it is. Raises Ended if the connection is lost meanwhile."""
        await self._ready.wait()
        assert self._socket is not None
        try:
            await self._socket.send(frame)
        except ConnectionClosed:
            raise Ended("the connection is lost") from None

    async def close(self) -> None:
        """Close; `run` returns when all that the server sent before has been handed over."""
        self._leaving = True
        if self._socket is not None:
            await self._socket.close()
