"""What other programs say on the bus, appended to the log once, by a node that hears it.

    bus  PREFIX::mark  {"mark": str}       a node begins to hear, or hears again
    log  mark MARK, no hole                a node heard all that was said before it
    log  mark MARK, a hole                 none did, and programs have spoken before
    map  PACK::recovery  programs  MARK    behind which mark programs have spoken first; "" behind none that is known

The node that was first the last time appends at once, the others when it has not after `SPARE_SECONDS`: it may have
died. Until its own mark is answered a node cannot say whether something is missing, so no client goes on. What is first
said behind that mark, while it waits for the answer, is no hole: this node has heard it.
"""

import secrets
from math import inf

from twisted.internet.defer import Deferred

from filtered_websocket.chain.clock import DelayedCall, called_off
from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.socketio.recovery.items import Item, Mark, Origin
from filtered_websocket.filters.socketio.recovery.log import Log
from filtered_websocket.filters.socketio.recovery.marks import Marks
from filtered_websocket.messages import strict_json

SPARE_SECONDS = 0.3
"""How long others let the node append that was first the last time."""
ANSWER_SECONDS = 0.5
"""How long a node may take to say that it heard all before a mark."""
SETTLE_SECONDS = 2.0
"""How long a client that comes back waits for that at most."""
MOST_WAITING = 10_000
"""Items that may wait to be appended."""
SPOKEN = "programs"
"""The field that says behind which mark programs have spoken first."""


class Foreign:
    """The programs that speak to one pipeline over the bus.

    :param pack: what names begin with
    :param node: the name of this one
    """

    def __init__(self, pipeline: Pipeline, pack: str, node: str, log: Log) -> None:
        self._server, self._storage, self._log, self._node = pipeline.server, pipeline.storage_object, log, node
        self._pack = pack
        self.channel = f"{pipeline.prefix}{pack}::mark"
        self._map = f"{pack}::recovery"
        self._marks = Marks(node)
        # The own mark, and whether it is answered; other marks that are to be answered then.
        self._own, self._is_answered = "", False
        self._later: list[str] = []
        # The mark behind which this node has first heard a program speak.
        self._spoken: str | None = None
        self._settled: list[Deferred[bool]] = []
        # The node that was first the last time; what it may yet append, since when; what came before the own mark.
        self._first: str | None = None
        self._waiting: list[tuple[float, Origin, Item]] = []
        self._early: list[Item] | None = []
        self._flush_call: DelayedCall | None = None
        self._look_call: DelayedCall | None = None
        self._is_ended = False

    # Marks.

    def begin(self) -> Deferred[None]:
        """Hear the other nodes' marks, and let them hear one."""
        self._own, self._is_answered, self._early, self._later = secrets.token_urlsafe(9), False, [], []
        return start(self._begin(self._own))

    async def _begin(self, mark: str) -> None:
        while mark == self._own and not self._is_ended:
            try:
                await self._storage.listen(self.channel)
                if self._spoken is not None:
                    await self._put_spoken(self._spoken)  # what was put while the storage object went may be lost
                await self._storage.publish(self.channel, strict_json.dumps({"mark": mark}))
                return
            except StorageAway:
                await self._storage.wait_ready()

    def ready_changed(self, ready: bool) -> None:
        """The storage object went, or has come back."""
        self._marks.deaf()
        self._own = ""
        if ready and not self._is_ended:
            self.begin().addErrback(_passed_over)
            self._flush_due()

    def missed(self) -> None:
        """Some of what is said may not be heard, though the storage object stays ready."""
        if self._own and not self._is_ended:
            self._marks.deaf()
            self.begin().addErrback(_passed_over)

    def consume(self, data: bytes) -> None:
        """A mark has come.

        :raises ValueError: it is none
        """
        message = strict_json.loads(data)
        if not isinstance(message, dict) or not isinstance(message.get("mark"), str):
            raise ValueError("no mark")
        mark = message["mark"]
        if self._marks.mark is not None:
            self._marks.heard(mark)
            if self._is_answered:
                self._say(mark, hole=False)
            else:
                self._later.append(mark)
        elif mark == self._own:
            self._marks.heard(mark)
            self._look_later(mark)
        else:
            self._early = None  # another node hears from here on, and has what came before as well

    def _look_later(self, mark: str) -> None:
        called_off(None, self._look_call)
        if not self._is_ended:
            self._look_call = self._server.reactor.callLater(ANSWER_SECONDS, self._not_answered, mark)

    def _not_answered(self, mark: str) -> None:
        if mark == self._own and not self._is_answered and not self._is_ended:
            start(self._answer(mark)).addErrback(_passed_over)
            # A part of the storage object may have been away for a moment, of which nobody is told.
            self._look_later(mark)

    async def _answer(self, mark: str) -> None:
        stored = (await self._storage.fields(self._map)).get(SPOKEN)
        if mark == self._own:
            heard = mark, *self._later
            self._say(mark, hole=any(each is not None and each not in heard for each in (self._spoken, stored)))

    def _say(self, mark: str, hole: bool) -> None:
        self._log.append(Mark(mark, hole, self._node), once=f"mark {mark}").addErrback(_passed_over)

    def answered(self, mark: Mark) -> None:
        """The log tells what became of a mark."""
        if mark.mark != self._own:
            return
        self._is_answered = True
        called_off(None, self._look_call)
        early, self._early = self._early or [], None
        if mark.by == self._node:
            for number, item in enumerate(early):
                self._log.append(item, once=f"early {mark.mark} {number}").addErrback(self._lost)
        later, self._later = self._later, []
        for each in later:
            self._say(each, hole=False)
        waiting, self._settled = self._settled, []
        for answer in waiting:
            answer.callback(True)

    def settled(self) -> Deferred[bool] | None:
        """Fires with whether it is known what other programs have said; None: it is."""
        if self._is_ended or (self._is_answered and self._marks.mark is not None):
            return None
        answer: Deferred[bool] = Deferred()
        self._settled.append(answer)
        timer = self._server.reactor.callLater(SETTLE_SECONDS, self._not_settled, answer)
        return answer.addBoth(called_off, timer)

    def _not_settled(self, answer: Deferred[bool]) -> None:
        if answer in self._settled:
            self._settled.remove(answer)
            answer.callback(False)

    # What programs say.

    def heard(self, stream: str, item: Item | None) -> None:
        """A program has said something.

        :param stream: where, from which all nodes hear one order
        :param item: what is to be done; None for nothing that the log has
        """
        if self._spoken is None:
            self._spoken = self._marks.mark or ""
            self._put_spoken(self._spoken).addErrback(_passed_over)
        origin = self._marks.next(stream)
        if item is None or (origin is not None and self._marks.is_logged(origin)):
            return
        if origin is None:
            if self._early is not None and len(self._early) < MOST_WAITING:
                self._early.append(item)
        elif self._first in (None, self._node):
            self._append(origin, item)
        else:
            self._wait(origin, item)

    def _put_spoken(self, mark: str) -> Deferred[bool]:
        return self._storage.put(self._map, SPOKEN, mark, only_new=True)

    def _append(self, origin: Origin, item: Item) -> None:
        appended = self._log.append(item, origin, once=origin.key)
        appended.addErrback(lambda _: self._wait(origin, item))

    def _wait(self, origin: Origin, item: Item) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._lost(None)
            return
        self._waiting.append((self._server.reactor.seconds(), origin, item))
        if self._flush_call is None and not self._is_ended:
            self._flush_call = self._server.reactor.callLater(SPARE_SECONDS, self._flush_due)

    def _flush_due(self) -> None:
        self._flush_call = None
        if self._storage.ready:
            self._flush(self._server.reactor.seconds() - SPARE_SECONDS)

    def _flush(self, due: float) -> None:
        """Append what has waited since then or longer."""
        waiting, self._waiting = self._waiting, []
        for since, origin, item in waiting:
            if since <= due:
                self._append(origin, item)
            else:
                self._waiting.append((since, origin, item))
        if self._waiting and self._flush_call is None and not self._is_ended:
            self._flush_call = self._server.reactor.callLater(SPARE_SECONDS, self._flush_due)

    def logged(self, origin: Origin) -> None:
        """The log has what a program said."""
        self._marks.logged(origin)
        self._first = origin.by
        if self._waiting:
            self._waiting = [each for each in self._waiting if not self._marks.is_logged(each[1])]
            if self._first == self._node:
                self._flush(inf)  # what it appends from now on comes behind

    def _lost(self, _: object) -> None:
        self._server.counters.count("dropped", f"{self._pack}: what a program said while the storage object was away")

    def stop(self) -> None:
        """Nothing is appended any more, and nobody waits."""
        self._is_ended = True
        called_off(None, self._look_call)
        for each in tuple(self._settled):
            self._not_settled(each)
        if self._flush_call is not None:
            self._flush_call.cancel()
            self._flush_call = None


def _passed_over(_: object) -> None:
    """The storage object has gone: all begin anew when it comes back."""
