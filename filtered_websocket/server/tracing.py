"""Traces: every event of some connections, and every publication of a channel, on its way through the filters.

A trace is asked for by one process and runs in all of them. Each sends what it sees to the one that asked, together
once in a while. Rules:

1. What is not traced runs not one instruction more. A connection that is, is observed (`chain.observed`); its
   chain stands in the pipeline's `chains` for one run only, as those of the stopwatch do.
2. All is bounded: traces, connections of one, events per second, characters of a payload. What is left out is counted.
3. A trace that its asker does not renew ends: the asker may have died.
4. Payloads are shortened, and without what shows itself to be a secret.
"""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from twisted.internet.task import LoopingCall

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.observed import can_be_observed
from filtered_websocket.chain.running import Step
from filtered_websocket.messages.message import Message
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.server.cluster import Cluster
from filtered_websocket.server.inspection import Inspection, is_called, shown_name, shown_user, transport_of
from filtered_websocket.server.newcomers import Newcomers
from filtered_websocket.server.observation import Observation
from filtered_websocket.server.slices import Slices
from filtered_websocket.server.trace import Emit, Event, Trace, Values, event_of
from filtered_websocket.server.traced_chain import PublicationChain, TracedChain, text_of, traced

MAX_TRACES = 10
"""Traces that run in one process."""
MAX_CONNECTIONS = 200
"""Connections of one process that one trace is told of."""
RENEW_SECONDS = 5.0
"""How often a trace is renewed. After three times of that without it a process ends it."""


class Traced(Protocol):
    """The server, as far as it is traced."""

    pipelines: list[Pipeline]
    reactor: Any


class Tracing:
    """The traces of one process: those that others ask for, and those that are asked for here."""

    def __init__(self, server: Traced, cluster: Cluster, inspection: Inspection, observation: Observation) -> None:
        self._server, self._cluster, self._inspection, self._observation = server, cluster, inspection, observation
        self._clock = server.reactor
        self._traces: dict[str, Trace] = {}
        self._listeners: dict[str, Emit] = {}
        self._publications: dict[Pipeline, PublicationChain] = {}
        self._newcomers = Newcomers()
        self._renewal = LoopingCall(self._renew)
        self._renewal.clock = self._clock

    def listen(self, number: str, emit: Emit) -> None:
        """Have a function called with the events of a trace, which `begin` is then asked of all for."""
        self._listeners[number] = emit

    def heard(self, process: str, values: Values) -> None:
        """Another process has seen something."""
        emit = self._listeners.get(values["trace"])
        if emit is not None:
            emit([dict(each) for each in values["events"]])

    def end_listening(self, number: str) -> None:
        """Nobody reads this trace any more."""
        self._listeners.pop(number, None)
        self.end(number)
        self._cluster.tell_all("untrace", {"trace": number})

    async def begin(self, values: Values) -> dict[str, Any]:
        """Begin to trace, or go on; what is to be known of it."""
        number, asker = values["trace"], values["asker"]
        trace = self._traces.get(number)
        new = trace is None
        if trace is None:
            if len(self._traces) >= MAX_TRACES:
                return {"refused": f"{MAX_TRACES} traces run there"}
            trace = self._traces[number] = Trace(values, self._clock, lambda events: self._emit(number, asker, events))
            if not self._renewal.running:
                self._renewal.start(RENEW_SECONDS, now=False)
        trace.renewed = self._clock.seconds()
        # Of those that join a channel nothing is told.
        if new or trace.values.get("channel") is not None:
            await self._look_for(trace)
        self.arrange()
        return {"connections": len(trace.connections), "left_out": trace.left_out}

    async def untrace(self, values: Values) -> None:
        """The asker has ended a trace."""
        self.end(values["trace"])

    def _emit(self, number: str, asker: str, events: list[Event]) -> None:
        if asker == self._cluster.id:
            self.heard(asker, {"trace": number, "events": events})
        else:
            self._cluster.tell(asker, "traced", {"trace": number, "events": events})

    def end(self, number: str) -> None:
        """Trace this no more."""
        trace = self._traces.pop(number, None)
        if trace is None:
            return
        trace.flush()
        for connection in self._observation.traced():
            if self._traces and connection in self._newcomers:
                continue  # another trace may be told of it
            if not any(connection in each.connections for each in self._traces.values()):
                self._observation.leave(connection)
        self.arrange()
        if not self._traces:
            self._newcomers.clear()
            if self._renewal.running:
                self._renewal.stop()

    def _renew(self) -> None:
        now = self._clock.seconds()
        for connection in self._newcomers.nameless(now):
            self._observation.leave(connection)
        for number, trace in list(self._traces.items()):
            if number in self._listeners:
                trace.renewed = now
                self._cluster.tell_all("trace", dict(trace.values))
                if trace.values.get("channel") is not None:
                    start(self._look_for(trace))
            elif now - trace.renewed > 3 * RENEW_SECONDS:
                self.end(number)

    def stop(self) -> None:
        """The server ends."""
        for number in list(self._traces):
            self.end(number)

    @property
    def runs(self) -> bool:
        """Whether anything is traced."""
        return bool(self._traces)

    async def _look_for(self, trace: Trace) -> None:
        """Find the connections that a trace is told of; those that come later are told of by `opened`."""
        slices, left_out, trace.left_out = Slices(self._clock), trace.left_out, 0
        for _, each in self._inspection.candidates(trace.values):
            await slices.rest()
            if trace not in self._traces.values():
                return
            if each.opened and trace.concerns(each):
                self._add(trace, each)
        trace.left_out = max(left_out, trace.left_out)

    def _add(self, trace: Trace, connection: Any) -> bool:
        if connection in trace.connections:
            return True
        if len(trace.connections) >= MAX_CONNECTIONS or not can_be_observed(connection):
            trace.left_out += 1
            return False
        trace.connections.add(connection)
        self._observation.watch(connection).trace = self
        return True

    def arriving(self, connection: Any) -> None:
        """A connection is made while something is traced: what comes first is kept until it shows whose it is."""
        self._newcomers.arrive(connection)
        self._observation.watch(connection).trace = self

    def opened(self, connection: Any) -> None:
        """A connection has opened, or says whose it is."""
        early = self._newcomers.leave(connection)
        request = connection.request
        said = {"transport": transport_of(connection), "path": text_of(request.path), "address": request.peer}
        for trace in self._traces.values():
            if connection not in trace.connections and trace.concerns(connection) and self._add(trace, connection):
                for event in early or ():
                    trace.tell(event | {"id": str(connection.id), "user": shown_user(connection)})
                trace.tell(event_of(connection, "opened", self._cluster.name) | said)
        if any(connection in each.connections for each in self._traces.values()):
            return
        by_user = any(each.values.get("user") is not None for each in self._traces.values())
        if not (by_user and self._newcomers.stay(connection, early)):
            self._observation.leave(connection)

    # What an observed connection tells (`server.observation.Trace`).

    def received(self, connection: Any, payload: bytes | bytearray, binary: bool) -> None:
        self.tell(connection, "received", binary=binary, size=len(payload), payload=text_of(payload, binary))

    def sent(self, connection: Any, messages: Sequence[Message]) -> None:
        for payload, binary in messages:
            self.tell(connection, "sent", binary=binary, size=len(payload), payload=text_of(payload, binary))

    def calls(self, connection: Any, name: str, arguments: dict[str, Any]) -> None:
        shown = {key: value if isinstance(value, int) else text_of(value) for key, value in arguments.items()}
        self.tell(connection, name, **shown)

    def closed(self, connection: Any, code: int | None, reason: str | None) -> None:
        if self._newcomers.leave(connection) is not None:
            return  # before it was open
        self._goes(connection, "closed", code=code, reason=text_of(reason or ""))

    def moved(self, connection: Any) -> None:
        self._newcomers.leave(connection)
        self._goes(connection, "moved")

    def _goes(self, connection: Any, what: str, **about: Any) -> None:
        self.tell(connection, what, transport=transport_of(connection), **about)
        for trace in self._traces.values():
            if connection in trace.connections:
                trace.connections.discard(connection)
                trace.gone.add(connection)

    def chain(self, connection: Any, event: str, steps: Sequence[Step], about: dict[str, Any]) -> Sequence[Step]:
        shown = {"event": event} | {key: text_of(value) for key, value in about.items()}
        return traced(steps, lambda step: self.tell(connection, "filter", **shown, **step))

    def running(self, connection: Any, event: str) -> AbstractContextManager[object]:
        return TracedChain(connection, event, self.tell)

    def tell(self, connection: Any, what: str, **about: Any) -> None:
        """Tell the traces of a connection."""
        event = event_of(connection, what, self._cluster.name) | about
        if not self._newcomers.keep(connection, event):
            for trace in list(self._traces.values()):
                if connection in trace.connections or connection in trace.gone:
                    trace.tell(event)

    def arrange(self) -> None:
        """Have the consumer chains traced that are to be, and no others; after a reload, anew."""
        for pipeline in self._server.pipelines:
            names = {
                each.values["channel"]
                for each in self._traces.values()
                if each.values.get("channel") is not None
                and (each.values.get("pipeline") is None or is_called(pipeline, each.values["pipeline"]))
            }
            former = self._publications.pop(pipeline, None)
            if former is not None:
                former.take_out()
            if names:
                self._publications[pipeline] = PublicationChain(pipeline, names, self._published)

    def _published(self, pipeline: Pipeline, channel: str, what: str, about: Event) -> None:
        event = {"time": time.time(), "process": self._cluster.name, "pipeline": shown_name(pipeline)}
        for trace in list(self._traces.values()):
            if trace.values.get("channel") == channel:
                trace.tell(event | {"channel": channel, "what": what} | about)
