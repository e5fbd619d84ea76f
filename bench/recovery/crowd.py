"""The crowd: N clients and a publisher in one process. `python -m recovery.crowd PLAN`, a `Plan` as JSON.

It prints `ready` when all are in, and at the end one line of JSON. What happens to the servers meanwhile is done by
who has started it.
"""

import heapq
import json
import random
import resource
import select
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from recovery.client import Client
from recovery.protocols import PROTOCOLS
from recovery.publisher import Publisher
from recovery.tally import back, tally

AWAY = 2.0
"""Seconds from a reset until that client connects again."""
CUT = (10.0, 20.0)
"""Seconds that a client is in until it is reset."""
RETRY = (1.0, 2.0)
"""A client whose connection was ended by the server tries again within the first, then within the second, each time at
a moment of its own: full jitter."""
SETTLE = 10.0
"""Seconds at the end, in which nobody is reset, for what is still missing."""
GATHER = 120.0
"""Seconds within which all have to be in."""
AT_ONCE = 200
"""How many may be connecting while the crowd gathers."""


class Plan(NamedTuple):
    """
    :ivar ports: of the servers; a client connects to any of them, each time anew
    :ivar protocol: of `PROTOCOLS`
    :ivar post: how to publish, see `Publisher`
    :ivar seconds: from `ready` on
    :ivar resets: whether clients are reset
    :ivar seed: of the resets and of the retries
    """

    ports: list[int]
    protocol: str
    post: Mapping[str, Any]
    clients: int
    per_second: float
    seconds: float
    resets: bool
    seed: int = 1


class Crowd:
    """The clients of a plan, and its publisher."""

    def __init__(self, plan: Plan) -> None:
        self._ports, self._seconds, self._resets = plan.ports, plan.seconds, plan.resets
        self._random = random.Random(plan.seed)
        self._publisher = Publisher(plan.ports, plan.post, plan.per_second)
        self._clients = [Client(PROTOCOLS[plan.protocol](), self) for _ in range(plan.clients)]
        self._by_descriptor: dict[int, Client] = {}
        self._tries: dict[Client, int] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._epoll = select.epoll()
        self._losses: dict[str, int] = {}

    def missing(self, client: Client) -> set[int]:
        """Confirmed publications that a client should have, and has not."""
        entered, got = client.entered, client.got
        assert entered is not None
        return {
            number for number, at in list(self._publisher.confirmed.items()) if at.begun > entered and number not in got
        }

    def run(self) -> dict[str, Any]:
        self._gather()
        print("ready", flush=True)
        began, used = time.monotonic(), _cpu()
        self._publisher.start()
        if self._resets:
            for client in self._clients:
                self._reset_after(self._random.uniform(0, sum(CUT) / 2), client)
        self._turn_until(lambda: time.monotonic() > began + self._seconds)
        self._resets = False
        self._publisher.end()
        end = time.monotonic()
        self._turn_until(lambda: time.monotonic() > end + SETTLE or self._all_there())
        load = (_cpu() - used) / (time.monotonic() - began)
        outside = [client for client in self._clients if not client.inside]
        for client in self._clients:
            if client.socket is not None:
                client.lose()
        self._epoll.close()
        returned = [each for client in self._clients for each in client.returns if not each.first]
        return tally(self._clients, self._publisher.confirmed) | {
            "load": round(load, 3),
            "unconfirmed": self._publisher.failed,
            "losses": self._losses,
            "outside": len(outside),
            "back": sorted(round(at, 4) for at in map(back, returned) if at is not None),
        }

    def _gather(self) -> None:
        waiting, end = list(self._clients), time.monotonic() + GATHER
        while not all(client.inside for client in self._clients):
            if time.monotonic() > end:
                outside = sum(not client.inside for client in self._clients)
                sys.exit(f"{outside} of {len(self._clients)} clients are not in after {GATHER:g} s: {self._losses}")
            connecting = len(self._clients) - len(waiting) - sum(client.inside for client in self._clients)
            for _ in range(min(len(waiting), AT_ONCE - connecting)):
                self._connect(waiting.pop())
            self._turn(0.05)

    def _all_there(self) -> bool:
        return all(client.inside and not self.missing(client) for client in self._clients)

    def _turn_until(self, done: Callable[[], bool]) -> None:
        while not done():
            self._turn(0.05)

    def _turn(self, longest: float) -> None:
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            heapq.heappop(self._due)[2]()
        wait = min(longest, self._due[0][0] - time.monotonic()) if self._due else longest
        for descriptor, happened in self._epoll.poll(max(0.0, wait)):
            client = self._by_descriptor[descriptor]
            try:
                if happened & select.EPOLLOUT:
                    client.connected()
                    self._epoll.modify(descriptor, select.EPOLLIN)
                else:
                    inside = client.inside
                    client.readable(time.monotonic())
                    if client.inside and not inside:
                        self._entered(client)
            except OSError as error:
                self._lost(client, str(error))

    def _connect(self, client: Client) -> None:
        made = client.connect(self._random.choice(self._ports), time.monotonic())
        self._by_descriptor[made.fileno()] = client
        self._epoll.register(made, select.EPOLLOUT)

    def _entered(self, client: Client) -> None:
        self._tries.pop(client, None)
        if self._resets and len(client.returns) > 1:
            self._reset_after(self._random.uniform(*CUT), client)

    def _reset_after(self, seconds: float, client: Client) -> None:
        connection = len(client.returns)

        def reset() -> None:
            if self._resets and client.inside and len(client.returns) == connection:
                self._forget(client)
                client.lose(reset=True)
                self._later(AWAY, lambda: self._connect(client))

        self._later(seconds, reset)

    def _lost(self, client: Client, why: str) -> None:
        self._losses[why] = self._losses.get(why, 0) + 1
        self._forget(client)
        tries = self._tries[client] = self._tries.get(client, -1) + 1
        client.lose()
        self._later(self._random.uniform(0, RETRY[min(tries, 1)]), lambda: self._connect(client))

    def _forget(self, client: Client) -> None:
        assert client.socket is not None
        del self._by_descriptor[client.socket.fileno()]
        self._epoll.unregister(client.socket)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._due, (time.monotonic() + seconds, self._number, call))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(json.dumps(Crowd(Plan(**json.loads(sys.argv[1]))).run()), flush=True)
