"""A Redis 7, or a Redis Cluster of several, on which a server is measured whose own CPU alone counts."""

import time

import places
import redis

MASTERS = {"redis7": 1, "redis_cluster": 3}
SLOTS = 16384
JOIN_SECONDS = 30.0


def command(port: int, bus_port: int, folder: str, in_cluster: bool) -> str:
    """What starts one of them, which keeps nothing."""
    started = f"{places.REDIS_7} --bind 127.0.0.1 --port {port} --save '' --appendonly no --dir {folder}"
    if not in_cluster:
        return started
    return f"{started} --cluster-enabled yes --cluster-port {bus_port} --cluster-config-file {port}.conf"


def join(ports: list[int]) -> None:
    """Make a cluster of several, each with its share of the slots.

    :raises TimeoutError: it does not become one
    """
    if len(ports) == 1:
        return
    servers = [redis.Redis(port=port) for port in ports]
    bus = servers[0].config_get("cluster-port")["cluster-port"]
    for number, server in enumerate(servers):
        first, end = (SLOTS * at // len(servers) for at in (number, number + 1))
        server.execute_command("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
        server.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        server.execute_command("CLUSTER", "MEET", "127.0.0.1", ports[0], bus)
    limit = time.monotonic() + JOIN_SECONDS
    while not all(_is_whole(server) for server in servers):
        if time.monotonic() > limit:
            raise TimeoutError("the servers have not become a cluster")
        time.sleep(0.05)
    for server in servers:
        server.close()


def _is_whole(server: redis.Redis) -> bool:
    return b"cluster_state:ok" in server.execute_command("CLUSTER", "INFO", NEVER_DECODE=True)
