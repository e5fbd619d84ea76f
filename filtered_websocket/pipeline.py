"""One pipeline: what serves a set of URL paths. Its chains, and the users, channels and queue that run through them.

The way out, for everything that is published, however it was entered:

    storage_object.send -> Pipeline.consume -> consumer chain -> Hub.publish -> one send per subscriber and turn

With Redis the echo is the only delivery, also for the node that published: one order everywhere.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.errors import ConfigError, StopChain
from filtered_websocket.filter_modules import filters_of
from filtered_websocket.filters.base import EVENTS, FilterMeta, Step, run, start
from filtered_websocket.hub import Hub, Subscriber
from filtered_websocket.limits import rule_for
from filtered_websocket.message import messages
from filtered_websocket.publication import Message, Publication
from filtered_websocket.storage_objects.base import DONE, BaseStorageObject, Keep
from filtered_websocket.storage_objects.prefixed import PrefixedStorageObject
from filtered_websocket.tracebacks import culprit, users_traceback

_log = Logger()

MAX_WAITING_ITEMS = 10_000
"""Consumer items that may wait for an asynchronous consumer filter; more are dropped and counted."""


class Users(dict[str, Any]):
    """Connections by id. May be iterated, over several turns too, while clients come and go: iterating is over a copy."""

    def __iter__(self) -> Iterator[str]:
        return iter(list(super().__iter__()))

    def keys(self) -> Any:
        return dict(super().items()).keys()

    def values(self) -> Any:
        return dict(super().items()).values()

    def items(self) -> Any:
        return dict(super().items()).items()


class Pipeline:
    """What filters get as `connection.pipeline`, and consumer filters as their instance.

    :ivar users: the open connections of this pipeline in this process, id -> connection
    :ivar queue: a `queue.Queue`: what any thread puts into it reaches the consumer chains
    """

    def __init__(self, config: Any, server: Any) -> None:
        self.name: str = config.name
        self.patterns: tuple[str, ...] = config.patterns
        self.modules: tuple[str, ...] = config.filters
        self.options = config.options
        self.server = server
        self.queue = server.queue
        self.token = None
        self.users = Users()
        self.hub = Hub(server.at_turn_end, self._policy)
        #: called with (channel, member, info) when a member is gone with the node that held it; once per cluster
        self.member_left: list[Callable[[str, str, str], object]] = []
        #: called with (channel) when a tracked channel lost its last subscriber with the node that had it
        self.vacated: list[Callable[[str], object]] = []
        self.messages_in = 0
        self.bytes_in = 0
        #: in front of this pipeline's channel names and keys in storage. Patterns hold no space, so names never meet.
        self.prefix = f"{self.name} " if self.name else ""
        self._storage: BaseStorageObject = server.storage_object
        #: the server's storage object; that of a named pipeline puts the prefix in front of every key and channel
        self.storage_object: BaseStorageObject = self._storage
        if self.prefix:
            self.storage_object = PrefixedStorageObject(self._storage, self.prefix)
        self._rules: dict[str, dict[str, Any]] = self.options.channels
        self._max_name: int = self.options.max_channel_name
        self._subscribing: dict[str, list[Deferred[Any]]] = {}
        self._waiting: deque[Any] | None = None
        self.filters: dict[str, tuple[FilterMeta, ...]] = {}
        self.chains: dict[str, tuple[Step, ...]] = {}
        self.load()

    def load(self) -> None:
        """Take the chains from the modules as they are registered now."""
        for root in EVENTS:
            chain: list[FilterMeta] = []
            for module in self.modules:
                chain += [each for each in filters_of(module, root) if each not in chain]
            self.filters[root.event] = tuple(chain)  # type: ignore[attr-defined]
            self.chains[root.event] = tuple(each.step for each in chain)  # type: ignore[attr-defined]

    def matches(self, path: str) -> int:
        """How well a path fits: the length of the longest literal beginning of a pattern that matches, -1 for none."""
        best = -1
        for pattern in self.patterns:
            literal, star, _ = pattern.partition("*")
            if _matches(pattern, path):
                best = max(best, len(literal) * 2 + (not star))
        return best

    # Publishing.

    def publish(self, channel: str | Iterable[str], payload: Any, exclude: Any = None) -> Deferred[Any]:
        """Publish to a channel's subscribers on all nodes.

        :param channel: one name or several; a subscriber of several gets one copy
        :param payload: one message (str, bytes, bytearray), or a list or tuple of messages sent together
        :param exclude: an id, or a collection of ids, of who gets nothing
        :returns: a Deferred, fired when the storage object has it. It may be ignored: a failure is then counted.
        """
        try:
            batch = messages(payload)
            excluded: Collection[str] = () if exclude is None else {exclude} if isinstance(exclude, str) else exclude
            if type(channel) is str:
                return self._send(channel, batch, excluded)
            sent, besides = [], list[str]()
            for name in dict.fromkeys(channel):
                sent.append(self._send(name, batch, excluded, tuple(besides)))
                besides.append(name)
            return _all(sent)
        except (TypeError, ValueError) as error:
            return self.server.counters.watch(fail(error), "publish")

    def _send(
        self, channel: str, batch: tuple[Message, ...], exclude: Collection[str], besides: tuple[str, ...] = ()
    ) -> Deferred[Any]:
        self._check(channel)
        publication = Publication(self.prefix + channel, batch, exclude, None, besides)
        sent = self._storage.send(publication, self._keep(channel) if self._rules else None)
        return sent if sent is DONE else self.server.counters.watch(sent, "publish")

    def broadcast(self, channel: str, payload: Any, exclude: Any = None) -> None:
        """Send to a channel's subscribers on this node only, past the storage object and the consumer chain."""
        excluded: Collection[str] = () if exclude is None else {exclude} if isinstance(exclude, str) else exclude
        self.hub.publish(channel, messages(payload), excluded)

    def _keep(self, channel: str) -> Keep | None:
        rule = rule_for(channel, self._rules)
        return Keep(rule["history"], rule.get("history_seconds", 0)) if rule.get("history") else None

    def _policy(self, channel: str) -> str:
        return rule_for(channel, self._rules).get("slow", self.options.slow_client)

    def _check(self, channel: str) -> None:
        if not isinstance(channel, str):
            raise TypeError(f"a channel's name is a str, not {type(channel).__name__}")
        if not 0 < len(channel) <= self._max_name:
            raise ValueError(f"a channel's name has 1 to {self._max_name} characters, not {len(channel)}")
        if not self.prefix and self.server.is_foreign(channel):
            raise ValueError("this channel's name begins like the channels of another pipeline")

    # Subscribing.

    def subscribe(self, channel: str, subscriber: Subscriber) -> Deferred[Any]:
        """Add a subscriber; fires when the storage object has confirmed that publications will arrive."""
        try:
            self._check(channel)
            if channel not in subscriber.channels and len(subscriber.channels) >= self.options.max_channels:
                raise ValueError(f"a connection may be in {self.options.max_channels} channels (max_channels)")
        except (TypeError, ValueError) as error:
            return self.server.counters.watch(fail(error), "subscribe")
        answer: Deferred[Any] = Deferred()
        if self.hub.join(channel, subscriber):
            confirmed = self._storage.subscribe(self.prefix + channel)
            if confirmed is DONE:
                return DONE
            waiting = self._subscribing[channel] = [answer]
            confirmed.addBoth(self._subscribed, channel, waiting)
        elif channel in self._subscribing:
            self._subscribing[channel].append(answer)
        else:
            return DONE
        return self.server.counters.watch(answer, "subscribe")

    def _subscribed(self, result: Any, channel: str, waiting: list[Deferred[Any]]) -> None:
        if self._subscribing.get(channel) is waiting:
            del self._subscribing[channel]
        for answer in waiting:
            answer.callback(result if isinstance(result, Failure) else None)

    def unsubscribe(self, channel: str, subscriber: Subscriber) -> Deferred[Any]:
        """Remove a subscriber: what was published to the channel before still reaches it."""
        if self.hub.leave(channel, subscriber):
            self._subscribing.pop(channel, None)
            left = self._storage.unsubscribe(self.prefix + channel)
            return left if left is DONE else self.server.counters.watch(left, "unsubscribe")
        return DONE

    # Consuming.

    def consume(self, item: Any) -> None:
        """Run the consumer chain on a publication or a bus message, and deliver what is left of a publication."""
        chain = self.chains["consumer"]
        if self._waiting is not None:
            if len(self._waiting) < MAX_WAITING_ITEMS:
                self._waiting.append(item)
            else:
                self.server.counters.count("dropped", "consumer filters too slow")
            return
        try:
            result = run(chain, self, item)
        except BaseException as error:
            self._consumer_failed(error)
            return
        if result is item:
            if isinstance(item, Publication):
                self._deliver(item)
        elif isinstance(result, Deferred):
            self._wait(result, item)
        else:
            self._consumed(result, item)

    def _wait(self, result: Deferred[Any], item: Any) -> None:
        """Later items queue behind the one that waits: one order for all subscribers."""
        self._waiting = deque()
        result.addTimeout(self.options.filter_timeout, self.server.reactor)
        result.addCallback(self._consumed, item)
        result.addErrback(lambda failure: self._consumer_failed(failure.value))
        result.addBoth(self._resume)

    def _resume(self, _: Any) -> None:
        waiting, self._waiting = self._waiting, None
        while waiting:
            if self._waiting is not None:
                waiting.extend(self._waiting)
                self._waiting = waiting
                return
            self.consume(waiting.popleft())
        return

    def _consumed(self, result: Any, item: Any) -> None:
        if isinstance(item, Publication):
            if isinstance(result, (str, bytes, bytearray)):
                result = item.with_payload(result)
            self._deliver(result if isinstance(result, Publication) else item)

    def _deliver(self, publication: Publication) -> None:
        exclude = publication.exclude
        if publication.besides:
            had = [each.id for name in publication.besides for each in self.hub.subscribers(name)]
            exclude = {*exclude, *had}
        self.hub.publish(publication.channel, publication.messages, exclude)

    def _consumer_failed(self, error: BaseException) -> None:
        if isinstance(error, StopChain):
            return
        if not isinstance(error, (Exception, CancelledError)):
            _log.warn(
                "a consumer filter raised {error!r}, which has no meaning there: the item is dropped", error=error
            )
        self.server.counters.count("dropped", "a consumer filter failed", culprit(error))
        _log.error("{trace}", trace=users_traceback(error))

    # Beginning and end.

    def start(self) -> Deferred[Any]:
        """Run the start chain. Fails with ConfigError, one line, when a filter does."""
        return self._once("start").addErrback(self._not_started)

    def stop(self) -> Deferred[Any]:
        """Run the stop chain: a filter that fails does not keep the next from closing what it opened."""
        return start(self._stop())

    async def _stop(self) -> None:
        for step in self.chains["stop"]:
            try:
                await maybeDeferred(run, (step,), self, None)
            except BaseException as error:
                if not isinstance(error, StopChain):
                    _log.error("{trace}", trace=users_traceback(error))

    def _once(self, event: str) -> Deferred[Any]:
        result = maybeDeferred(run, self.chains[event], self, None)
        return result.addErrback(lambda failure: failure.trap(StopChain) and None)

    def _not_started(self, failure: Failure) -> None:
        text = " ".join(failure.getErrorMessage().split())
        raise ConfigError(
            f"the start filter {culprit(failure.value)} failed: {failure.type.__name__}: {text}"
        ) from failure.value

    def __repr__(self) -> str:
        return f"<Pipeline {' '.join(self.patterns)}>"


def _matches(pattern: str, path: str) -> bool:
    """`*` stands for any characters, `/` among them; everything else for itself."""
    first, *rest = pattern.split("*")
    if not rest:
        return path == first
    if not path.startswith(first):
        return False
    at, last = len(first), rest.pop()
    for part in rest:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return path.endswith(last) and len(path) - len(last) >= at


def _all(sent: list[Deferred[Any]]) -> Deferred[Any]:
    waits = [each for each in sent if each is not DONE]
    if not waits:
        return DONE

    async def every() -> None:
        for each in waits:
            await each

    return start(every())
