"""The nodes of a pipeline, as they talk about Socket.IO on the bus: JSON, on a channel for all and on one for each.

    socketio::cluster       {"do": "emit" | "join" | "leave" | "disconnect", ...}       to be done everywhere; with
                            recovery only what is volatile, the others stand in the log
                            {"do": "send", ...}                                           for a client that has moved
                            {"do": "ask", "what": "fetch" | "call" | "serve", "from", "id", ...}  to be answered
    socketio::member::NODE  {"do": "answer", "id", "from", "value"}
                            {"do": "acknowledged", "socket", "number", "arguments"}    by a client that has moved away

What one node alone would hear is done without the bus, in the same turn.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from itertools import count
from platform import node as hostname
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import DONE, start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.socketio.acknowledgements import NoAnswer
from filtered_websocket.messages import strict_json

SHARED, OWN = "socketio::cluster", "socketio::member::"
"""The channels, behind the pipeline's prefix: a client of one pipeline is nobody's in another."""
MEMBERS = "socketio::cluster"
"""Where the names of the nodes are kept; those of nodes that have died go with their leases."""

Message = dict[str, Any]


class Answers(NamedTuple):
    """
    :ivar values: one for each node that has answered
    :ivar missing: the names of those that have not
    """

    values: list[Any]
    missing: tuple[str, ...]

    def complete(self, flat: list[Any]) -> list[Any]:
        """These answers, if no node is missing.

        :param flat: what the values come to
        :raises NoAnswer: one is
        """
        if self.missing:
            raise NoAnswer(f"no answer of {', '.join(self.missing)}", flat, self.missing)
        return flat


class _Question:
    def __init__(self, names: set[str]) -> None:
        self.names, self.values = names, list[Any]()
        self.over: Deferred[Answers] = Deferred()

    def answered(self, name: str, value: Any) -> None:
        self.values.append(value)
        self.names.discard(name)
        if not self.names:
            self.end()

    def end(self) -> None:
        if not self.over.called:
            self.over.callback(Answers(self.values, tuple(sorted(self.names))))


class Cluster:
    """
    :param orders: what is done on every node, by name
    :param questions: what is answered by every node, by name; a value that JSON can hold, or a Deferred of it
    :ivar name: this node's
    """

    def __init__(
        self,
        pipeline: Pipeline,
        orders: Mapping[str, Callable[[Message], object]],
        questions: Mapping[str, Callable[[Message], Any]],
    ) -> None:
        self.name = f"{hostname() or 'node'}-{os.getpid()}-{secrets.token_hex(2)}"
        self._pipeline, self._storage = pipeline, pipeline.storage_object
        self._shared, self._own = pipeline.prefix + SHARED, pipeline.prefix + OWN
        self._questions = questions
        self._orders: dict[str, Callable[[Message], object]] = {**orders} | {
            "ask": self._on_ask,
            "answer": self._on_answer,
        }
        self._numbers = count(1)
        self._open: dict[int, _Question] = {}

    @property
    def is_shared(self) -> bool:
        """Whether there can be other nodes."""
        return self._storage.shared

    @property
    def heard(self) -> tuple[str, ...]:
        """What this node listens to; alone it has nobody to listen to."""
        return (self._shared, self._own + self.name) if self.is_shared else ()

    def begin(self) -> list[Deferred[Any]]:
        """Listen, and be known to the others."""
        if not self.is_shared:
            return []
        return [*map(self._storage.listen, self.heard), self._storage.join(MEMBERS, self.name, self.name)]

    def stop(self) -> None:
        """Nobody will answer any more, and nobody need ask."""
        for question in tuple(self._open.values()):
            question.end()
        if self.is_shared:
            self._storage.leave(MEMBERS, self.name, self.name).addErrback(lambda _: None)

    def tell_all(self, what: str, **values: Any) -> Deferred[Any]:
        """Have something done on all nodes, this one too. A failure that nobody looks at is counted."""
        if not self.is_shared:
            self._orders[what](values)
            return DONE
        return self._watched(self._storage.publish(self._shared, strict_json.dumps({"do": what, **values})))

    def tell(self, node: str, what: str, **values: Any) -> Deferred[Any]:
        """Have something done on one node."""
        return self._watched(self._storage.publish(self._own + node, strict_json.dumps({"do": what, **values})))

    def _watched(self, sent: Deferred[Any]) -> Deferred[Any]:
        return self._pipeline.server.counters.watch(sent, "socketio")

    def ask(self, what: str, seconds: float, others: bool = False, **values: Any) -> Deferred[Answers]:
        """Ask all nodes.

        :param seconds: how long they have to answer
        :param others: all but this one
        """
        return start(self._ask(what, seconds, others, values))

    async def _ask(self, what: str, seconds: float, others: bool, values: Message) -> Answers:
        if not self.is_shared:
            return Answers([] if others else [await maybeDeferred(self._questions[what], values)], ())
        names = set(await self._storage.members(MEMBERS))
        if others:
            names.discard(self.name)
        if not names:
            return Answers([], ())
        number = next(self._numbers)
        question = self._open[number] = _Question(names)
        timer = self._pipeline.server.reactor.callLater(seconds, question.end)
        try:
            about = {"what": what, "from": self.name, "id": number, "others": others}
            await self._storage.publish(self._shared, strict_json.dumps({"do": "ask", **about, **values}))
            return await question.over
        finally:
            del self._open[number]
            if timer.active():
                timer.cancel()

    def consume(self, data: bytes) -> None:
        """Do what a message on one of the channels says."""
        try:
            message = strict_json.loads(data)
            self._orders[message["do"]](message)
        except (ValueError, TypeError, KeyError) as error:
            self._pipeline.server.counters.count("dropped", "socketio: malformed message of a node", repr(error))

    def _on_ask(self, message: Message) -> None:
        if message["others"] and message["from"] == self.name:
            return
        answer = maybeDeferred(self._questions[message["what"]], message)
        answer.addCallbacks(self._answer, self._not_answered, callbackArgs=(message,))

    def _answer(self, value: Any, message: Message) -> None:
        self.tell(message["from"], "answer", id=message["id"], value=value, **{"from": self.name})

    def _not_answered(self, failure: Failure) -> None:
        self._pipeline.server.counters.count("dropped", "socketio: a question of a node", repr(failure.value))

    def _on_answer(self, message: Message) -> None:
        question = self._open.get(message["id"])
        if question is not None:
            question.answered(message["from"], message["value"])
