"""What listens on a channel at one server of a Redis Cluster, as any client may, and writes down what it hears."""

import socket
import threading
from types import TracebackType

import hiredis

from tests.support.raw_client import DEADLINE
from tests.support.redis_cluster import ClusterServer


class ShardedListener:
    """It is subscribed when it is there.

    :param server: where the channel is at home
    :param verb: SSUBSCRIBE, or SUBSCRIBE where that is not known
    """

    def __init__(self, server: ClusterServer, name: str, verb: str = "SSUBSCRIBE") -> None:
        self.heard: list[bytes] = []
        self._news = threading.Condition()
        self._subscribed = False
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(server.path)
        self._socket.sendall(hiredis.pack_command((verb, name)))
        threading.Thread(target=self._run, daemon=True).start()
        with self._news:
            assert self._news.wait_for(lambda: self._subscribed, DEADLINE)

    def wait(self, count: int) -> list[bytes]:
        with self._news:
            assert self._news.wait_for(lambda: len(self.heard) >= count, DEADLINE), self.heard
        return self.heard

    def __enter__(self) -> "ShardedListener":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        reader = hiredis.Reader()
        with self._socket:
            while part := self._socket.recv(65536):
                reader.feed(part)
                while (reply := reader.gets()) is not False:
                    with self._news:
                        if reply[0] in (b"message", b"smessage"):
                            self.heard.append(reply[2])
                        self._subscribed = True
                        self._news.notify_all()
