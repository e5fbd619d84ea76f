"""Recovery, for the clients of one pipeline: what a pack does with it.

for all: `append` what is to be done everywhere; `carry_out` gets what has come back
a client comes: `begin` a session, or `claim` an earlier one, and `resume` it in the turn in which it is let in
it moves: `Standing.hand_over`, and there `catch_up`; it goes: `Standing.end`
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.socketio.recovery.claims import Claims, new_pid
from filtered_websocket.filters.socketio.recovery.foreign import Foreign
from filtered_websocket.filters.socketio.recovery.items import Item, Mark, Origin
from filtered_websocket.filters.socketio.recovery.log import Log
from filtered_websocket.filters.socketio.recovery.record import Record
from filtered_websocket.filters.socketio.recovery.records import KEPT_SECONDS
from filtered_websocket.filters.socketio.recovery.standing import Client, Standing
from filtered_websocket.filters.socketio.recovery.window import Entry, Window
from filtered_websocket.messages import strict_json
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.publication import Position, Publication


class Recovery(Claims):
    """
    :param pack: whose options it has, and what names in storage begin with
    :param carry_out: does what an item of the log says, for the clients of this node: ``carry_out(entry)``
    """

    def __init__(self, pipeline: Pipeline, pack: str, carry_out: Callable[[Entry], object]) -> None:
        super().__init__(pipeline, pack, secrets.token_urlsafe(9), Window(0, 0, pipeline.server.reactor.seconds))
        self._carry_out = carry_out
        self.log = Log(
            pipeline,
            pack,
            self.window,
            heard=self._heard,
            bridged=self.records.bridge,
            lost=self.records.give_up,
        )
        is_alone = pipeline.storage_object.private_bus
        self.foreign = None if is_alone else Foreign(pipeline, pack, self._node, self.log)
        self.follow()

    def follow(self) -> None:
        """Take the options, as they stand now."""
        self.window.seconds = self._options.seconds + KEPT_SECONDS
        self.window.most_bytes = self._options.log
        self.log.follow()

    def listen(self) -> list[Deferred[Any]]:
        """Hear what is to be done, and the other nodes."""
        pipeline = self._pipeline
        pipeline.gaps.append(self.log.gap)
        begun = [self.log.begin()]
        if self.foreign is not None:
            pipeline.ready_changed.append(self.foreign.ready_changed)
            pipeline.bus_gaps.append(self.foreign.missed)
            begun += [pipeline.storage_object.listen(self._displaced + self._node), self.foreign.begin()]
        return begun

    def stop(self) -> None:
        """Nothing is written any more but what has been begun."""
        self.records.stop()
        pipeline = self._pipeline
        if self.log.gap in pipeline.gaps:
            pipeline.gaps.remove(self.log.gap)
            self.log.stop()
        if self.foreign is not None:
            self.foreign.stop()
            if self.foreign.ready_changed in pipeline.ready_changed:
                pipeline.ready_changed.remove(self.foreign.ready_changed)
                pipeline.bus_gaps.remove(self.foreign.missed)

    # What is done everywhere.

    def append(self, item: Item) -> Deferred[Any]:
        """Have something done on all nodes; fires when storage has it. A failure that nobody looks at is counted."""
        return self._pipeline.server.counters.watch(self.log.append(item), self._pack)

    def heard(self, appended: Deferred[Any]) -> Deferred[Any] | None:
        """Fires when what was appended has been done on this node, or nobody knows; None: it has."""
        if appended.called and not appended.paused and isinstance(position := appended.result, Position):
            return None if position.offset <= self.window.top else self.log.reached(position.offset)
        answer: Deferred[Any] = Deferred()

        def is_there(result: Any) -> Any:
            place = result.offset if isinstance(result, Position) else 0
            self.log.reached(place).chainDeferred(answer)
            return result

        appended.addBoth(is_there)
        return answer

    def stamp(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """An event that is not in the log, with an offset that says what this node has sent before it."""
        return self.log.stamped(messages, self.window.position)

    def said(self, stream: str, item: Item | None) -> None:
        """A program has said something on the bus, which all nodes hear.

        :param stream: where, from which all hear one order
        :param item: what is to be done everywhere; None for what is done already, or by nobody
        """
        if self.foreign is not None:
            self.foreign.heard(stream, item)
        elif item is not None:
            self.append(item)

    def hear(self, data: Any) -> bool:
        """Take what a consumer filter gets; whether it was for this."""
        if not isinstance(data, Publication) or data.channel != self.log.channel:
            return False
        try:
            self.log.consume(data)
        except ValueError as error:
            self._pipeline.server.counters.count("dropped", f"{self._pack}: unreadable in the log", str(error))
        return True

    def hear_bus(self, channel: str, data: bytes) -> bool:
        """Take a raw message on the bus; whether it was for this."""
        try:
            if self.foreign is not None and channel == self.foreign.channel:
                self.foreign.consume(data)
            elif channel == self._displaced + self._node:
                self.records.lose(str(strict_json.loads(data)))
            else:
                return False
        except ValueError as error:
            self._pipeline.server.counters.count("dropped", f"{self._pack}: malformed message of a node", str(error))
        return True

    def _heard(self, entry: Entry, origin: Origin | None) -> None:
        if self.foreign is not None:
            if origin is not None:
                self.foreign.logged(origin)
            if isinstance(entry.item, Mark):
                self.foreign.answered(entry.item)
        if not isinstance(entry.item, Mark):
            self._carry_out(entry)

    # Clients.

    def knows(self, params: Mapping[str, list[str]], protocol: int) -> bool:
        """Whether a client gets offsets, by what it began with."""
        asked = params.get("recovery", [""])[0]
        return protocol != 3 and asked != "0" and (asked == "1" or not self._options.asked)

    def begin(self, sid: str, rooms: Iterable[str], client: Client, knows: bool, own: Iterable[str]) -> Standing:
        """A new session, which is in these rooms from the start.

        :param knows: whether the client gets offsets
        :param own: rooms that no order takes it out of
        """
        record = Record(sid, self.window.epoch, self.window.top, own)
        for room in rooms:
            record.enter(room, record.born)
        return self._stand(new_pid() if knows else "", record, client)
