"""Servers of the Pushi and Pusher packs on each kind of storage, plain and over TLS."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import certificates
from tests.support.fws_server import FwsServer
from tests.support.redis_server import RedisServer

STORAGES = ("memory", "sqlite", "redis")
PLACES = [(storage, tls) for tls in (False, True) for storage in STORAGES]
"""Each storage, plain and over TLS; for fixtures with parameters, named by `place`."""


def place(where: tuple[str, bool]) -> str:
    storage, tls = where
    return f"{storage}-wss" if tls else storage


@contextmanager
def storage_options(kind: str, folder: Path) -> Iterator[dict[str, Any]]:
    """The options of a storage that nobody else has."""
    if kind == "redis":
        with RedisServer(folder / "redis") as redis:
            yield {"storage": "redis", "redis_url": redis.url, "lease_seconds": 2}
    elif kind == "sqlite":
        yield {"storage": "sqlite", "sqlite_file": str(folder / "events.sqlite")}
    else:
        yield {}


@contextmanager
def running(folder: Path, tls: bool = False, **options: Any) -> Iterator[FwsServer]:
    """A server with these options.

    :param tls: it speaks TLS; its root is ``folder/root.pem``
    """
    if tls:
        files = certificates.write(folder)
        options |= {"key": files.key, "cert": files.cert}
    # The name in the certificate is localhost, which may be an IPv6 address first.
    options = {"port": 0, "host": "" if tls else "127.0.0.1", **options}
    config = folder / "config.json"
    config.write_text(json.dumps(options))
    with FwsServer("-c", str(config), "-p", str(options["port"]), "--host", options["host"], cwd=folder) as server:
        yield server
