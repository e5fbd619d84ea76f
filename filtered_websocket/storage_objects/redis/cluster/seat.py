"""A partition at its home: what it asks there for itself, and once. What users ask goes by the partition."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.cluster.connection import NodeConnection, NodeEars
from filtered_websocket.storage_objects.redis.cluster.node import Node
from filtered_websocket.storage_objects.redis.cluster.redirects import Redirect, redirect_of
from filtered_websocket.storage_objects.redis.command import Script
from filtered_websocket.storage_objects.values import Convert


class Seat:
    """
    :param node: that is up
    :param redirected: called when it is not, or not now, the place to ask
    :ivar reign: the number of the reign that its master is in, as it is written
    """

    def __init__(self, node: Node, redirected: "Callable[[Seat, Redirect, str], None]") -> None:
        assert node.commands is not None
        assert node.ears is not None
        self.node = node
        self.connection: NodeConnection = node.commands
        self.ears: NodeEars = node.ears
        self.reign = b"0"
        self._redirected = redirected

    def ask(self, request: bytes, convert: Convert = None, script: Script | None = None) -> Deferred[Any]:
        """Fails with StorageAway, too, when it was refused for now."""
        return self.connection.ask_once(request, convert, script).addErrback(self._failed)

    def _failed(self, failure: Failure) -> Failure:
        reason = failure.getErrorMessage()
        redirect = redirect_of(reason)
        if redirect is None:
            return failure
        self._redirected(self, redirect, reason)
        return Failure(StorageAway(f"Redis says {reason}: not done"))
