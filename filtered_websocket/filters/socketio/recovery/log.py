"""The log of a pipeline: a channel with history, that every node appends to and hears.

No client may name the channel. What is appended is done when it comes back, on every node, in one order.
"""

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from filtered_websocket.chain.clock import called_off
from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.running import run
from filtered_websocket.errors import StopChain, StorageAway
from filtered_websocket.filters.socketio.recovery import items, offsets
from filtered_websocket.filters.socketio.recovery.items import Emit, Item, Origin
from filtered_websocket.filters.socketio.recovery.window import Entry, Window
from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.base import Keep

MOST_ITEMS = 10_000_000
"""Bytes and seconds are what bounds it."""
META_SECONDS = 30 * 86400.0
"""How long its epoch is known when nothing is appended."""
SLICE = 1000
"""Items that are read at a time."""
MOST_OWN = 10_000
"""Items on their way to storage and back that are remembered."""
MOST_ASKED = 100
"""Former epochs of which it is remembered whether a bridge joins them to the present one."""
LAG_SECONDS = 0.5
"""How long a place may be waited for that another node has heard already."""


class Log:
    """
    :param pack: what the channel is called by
    :param heard: called with each item that comes, and where it came from
    :param bridged: called when the log goes on in another epoch: that, and the place at which the former one ended
    :param lost: called when items were lost for this node
    """

    def __init__(
        self,
        pipeline: Pipeline,
        pack: str,
        window: Window,
        *,
        heard: Callable[[Entry, Origin | None], object],
        bridged: Callable[[str, int], object],
        lost: Callable[[], object],
    ) -> None:
        self.channel = f"\0{pack}::log"
        self._pipeline, self._pack, self._window = pipeline, pack, window
        self._heard, self._bridged, self._lost = heard, bridged, lost
        self._keep = Keep(0)
        self._waiting: list[tuple[int, Deferred[bool]]] = []
        self._asked: dict[tuple[str, str], Deferred[None]] = {}
        # What this node has appended and is yet to come back, which then need not be read.
        self._own: dict[bytes, Item] = {}
        self._filling = self._is_ended = False
        self._replayed: tuple[Item | None, tuple[Message, ...]] = (None, ())

    # What is appended.

    def follow(self) -> None:
        """Keep as much as the window does, from now on."""
        window, pool = self._window, Pool(f"{self._pack} recovery", 0, 0)
        self._keep = Keep(MOST_ITEMS, window.seconds, pool, window.most_bytes, META_SECONDS)

    def append(self, item: Item, origin: Origin | None = None, once: str | None = None) -> Deferred[Position | None]:
        """Have something done on all nodes.

        :param once: nothing is appended if something of this key was
        :returns: fires when storage has it
        """
        payload = items.encode(item, origin)
        if origin is None:
            if len(self._own) >= MOST_OWN:
                self._own.clear()
            self._own[payload] = item
        publication = Publication(self.channel, ((payload, False),))
        return self._pipeline.storage_object.send(publication, self._keep, once=once)

    # What comes.

    def begin(self) -> Deferred[None]:
        """Hear it, and read what it has already."""
        return start(self._begin())

    async def _begin(self) -> None:
        storage = self._pipeline.storage_object
        position = await storage.subscribe(self.channel)
        if position is None:
            epoch = (await storage.position(self.channel, self._keep.pool)).epoch
            position = Position(epoch, 0)
        if not self._window.epoch:
            self._window.restart(position)
        await self._fill()

    def stop(self) -> None:
        """Hear it no more. Nobody is left waiting for a place, nor a timer."""
        self._is_ended = True
        for each in tuple(self._waiting):
            self._not_reached(each)
        self._pipeline.storage_object.unsubscribe(self.channel).addErrback(lambda _: None)

    async def _fill(self) -> None:
        """Slices move while they are read, since others append: what comes twice is passed over."""
        self._filling = True
        try:
            await self._read()
        finally:
            self._filling = False

    async def _read(self) -> None:
        window, skip = self._window, 0
        while window.begin:
            newest_first = await self._pipeline.storage_object.latest(self.channel, skip, SLICE)
            skip += len(newest_first)
            for publication in newest_first:
                position = publication.position
                if position is None or position.epoch != window.epoch or position.offset > window.begin:
                    continue
                item, messages = await self._filtered(publication)
                if not window.fill(position.offset, item, messages, len(publication.payload)):
                    return
            if len(newest_first) < SLICE:
                return

    async def _filtered(self, publication: Publication) -> tuple[Item | None, tuple[Message, ...]]:
        """What consumer filters leave of it."""
        self._replayed = None, ()
        try:
            result = run(self._pipeline.chains["consumer"], self._pipeline, publication)
            if isinstance(result, Deferred):
                await result
        except StopChain:
            pass
        return self._replayed

    def consume(self, publication: Publication) -> None:
        """Something has come, past the consumer filters before the pack's own.

        :raises ValueError: it is no item of a log
        """
        position, window = publication.position, self._window
        if position is None:
            raise ValueError("not kept")
        item, origin = self._own.pop(publication.payload, None), None
        if item is None:
            item, origin = items.decode(publication.payload)
        messages: tuple[Message, ...] = ()
        if isinstance(item, Emit):
            # As clients get it, and no second time.
            messages, item = self.stamped(item.messages, position), Emit(item.to, item.but, ())
        if self._filling and position.epoch == window.epoch and position.offset <= window.begin:
            self._replayed = item, messages
            return
        before = Position(position.epoch, position.offset - 1)
        if not window.epoch:
            window.restart(before)
        elif position.epoch != window.epoch:
            window.bridge(before)
            self._bridged(*before)
        entry = window.append(position.offset, item, messages, len(publication.payload))
        self._heard(entry, origin)
        self._tell_reached()

    @staticmethod
    def stamped(messages: Sequence[Message], position: Position) -> tuple[Message, ...]:
        """An event with its offset."""
        return offsets.stamp(messages, offsets.encode(position))

    def gap(self, channel: str, position: Position | None) -> None:
        """Items were lost for this node, if it is this channel."""
        if channel != self.channel:
            return
        self._window.restart(position or Position("", 0))
        if position is None:
            self.begin().addErrback(lambda _: None)  # the storage object is away, or this server ends
        self._lost()
        self._tell_reached()

    # What is waited for, and asked.

    def reached(self, place: int) -> Deferred[bool]:
        """Whether this node has heard what stands at a place; it may have yet to."""
        if self._is_ended or place <= self._window.top:
            return succeed(place <= self._window.top)
        answer: Deferred[bool] = Deferred()
        waits = place, answer
        self._waiting.append(waits)
        timer = self._pipeline.server.reactor.callLater(LAG_SECONDS, self._not_reached, waits)
        return answer.addBoth(called_off, timer)

    def _tell_reached(self) -> None:
        if not self._waiting:
            return
        reached = [each for each in self._waiting if each[0] <= self._window.top]
        self._waiting = [each for each in self._waiting if each[0] > self._window.top]
        for _, answer in reached:
            answer.callback(True)

    def _not_reached(self, waits: tuple[int, Deferred[bool]]) -> None:
        if waits in self._waiting:
            self._waiting.remove(waits)
            waits[1].callback(False)

    async def learn(self, epoch: str) -> None:
        """Ask, once, whether a bridge joins an epoch to the present one: this node has not seen the change."""
        window = self._window
        if epoch == window.epoch or epoch in window.bridges or not window.epoch:
            return
        asked = epoch, window.epoch
        if asked not in self._asked:
            if len(self._asked) > MOST_ASKED:
                self._asked.clear()
            self._asked[asked] = start(self._ask(epoch))
            self._asked[asked].addErrback(self._not_asked, asked)
        answer: Deferred[None] = Deferred()
        self._asked[asked].addCallback(lambda _: answer.callback(None))
        await answer

    def _not_asked(self, failure: Failure, asked: tuple[str, str]) -> None:
        failure.trap(StorageAway)
        del self._asked[asked]

    async def _ask(self, epoch: str) -> None:
        window = self._window
        present, top = window.epoch, window.top
        missed = await self._pipeline.storage_object.since(self.channel, Position(epoch, top), 1)
        if missed is None or window.epoch != present:
            return
        first = missed[0].position if missed else Position(present, top)
        if first is not None and first.epoch == present:
            window.bridges[epoch] = min(first.offset - 1 if missed else top, top)
