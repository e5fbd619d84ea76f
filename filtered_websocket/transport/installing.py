"""The choice of a reactor.

Every reactor that is installed here counts its seconds by the monotonic clock: no interval ends, or grows, because the
wall clock is set. The date is what `time.time` says.
"""

import time
from typing import Any

from twisted.internet import main

from filtered_websocket.transport.reactor import LeanEPollReactor

REACTORS = ("auto", "lean", "epoll", "poll", "select", "asyncio")


def install_reactor(name: str) -> None:
    """Install the process's reactor; called before anything imports it.

    :param name: one of `REACTORS`. ``auto`` is the lean epoll reactor where there is epoll (Linux), else Twisted's
        choice for the platform.
    """
    if name == "asyncio":
        from twisted.internet import asyncioreactor

        asyncioreactor.install()
    elif name in ("auto", "lean"):
        main.installReactor(LeanEPollReactor())
    elif name == "epoll":
        from twisted.internet import epollreactor

        epollreactor.install()
    elif name == "poll":
        from twisted.internet import pollreactor

        pollreactor.install()
    else:
        from twisted.internet import selectreactor

        selectreactor.install()
    from twisted.internet import reactor

    installed: Any = reactor
    # Before the first timer is set. Twisted's own is the wall clock.
    installed.seconds = time.monotonic
