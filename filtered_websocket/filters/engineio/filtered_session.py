"""A session that is to filters what a connection is, since no connection of its own stands for it.

The messages of its client run through the message chain. It has one connect and one disconnect chain, is among the
users of its pipeline, and counts for the server's limits.
"""

from collections.abc import Iterable, Mapping, MutableMapping
from queue import Queue
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Connection, Storage
from filtered_websocket.chain.outcomes import CANCELLED, outcome, report
from filtered_websocket.chain.running import run
from filtered_websocket.errors import Close, Reject, StopChain, StorageAway
from filtered_websocket.filters.engineio.handover import Handover
from filtered_websocket.filters.engineio.session import Engine, Session
from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.message import in_binary_message, messages
from filtered_websocket.web.request import HTTPRequest


class FilteredSession(Session):
    """
    :param request: the HTTP request that began it
    """

    state = None
    """That of no WebSocket: a connection that takes the place of another of its id closes one that is open."""
    direct = None
    token: Any = None
    close_code: int | None = None
    close_reason: str | None = None

    def __init__(self, engine: Engine, sid: str, protocol: int, request: HTTPRequest) -> None:
        super().__init__(engine, sid, protocol)
        self.subscriber = self.session = self
        self.request = request
        self.channels: set[str] = set()
        self._users = cast("MutableMapping[str, object]", self.pipeline.users)
        self._users[self.id] = self

    # What a connection has, where a session has it not already.

    @property
    def users(self) -> Mapping[str, Connection]:
        return self.pipeline.users

    @property
    def storage_object(self) -> Storage:
        return self.pipeline.storage_object

    @property
    def queue(self) -> "Queue[Any]":
        return self.pipeline.queue

    def sendMessage(self, payload: Any, isBinary: bool | None = None) -> None:
        self.send(*messages(payload, isBinary))

    def subscribe(self, channel: str) -> Deferred[Any]:
        return self.pipeline.subscribe(channel, self)

    def unsubscribe(self, channel: str) -> Deferred[Any]:
        return self.pipeline.unsubscribe(channel, self)

    def publish(self, channel: str | Iterable[str], payload: Any, exclude: Any = None) -> Deferred[Any]:
        return self.pipeline.publish(channel, payload, exclude)

    def loseConnection(self) -> None:
        self.close()

    def abortConnection(self) -> None:
        self.gone()

    def finish(self, blob: bytes, sent: int) -> None:
        """Nothing is ever sent directly."""

    def deliver(self, batch: Batch, policy: str) -> None:
        raise NotImplementedError

    # Chains.

    async def run(self, event: str, data: Any = None, binary: bool = False) -> None:
        """Run a chain of the pipeline on this session; one that fails ends it, as it would end a connection."""
        pipeline = self.pipeline
        if event == "message":
            pipeline.messages_in += 1
            pipeline.bytes_in += len(data)
        kind = in_binary_message.set(binary)
        try:
            result = run(pipeline.chains[event], self, data)
            if isinstance(result, Deferred):
                await result.addTimeout(pipeline.options.filter_timeout, pipeline.server.reactor)
        except StopChain:
            pass
        except CancelledError:
            self.gone()
        except BaseException as error:
            self._failed(error)
        finally:
            in_binary_message.reset(kind)

    def _failed(self, error: BaseException) -> None:
        counters, meant = self.pipeline.server.counters, outcome(error, (Close, Reject, StorageAway, *CANCELLED))
        if meant.failed:
            report(counters, error)
        elif meant.counted:
            counters.count("closed", meant.counted)
        self.close()

    def leave(self) -> Handover:
        if self.ended:
            return super().leave()
        handover = super().leave()
        self.pipeline.server.admission.leave_session(self.sid)
        for channel in tuple(self.channels):
            self.unsubscribe(channel)
        return handover

    def _left(self) -> None:
        """It has left everything: the disconnect chain runs."""
        if self._users.get(self.id) is self:
            del self._users[self.id]
        self.pipeline.server.ending(start(self._disconnected()))

    async def _disconnected(self) -> None:
        self.close_code, self.close_reason = 1000, ""
        # One that fails keeps no other from what it has to do at the end.
        for step in self.pipeline.chains["disconnect"]:
            try:
                result = run((step,), self, None)
                if isinstance(result, Deferred):
                    await result
            except StopChain:
                return
            except BaseException as error:
                self._failed(error)
