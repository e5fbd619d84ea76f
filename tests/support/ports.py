"""Ports for what cannot let the kernel choose one: redis-server, and pages that name the port."""

import random
import socket

from tests.support.ledger.own_process import here

BELOW_WHAT_CLIENTS_GET = range(20_000, 30_000)
"""The kernel gives none of these to a socket that connects, or binds to port 0."""

WITH_ANOTHER = range(20_000, 22_000)
"""The same for those 10,000 above, which Redis 6 takes for the bus of a cluster."""


def free_port(within: range = BELOW_WHAT_CLIENTS_GET) -> int:
    """A port that nothing listens on, and that no other process of any tests on this machine is given.

    A claim is an abstract Unix socket named after the port. It ends with the process, so nothing is left to clean up.
    """
    with here.kept():
        for port in random.sample(within, 200):
            claim = socket.socket(socket.AF_UNIX)
            try:
                claim.bind(f"\0fws-tests-port-{port}")
            except OSError:
                claim.close()
                continue
            claim.detach()
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("", port))
                except OSError:
                    continue
                return port
    raise AssertionError("no port is free")
