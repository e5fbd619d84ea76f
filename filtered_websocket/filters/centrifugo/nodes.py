"""The nodes of one pipeline: what each has all others do, and what it asks of all.

    PREFIXcentrifugo::nodes       {"do": "here", "node"}                          each 3 s: a node lives
                                  {"do": "gone", "node"}                          it leaves
                                  {"do": NAME, "values"}                          all are to do something
                                  {"do": "ask", "node", "id", "what", "values"}   all are to answer
    PREFIXcentrifugo::node::UID   {"do": "answer", "node", "id", "answer"}        an answer
                                  {"do": NAME, "values"}                          one is to do something

Where storage is this process's alone there are no others, and nothing goes over a bus.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from twisted.internet.defer import Deferred, gatherResults, succeed

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.limits.ticker import Ticker
from filtered_websocket.messages.strict_json import dumps

HERE_SECONDS = 3.0
GONE_SECONDS = 10.0
"""After so long without a word a node is gone."""
ANSWER_SECONDS = 2.0
"""How long nodes have to answer; what has come until then counts."""

Do = Callable[[dict[str, Any]], object]
Tell = Callable[[dict[str, Any]], Any]


class Survey:
    """A question that all nodes were asked.

    :ivar answers: by node
    """

    def __init__(self, asked: set[str]) -> None:
        self.missing, self.answers = asked, dict[str, Any]()
        self.over: Deferred[dict[str, Any]] = Deferred()

    def answer(self, node: str, answer: Any) -> None:
        self.answers[node] = answer
        self.missing.discard(node)
        if not self.missing:
            self.end()

    def end(self) -> None:
        if not self.over.called:
            self.over.callback(self.answers)


class Nodes:
    """
    :param does: what a node does, by name: each gets the values
    :param tells: what a node answers, by what it is asked
    :ivar uid: this node's
    :ivar others: when the others were last heard, by uid
    """

    def __init__(self, pipeline: Pipeline, does: Mapping[str, Do], tells: Mapping[str, Tell]) -> None:
        self._pipeline, self._does, self._tells = pipeline, does, tells
        self._storage, self._reactor = pipeline.storage_object, pipeline.server.reactor
        self.uid = str(uuid4())
        self.others: dict[str, float] = {}
        self._shared, self._own = f"{pipeline.prefix}centrifugo::nodes", f"{pipeline.prefix}centrifugo::node::"
        self._surveys: dict[str, Survey] = {}
        self._ticker = Ticker(self._reactor, self._tick, HERE_SECONDS)

    def start(self) -> Deferred[Any]:
        """Hear the others, and have them hear of this one; fires when it does."""
        if not self._storage.shared:
            return succeed(None)
        heard = gatherResults([self._storage.listen(each) for each in self.heard], consumeErrors=True)
        self._ticker.start()
        return heard.addCallback(lambda _: self._announce())

    @property
    def heard(self) -> tuple[str, ...]:
        """The channels of the bus that this node listens to."""
        return (self._shared, self._own + self.uid) if self._storage.shared else ()

    def knows(self, node: str) -> bool:
        """Whether there is such a node."""
        return node == self.uid or node in self.others

    def tell_all(self, what: str, **values: Any) -> Deferred[None]:
        """Have all nodes do something, this one too."""
        return self._send(self._shared, {"do": what, "values": values})

    def tell(self, node: str, what: str, **values: Any) -> Deferred[None]:
        """Have one node do something."""
        if node == self.uid:
            self._do(what, values)
            return succeed(None)
        return self._send(self._own + node, {"do": what, "values": values})

    async def ask_all(self, what: str, **values: Any) -> dict[str, Any]:
        """What all nodes answer, by node."""
        if not self._storage.shared:
            return {self.uid: self._tells[what](values)}
        number, survey = str(uuid4()), Survey({self.uid, *self.others})
        self._surveys[number] = survey
        later = self._reactor.callLater(ANSWER_SECONDS, survey.end)
        try:
            await self._send(
                self._shared, {"do": "ask", "node": self.uid, "id": number, "what": what, "values": values}
            )
            return await survey.over
        finally:
            del self._surveys[number]
            if later.active():
                later.cancel()

    def consume(self, channel: str, data: bytes) -> None:
        """Do what another node, or this one, has said."""
        try:
            message = json.loads(data)
            what = message["do"]
            if what == "here":
                self._heard_of(message["node"])
            elif what == "gone":
                self.others.pop(message["node"], None)
            elif what == "ask":
                answer = {"do": "answer", "node": self.uid, "id": message["id"]}
                answer["answer"] = self._tells[message["what"]](message["values"])
                self._ignore(self._send(self._own + message["node"], answer))
            elif what == "answer":
                if message["id"] in self._surveys:
                    self._surveys[message["id"]].answer(message["node"], message["answer"])
            else:
                self._do(what, message["values"])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            self._pipeline.server.counters.count("dropped", "centrifugo: malformed message of a node", repr(error))

    def _do(self, what: str, values: dict[str, Any]) -> None:
        self._does[what](values)

    def _send(self, channel: str, message: dict[str, Any]) -> Deferred[None]:
        text = dumps(message)
        if not self._storage.shared:
            self.consume(channel, text.encode())
            return succeed(None)
        return self._storage.publish(channel, text)

    def _heard_of(self, node: str) -> None:
        if node == self.uid:
            return
        if node not in self.others:
            # It has just begun, and is to know of this one.
            self._announce()
        self.others[node] = self._reactor.seconds()

    def _announce(self) -> None:
        self._ignore(self._send(self._shared, {"do": "here", "node": self.uid}))

    def _tick(self) -> None:
        now = self._reactor.seconds()
        self.others = {node: seen for node, seen in self.others.items() if now - seen < GONE_SECONDS}
        self._announce()

    def _ignore(self, sent: Deferred[Any]) -> None:
        """While the storage is away, nobody is heard."""
        sent.addErrback(lambda _: None)

    def stop(self) -> None:
        """Leave."""
        if self._storage.shared:
            self._ticker.stop()
            self._ignore(self._send(self._shared, {"do": "gone", "node": self.uid}))
            for channel in self.heard:
                self._ignore(self._storage.unlisten(channel))
        for survey in tuple(self._surveys.values()):
            survey.end()
