"""Twisted's reactor in the loop of an asyncio program."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from twisted.internet.error import ReactorAlreadyInstalledError

from filtered_websocket.errors import ConfigError
from filtered_websocket.monitoring import logs


@contextlib.asynccontextmanager
async def asyncio_reactor() -> AsyncIterator[None]:
    """Have Twisted's reactor in the asyncio loop that runs, from now to the end of the program; once in a process.
    What is logged goes to Python's `logging`, unless the program has begun a log of Twisted's before.

    :raises ConfigError: there is a reactor already
    """
    from twisted.internet import asyncioreactor

    try:
        asyncioreactor.install(asyncio.get_running_loop())
    except ReactorAlreadyInstalledError:
        raise ConfigError(
            "there is a reactor already: asyncio_reactor() comes once in a process, before whatever imports "
            "twisted.internet.reactor"
        ) from None
    from twisted.internet import reactor as installed

    reactor: Any = installed
    reactor.seconds = time.monotonic
    logs.begin_in_program()
    reactor.startRunning(installSignalHandlers=False)
    try:
        yield
    finally:
        # Its threads would keep the program from ending.
        await asyncio.to_thread(reactor.getThreadPool().stop)


def expect_reactor() -> None:
    """See that the reactor runs where asyncio does: else a server would be begun, and nobody would run it.

    :raises ConfigError: a loop of asyncio runs, and is not the reactor's
    """
    running = asyncio._get_running_loop()
    if running is None:
        return  # a Twisted application, which is about to begin or runs
    from twisted.internet import reactor

    if getattr(reactor, "_asyncioEventloop", None) is not running:
        raise ConfigError("there is no reactor in this asyncio loop: `async with asyncio_reactor()` comes first")
