"""The Redises of a round, each behind proxies: standalone, with a Sentinel, a cluster."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Protocol

from tests.chaos.faults import Fault, Target, of_proxy
from tests.chaos.served import LEASE
from tests.chaos.truth import Truth
from tests.support.redis_cluster import ClusterServer, RedisCluster
from tests.support.redis_server import RedisServer
from tests.support.unreliable_proxy import UnreliableProxy

COPIED = 5.0
"""Seconds within which a replica has what its master has, or it is not known."""
WHOLE = 60.0
OPTIONS = {"storage": "redis", "redis_heartbeat": 0.5, "lease_seconds": LEASE}


class Storage(Protocol):
    """What the nodes of a round share."""

    def options(self, node: str) -> dict[str, Any]:
        """What a node is told of it."""

    def targets(self) -> list[Target]:
        """What of it may fail."""

    def close(self) -> None: ...


class File:
    """A file of SQLite, of one node."""

    def __init__(self, folder: Path, truth: Truth) -> None:
        self._file = folder / "storage.sqlite"

    def options(self, node: str) -> dict[str, Any]:
        return {"storage": "sqlite", "sqlite_file": str(self._file)}

    def targets(self) -> list[Target]:
        return []

    def close(self) -> None:
        """Nothing of it runs."""


class Standalone:
    """One Redis that loses nothing, which each node reaches through a proxy of its own."""

    def __init__(self, folder: Path, truth: Truth) -> None:
        self._redis = RedisServer(folder / "redis", tcp=True, durable=True)
        self._proxies: dict[str, UnreliableProxy] = {}

    def options(self, node: str) -> dict[str, Any]:
        self._proxies[node] = UnreliableProxy(self._redis.port)
        address = f"redis://127.0.0.1:{self._proxies[node].port}"
        return OPTIONS | {"redis_url": address}

    def targets(self) -> list[Target]:
        def choose(random: Random) -> Fault:
            if random.random() < 0.5:
                return Fault("SIGKILL", self._redis.kill, self._redis.start)
            return Fault("SIGSTOP", self._redis.freeze, self._redis.thaw)

        proxies = [of_proxy(f"between {node} and Redis", proxy) for node, proxy in self._proxies.items()]
        return [Target("Redis", choose), *proxies]

    def close(self) -> None:
        self._redis.close()
        for proxy in self._proxies.values():
            proxy.__exit__(None, None, None)


class WithSentinel:
    """A master and its replica, each behind a proxy, and a Sentinel that sees them through these."""

    def __init__(self, folder: Path, truth: Truth) -> None:
        self._truth = truth
        self._proxies = [UnreliableProxy(0) for _ in range(2)]
        self._servers: list[ClusterServer] = []
        for number, proxy in enumerate(self._proxies):
            given = ["--replica-announce-ip", "127.0.0.1", "--replica-announce-port", str(proxy.port)]
            given += ["--repl-diskless-sync-delay", "0"]
            if number:
                given += ["--replicaof", "127.0.0.1", str(self._proxies[0].port)]
            server = ClusterServer(folder / f"redis{number}", *given, tcp=True, durable=True)
            proxy.target, server.proxy = server.port, proxy
            self._servers.append(server)
        config = folder / "sentinel.conf"
        config.write_text(
            f"sentinel monitor fws 127.0.0.1 {self._proxies[0].port} 1\nsentinel down-after-milliseconds fws 500\n"
            "sentinel failover-timeout fws 2000\n"
        )
        self._wait_whole()
        self._sentinel = RedisServer.sentinel(folder, config)
        _wait(lambda: b"slaves=1" in self._sentinel.ask("INFO", "sentinel"))

    def options(self, node: str) -> dict[str, Any]:
        address = f"fws@127.0.0.1:{self._sentinel.port}"
        return OPTIONS | {"redis_sentinel": address}

    def targets(self) -> list[Target]:
        def choose(random: Random) -> Fault:
            what = random.random()
            if what < 0.4:
                return self._doubtful("the master: SIGKILL", lambda: self._master().kill(), self._start)
            if what < 0.7:
                return self._doubtful("the master: SIGSTOP", lambda: self._master().freeze(), self._thaw)
            number = random.randrange(2)
            name, begin, end = of_proxy(f"in front of Redis {number}", self._proxies[number]).choose(random)
            return self._doubtful(f"in front of number {number}: {name}", begin, end)

        return [Target("Redis", choose)]

    def close(self) -> None:
        for each in (self._sentinel, *self._servers):
            each.close()
        for proxy in self._proxies:
            proxy.__exit__(None, None, None)

    def _doubtful(self, name: str, begin: Callable[[], object], end: Callable[[], object]) -> Fault:
        return _doubtful(self._truth, name, begin, end, self._copied, self._wait_whole)

    def _master(self) -> ClusterServer:
        return next(server for server in self._servers if server.is_master)

    def _start(self) -> None:
        for server in self._servers:
            if not server.is_alive:
                RedisServer.start(server)

    def _thaw(self) -> None:
        for server in self._servers:
            if server.is_frozen:
                server.thaw()

    def _copied(self) -> bool:
        offset = self._master().get("ROLE")[1]
        return _is_so(lambda: all(int(each[2]) >= offset for each in self._master().get("ROLE")[2] or [(0, 0, -1)]))

    def _wait_whole(self) -> None:
        """One is the master, and the other one follows it."""

        def is_whole() -> bool:
            roles = sorted((server.get("ROLE") for server in self._servers), key=lambda role: role[0])
            return [role[0] for role in roles] == [b"master", b"slave"] and roles[1][3] == b"connected"

        _wait(is_whole)


class Cluster:
    """Three masters with a replica each, each of the six behind a proxy."""

    def __init__(self, folder: Path, truth: Truth) -> None:
        self._truth = truth
        self._cluster = RedisCluster(folder / "cluster", "redis7", proxied=True)

    def options(self, node: str) -> dict[str, Any]:
        return OPTIONS | {"redis_cluster": True, "redis_shards": self._cluster.seeds}

    def targets(self) -> list[Target]:
        def choose(random: Random) -> Fault:
            what, number = random.random(), random.randrange(6)
            server = self._cluster.servers[number]
            if what < 0.3:
                return self._doubtful(f"number {number}: SIGKILL", server.kill, _nothing)
            if what < 0.5:
                return self._doubtful(f"number {number}: SIGSTOP", server.freeze, _nothing)
            if what < 0.7:
                slot = random.randrange(16384)
                return self._doubtful(
                    f"CLUSTER FAILOVER of slot {slot}", lambda: self._cluster.fail_over(slot), _nothing
                )
            assert server.proxy is not None
            name, begin, end = of_proxy("", server.proxy).choose(random)
            return self._doubtful(f"in front of number {number}: {name}", begin, end)

        return [Target("the cluster", choose)]

    def close(self) -> None:
        self._cluster.close()

    def _doubtful(self, name: str, begin: Callable[[], object], end: Callable[[], object]) -> Fault:
        return _doubtful(self._truth, name, begin, end, self._copied, self._cluster.restore)

    def _copied(self) -> bool:
        for server in self._cluster.alive:
            if server.is_master:
                offset = server.get("ROLE")[1]
                if not _is_so(lambda server=server, offset=offset: _has(server, offset)):  # type: ignore[misc]
                    return False
        return True


def _has(server: ClusterServer, offset: int) -> bool:
    replicas = server.get("ROLE")[2]
    return bool(replicas) and all(int(each[2]) >= offset for each in replicas)


def _doubtful(
    truth: Truth,
    name: str,
    begin: Callable[[], object],
    end: Callable[[], object],
    copied: Callable[[], bool],
    wait_whole: Callable[[], object],
) -> Fault:
    """A fault with which what is confirmed may be lost, from when it begins until all is whole."""

    def begins() -> None:
        truth.doubt(copied)
        begin()

    def ends() -> None:
        end()
        wait_whole()
        truth.trust()

    return Fault(name, begins, ends)


def _nothing() -> None:
    """It is made whole with all others."""


def _is_so(predicate: Callable[[], object], seconds: float = COPIED) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if predicate():
                return True
        except (OSError, StopIteration):
            pass  # it does not answer now
        threading.Event().wait(0.02)
    return False


def _wait(predicate: Callable[[], object]) -> None:
    assert _is_so(predicate, WHOLE), "the Redises do not become whole again"
