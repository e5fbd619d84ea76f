"""A private, real Redis Cluster for a test: masters with a replica each, to kill, freeze, fail over and reshard."""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import hiredis

from tests.support.certificates import Files
from tests.support.fws_server import STARTING
from tests.support.ports import WITH_ANOTHER, free_port
from tests.support.redis_programs import find
from tests.support.redis_server import RedisServer
from tests.support.unreliable_proxy import UnreliableProxy

DEADLINE = 60.0
SLOTS = 16384
NODE_TIMEOUT = 500
"""Milliseconds after which a node that is silent is taken for dead."""


class ClusterServer(RedisServer):
    """One of its servers. Everything it is asked comes back as values, an error as the exception that it is."""

    id: str
    is_frozen = False
    proxy: UnreliableProxy | None = None

    @property
    def known_port(self) -> int:
        """Where others reach it, but for the cluster's own bus."""
        return self.proxy.port if self.proxy else self.port

    def get(self, *words: str | bytes | int) -> Any:
        (reply,) = self._ask(words)
        return reply

    def _ask(self, *commands: tuple[str | bytes | int, ...]) -> list[Any]:
        """What it says to these, on one connection."""
        reader, replies = hiredis.Reader(), []
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(DEADLINE)
            connection.connect(self.path)
            connection.sendall(b"".join(map(hiredis.pack_command, commands)))
            # Valkey takes a half-closed connection for a lost one, when it has to wait for its replicas.
            while len(replies) < len(commands):
                if (reply := reader.gets()) is not False:
                    replies.append(reply)
                    continue
                part = connection.recv(65536)
                if not part:
                    raise ConnectionError(f"{commands[len(replies)][:2]}: no answer")
                reader.feed(part)
        return replies

    def clear(self) -> None:
        """It is empty, and so are its replicas.

        A replica that has just come has what the master had, and is said to be online. What the master was told since
        is sent only when the replica has said so itself, which it does once a second: until then it may be promoted
        without that.
        """
        replicas = len(self.get("ROLE")[2])
        done, told = self._ask(("FLUSHALL",), ("WAIT", replicas, int(1000 * DEADLINE)))
        assert (done, told) == (b"OK", replicas), (done, told, replicas)

    def start(self) -> None:
        """Start it, empty."""
        # A replica keeps what it was sent. A master that starts with keys of a slot which is another's by now takes it
        # for one that it is importing, and never learns which master has it next.
        (self.folder / "dump.rdb").unlink(missing_ok=True)
        super().start()
        self.is_frozen = False

    def freeze(self) -> None:
        super().freeze()
        self.is_frozen = True

    def thaw(self) -> None:
        super().thaw()
        self.is_frozen = False

    def told(self, *words: str | bytes | int) -> None:
        """It has to say OK."""
        reply = self.get(*words)
        assert reply == b"OK", (words, reply)

    def info(self, *words: str) -> dict[str, str]:
        """What INFO, or CLUSTER INFO, says."""
        pairs = (line.partition(":") for line in self.get(*words).decode().splitlines())
        return {name: value for name, _, value in pairs}

    @property
    def is_master(self) -> bool:
        return bool(self.get("ROLE")[0] == b"master")


def _over(tls: Files | None, port: int) -> tuple[str, ...]:
    """What has a server speak TLS, and nothing else, on its port."""
    if tls is None:
        return ()
    files = ("--tls-cert-file", tls.cert, "--tls-key-file", tls.key, "--tls-ca-cert-file", tls.root)
    uses = ("--tls-cluster", "yes", "--tls-replication", "yes", "--tls-auth-clients", "no")
    names = ("--cluster-announce-hostname", "localhost", "--cluster-preferred-endpoint-type", "hostname")
    return "--port", "0", "--tls-port", str(port), *files, *uses, *names


def _as(proxy: UnreliableProxy) -> tuple[str, ...]:
    """What has a server tell others that it is where its proxy is."""
    bus = str(proxy.target + 10_000)
    return "--cluster-announce-port", str(proxy.port), "--cluster-announce-bus-port", bus


class RedisCluster:
    """
    :param kind: what it runs on, of `redis_programs`
    :param arguments: more of the configuration of each
    :param tls: what all speak TLS with, under the name localhost, for which the certificate is
    :param proxied: each is reached through a proxy of its own, by clients and by its replica
    """

    def __init__(
        self,
        folder: Path,
        kind: str,
        *arguments: str,
        masters: int = 3,
        replicas: bool = True,
        tls: Files | None = None,
        proxied: bool = False,
    ) -> None:
        program = find(kind)
        self.kind, self.masters = kind, masters
        self.servers: list[ClusterServer] = []
        count = 2 * masters if replicas else masters
        given = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT))
        given += ("--repl-diskless-sync-delay", "0", "--cluster-allow-replica-migration", "no", *arguments)
        ports = [free_port(WITH_ANOTHER) for _ in range(count)]
        self._proxies = [UnreliableProxy(port) for port in ports] if proxied else []
        known = [_as(proxy) for proxy in self._proxies] or [()] * count
        try:
            with ThreadPoolExecutor() as starting:
                jobs = [
                    starting.submit(
                        ClusterServer,
                        folder / str(number),
                        *given,
                        *_over(tls, port),
                        *more,
                        program=program,
                        port=port,
                    )
                    for number, (port, more) in enumerate(zip(ports, known, strict=True))
                ]
            self.servers = [job.result(STARTING) for job in jobs]
            for server, proxy in zip(self.servers, self._proxies, strict=False):
                server.proxy = proxy
            self._form()
        except BaseException:
            self.close()
            raise

    def _form(self) -> None:
        heads = self.servers[: self.masters]
        for number, server in enumerate(self.servers):
            server.id = server.get("CLUSTER", "MYID").decode()
            server.told("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for number, server in enumerate(heads):
            first, end = (SLOTS * each // self.masters for each in (number, number + 1))
            server.told("CLUSTER", "ADDSLOTS", *range(first, end))
        for server in self.servers[1:]:
            server.told("CLUSTER", "MEET", "127.0.0.1", self.servers[0].port)
        self.wait(lambda: all(self._knows(server) == len(self.servers) for server in self.servers))
        for server, head in zip(self.servers[self.masters :], heads, strict=False):
            server.told("CLUSTER", "REPLICATE", head.id)
        self.wait_whole()
        self.clear()

    @property
    def seeds(self) -> list[str]:
        """HOST:PORT of all servers: any will do."""
        return [f"127.0.0.1:{server.known_port}" for server in self.servers]

    @property
    def url(self) -> str:
        return f"redis://{self.seeds[0]}"

    @property
    def alive(self) -> list[ClusterServer]:
        """Those that answer."""
        return [server for server in self.servers if server.is_alive and not server.is_frozen]

    def wait(self, predicate: Callable[[], Any]) -> None:
        """Until something is so. Nothing tells of it, so it is asked."""
        end = time.monotonic() + DEADLINE
        while not predicate():
            assert time.monotonic() < end, [server.get("CLUSTER", "NODES") for server in self.alive]
            threading.Event().wait(0.01)

    def wait_whole(self) -> None:
        """All servers agree that all is well, and each replica has what its master has."""
        self.wait(self._is_whole)

    def master_of(self, slot: int) -> ClusterServer:
        """By what most say; there has to be one."""
        found: list[ClusterServer] = []

        def look() -> bool:
            found[:] = [server for server in self.alive if self._serves(server, slot)]
            return len(found) == 1

        self.wait(look)
        return found[0]

    def replica_of(self, master: ClusterServer) -> ClusterServer:
        """One that follows this master."""
        return next(
            server for server in self.alive if server.get("ROLE")[:3] == [b"slave", b"127.0.0.1", master.known_port]
        )

    def wait_promoted(self, replica: ClusterServer) -> None:
        self.wait(lambda: replica.is_master and replica.info("CLUSTER", "INFO")["cluster_state"] == "ok")

    def fail_over(self, slot: int) -> ClusterServer:
        """Have the replica take over, as CLUSTER FAILOVER does it; the new master."""
        replica = self.replica_of(self.master_of(slot))
        replica.told("CLUSTER", "FAILOVER")
        self.wait(lambda: replica.is_master)
        return replica

    def wait_replicated(self, master: ClusterServer) -> None:
        """Its replica has all that it has now."""
        offset = master.get("ROLE")[1]
        self.wait(lambda: int(master.get("ROLE")[2][0][2]) >= offset)

    def move_slot(self, slot: int, target: ClusterServer, step: Callable[[], Any] = lambda: None) -> None:
        """Move a slot key by key, as redis-cli does.

        :param step: called while half of it has moved, and before the target is its master
        """
        source = self.master_of(slot)
        target.told("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.told("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
        count = source.get("CLUSTER", "COUNTKEYSINSLOT", slot)
        moved, stepped = 0, False
        while keys := source.get("CLUSTER", "GETKEYSINSLOT", slot, 100):
            reply = source.get("MIGRATE", "127.0.0.1", target.port, "", 0, 10000, "REPLACE", "KEYS", *keys)
            assert reply in (b"OK", b"NOKEY"), reply
            moved += len(keys)
            if 2 * moved >= count and not stepped:
                stepped = True
                step()
        if not stepped:
            step()
        for server in (target, source, *self.alive):
            if server.is_master:
                server.told("CLUSTER", "SETSLOT", slot, "NODE", target.id)

    def restore(self) -> None:
        """Make whole what a test has broken. Which server is a master stays as it is now."""
        self.thaw()
        self.start()
        self.wait_whole()

    def start(self) -> None:
        """Start all that are down."""
        down = [server for server in self.servers if not server.is_alive]
        with ThreadPoolExecutor() as starting:
            list(starting.map(ClusterServer.start, down))

    def thaw(self) -> None:
        """Have all that are frozen go on."""
        for server in self.servers:
            if server.is_alive and server.is_frozen:
                server.thaw()

    def clear(self) -> None:
        """All are empty."""
        for server in self.servers:
            if server.is_master:
                server.clear()

    def close(self) -> None:
        for server in self.servers:
            server.close()  # a frozen one too
        for proxy in self._proxies:
            proxy.__exit__(None, None, None)

    def __enter__(self) -> "RedisCluster":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @staticmethod
    def _knows(server: ClusterServer) -> int:
        return int(server.info("CLUSTER", "INFO")["cluster_known_nodes"])

    @staticmethod
    def _serves(server: ClusterServer, slot: int) -> bool:
        """Whether it takes this slot for its own, and is a master."""
        if not server.is_master:
            return False
        lines = server.get("CLUSTER", "NODES").decode().splitlines()
        own = next(line.split() for line in lines if "myself" in line)
        spans = (span.split("-") for span in own[8:] if not span.startswith("["))
        return any(int(span[0]) <= slot <= int(span[-1]) for span in spans)

    def _is_whole(self) -> bool:
        replicas = len(self.servers) - self.masters
        if len(self.alive) < len(self.servers):
            return False
        for server in self.servers:
            told = server.info("CLUSTER", "INFO")
            if told["cluster_state"] != "ok" or int(told["cluster_slots_ok"]) != SLOTS:
                return False
            if int(told["cluster_known_nodes"]) != len(self.servers):
                return False
            lines = server.get("CLUSTER", "NODES").decode().splitlines()
            if sum("slave" in line.split()[2] for line in lines) != replicas or any("fail" in line for line in lines):
                return False
        roles = [server.get("ROLE") for server in self.servers]
        followed = sum(role[0] == b"slave" and role[3] == b"connected" for role in roles)
        online = sum(len(role[2]) for role in roles if role[0] == b"master")
        return followed == online == replicas
