"""What can fail, and how it is mended: of proxies, of nodes, of Redises."""

import os
import signal
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from tests.chaos.node import Node
from tests.support.unreliable_proxy import TO_CLIENT, TO_SERVER, UnreliableProxy


class Fault(NamedTuple):
    """
    :ivar name: in words
    :ivar begin: makes it fail
    :ivar end: makes it whole again, and waits until it is
    """

    name: str
    begin: Callable[[], object]
    end: Callable[[], object]


class Target(NamedTuple):
    """Something of which one thing at a time fails.

    :ivar choose: the next fault
    """

    name: str
    choose: Callable[[Random], Fault]


def of_proxy(name: str, proxy: UnreliableProxy) -> Target:
    """Connections through a proxy."""
    kinds = (
        ("is cut", proxy.cut),
        ("dies without a word", proxy.lose),
        ("ends within messages", proxy.halve),
        ("freezes", proxy.freeze),
        ("carries nothing to the server", lambda: proxy.freeze(TO_SERVER)),
        ("carries nothing to the client", lambda: proxy.freeze(TO_CLIENT)),
        ("is 0.2 s late", lambda: proxy.delay(0.2)),
    )

    def choose(random: Random) -> Fault:
        what, begin = random.choice(kinds)
        return Fault(what, begin, proxy.mend)

    return Target(name, choose)


def of_node(node: Node) -> Target:
    """A server's processes."""

    def killed() -> None:
        node.end(signal.SIGKILL)

    def stopped() -> None:
        node.end(signal.SIGTERM)

    def choose(random: Random) -> Fault:
        part = random.random()
        if part < 0.25:
            return Fault("SIGKILL", killed, node.start)
        if part < 0.5:
            return Fault("SIGTERM", stopped, node.start)
        if part < 0.65:
            return Fault("SIGHUP", lambda: node.server.signal(signal.SIGHUP), _nothing)
        if part < 0.75:
            return Fault("SIGUSR2", lambda: node.server.signal(signal.SIGUSR2), _nothing)
        which = random.random()
        if node.workers and part < 0.85:
            return Fault("SIGKILL to a worker", lambda: _send(_one(node, which), signal.SIGKILL), _nothing)
        frozen: list[int] = []

        def freezes() -> None:
            frozen[:] = _one(node, which)
            _send(frozen, signal.SIGSTOP)

        return Fault("SIGSTOP", freezes, lambda: _send(frozen, signal.SIGCONT))

    return Target(node.name, choose)


def _one(node: Node, which: float) -> list[int]:
    """One of its processes, by a number from 0 to 1."""
    processes = node.processes()
    return [processes[int(which * len(processes))]]


def _send(processes: list[int], number: signal.Signals) -> None:
    for each in processes:
        try:
            os.kill(each, number)
        except ProcessLookupError:
            pass  # a worker that was replaced meanwhile


def _nothing() -> None:
    """It has mended itself."""
