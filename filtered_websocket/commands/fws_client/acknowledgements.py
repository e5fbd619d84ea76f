"""Acknowledgements that the server owes for what was published."""

import asyncio
from collections.abc import Collection

from websockets.asyncio.client import ClientConnection

from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_client.protocols.base import Call, Frame, Post

SECONDS = 10.0
"""How long one is waited for."""


class Lost(Exception):  # noqa: N818 - what has happened
    """The connection has ended before an acknowledgement came."""


class Acknowledgements:
    """Those of one connection, and of the next after it is lost."""

    def __init__(self) -> None:
        self._owed: dict[int, asyncio.Future[None]] = {}

    async def send(self, socket: ClientConnection, packets: Collection[Frame | Call | Post]) -> None:
        """Send packets, and wait until the server has handled them, and acknowledged those that are a `Call`.

        :raises ConnectionClosed: the connection ends before
        :raises Lost: it ends before all is acknowledged
        :raises Ended: that takes too long
        """
        for packet in packets:
            if isinstance(packet, Call):
                self._owed[packet.number] = asyncio.get_running_loop().create_future()
        for packet in packets:
            await socket.send(packet.frame if isinstance(packet, Call) else packet)  # type: ignore[arg-type]
        if not all(isinstance(packet, Call) for packet in packets):
            # A pong comes behind what a message before its ping has done. An acknowledgement says more: a connection
            # that is lost behind it has nothing to send again.
            await (await socket.ping())
        await self._wait()

    def given(self, number: int) -> None:
        owed = self._owed.get(number)
        if owed is not None and not owed.done():
            owed.set_result(None)

    def lost(self) -> None:
        """The connection has ended."""
        for owed in self._owed.values():
            if not owed.done():
                owed.set_exception(Lost())
                owed.exception()  # where nothing waits for it, that is no fault

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                await asyncio.gather(*self._owed.values())
        except TimeoutError:
            raise Ended(f"the server has not acknowledged within {SECONDS:g} s") from None
        finally:
            self._owed = {}
