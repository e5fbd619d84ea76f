"""One pipeline: what serves a set of URL paths. Its chains, and the users, channels and queue that run through them.

The way out, for everything that is published, however it was entered:

    storage_object.send -> Pipeline.consume -> consumer chain -> Hub.publish -> one send per subscriber and turn

With Redis the echo is the only delivery, also for the node that published: one order everywhere.
"""

from collections.abc import Callable, Collection, Coroutine, Iterable
from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import DONE, start
from filtered_websocket.chain.events import EVENTS
from filtered_websocket.chain.failures import culprit, users_traceback
from filtered_websocket.chain.interfaces import Pipeline as View
from filtered_websocket.chain.interfaces import Server
from filtered_websocket.chain.registry import FilterMeta
from filtered_websocket.chain.running import Step, limit_time, run
from filtered_websocket.chain.speech import Speech
from filtered_websocket.config import patterns
from filtered_websocket.config.pipelines import PipelineConfig
from filtered_websocket.config.uses import Use
from filtered_websocket.errors import ConfigError, StopChain
from filtered_websocket.messages.message import Message, messages
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.pipeline.consumer import Consumer
from filtered_websocket.pipeline.declared import defaults_of
from filtered_websocket.pipeline.following import Following
from filtered_websocket.pipeline.hub import Hub
from filtered_websocket.pipeline.joining import Joining
from filtered_websocket.pipeline.modules import endpoints_of, further_roots
from filtered_websocket.pipeline.names import Names, ids
from filtered_websocket.pipeline.order import speech_of
from filtered_websocket.pipeline.recoveries import Recoveries
from filtered_websocket.pipeline.subscriptions import Subscriptions
from filtered_websocket.pipeline.users import Users
from filtered_websocket.pipeline.uses import Uses
from filtered_websocket.storage_objects.base import BaseStorageObject, Keep
from filtered_websocket.storage_objects.prefixed import PrefixedStorageObject
from filtered_websocket.web.base import EndpointMeta

_log = Logger()


class ServerOfPipelines(Server, Protocol):
    """The server, as its pipelines know it."""

    @property
    def storage_object(self) -> BaseStorageObject: ...


class Pipeline:
    """What filters get as `connection.pipeline`, and consumer filters as their instance.

    :param former: the pipeline of its name that serves now, if its configuration is read anew
    :ivar users: the open connections of this pipeline in this process, id -> connection
    :ivar queue: a `queue.Queue`: what any thread puts into it reaches the consumer chains
    """

    def __init__(self, config: PipelineConfig, server: ServerOfPipelines, former: "Pipeline | None" = None) -> None:
        self.name: str = config.name
        self.patterns: tuple[str, ...] = config.patterns
        self.modules: tuple[str, ...] = config.filters
        self.options = _with_defaults(config.options, config.filters)
        self.uses: Uses = Uses(_uses_with_defaults(config), self.options, None if former is None else former.uses)
        self.server = server
        self.queue = server.queue
        self.token: Any = None
        self.users = Users()
        self.hub = Hub(server.at_turn_end, self._policy)
        self.take_limits()
        #: called with (channel, member, info) when a member is gone with the node that held it; once per cluster
        self.member_left: list[Callable[[str, str, str], object]] = []
        #: called with (channel, member, info) when others were told that a member had left that is here: this node was
        #: cut off from the storage object for longer than a lease
        self.member_returned: list[Callable[[str, str, str], object]] = []
        #: called with (channel) when a tracked channel lost its last subscriber with the node that had it
        self.vacated: list[Callable[[str], object]] = []
        #: called with (channel, position) when something of a channel is lost for this node: where it stands now, None
        #: if nobody knows. What was consumed before has been delivered
        self.gaps: list[Callable[[str, Position | None], object]] = []
        #: called when raw messages may be lost for this node from now on, though the storage object stays ready
        self.bus_gaps: list[Callable[[], object]] = []
        #: called with (ready) when the storage object came or went
        self.ready_changed: list[Callable[[bool], object]] = []
        #: called with (connection) when somebody begins to look at one, and when nobody does any more
        self.looked_at: list[Callable[[Any], object]] = []
        #: called with (connection) when a client of a pack can be told something by filters (`chain.speech`)
        self.greeted: list[Callable[[Any], object]] = []
        #: called with (connection) when its client goes on at another node, and no filter hears of an end
        self.moved_away: list[Callable[[Any], object]] = []
        #: called with (connection) when one that is open has another user
        self.user_named: list[Callable[[Any], object]] = []
        #: called when the server stops and its clients are gone: coroutine functions that send what others are still
        #: owed, within ``server.seconds_to_stop``
        self.settling: list[Callable[[], Coroutine[Any, Any, None]]] = []
        #: close code and reason when the server stops; some protocols have a code of their own for it. None: their
        #: connections end without a close frame
        self.farewell: tuple[int, str] | None = (1001, "server is stopping")
        self.opened = 0
        self.messages_in = 0
        self.bytes_in = 0
        #: in front of this pipeline's channel names and keys in storage. Patterns hold no space, so names never meet.
        self.prefix = f"{self.name} " if self.name else ""
        self._storage: BaseStorageObject = server.storage_object
        #: the server's storage object; that of a named pipeline puts the prefix in front of every key and channel
        self.storage_object: BaseStorageObject = self._storage
        if self.prefix:
            self.storage_object = PrefixedStorageObject(self._storage, self.prefix)
        self.names = Names(self.options, self.prefix, server)
        consumer = Consumer(self, self.hub)
        following = Following(self, self._storage, consumer, server.counters)
        self.consume, self.drop_waiting = consumer.consume, consumer.drop_waiting
        self.recoveries = recoveries = Recoveries(self, self._storage, following, consumer)
        self.recover, self.catch_up, self.join_all = recoveries.recover, recoveries.catch_up, recoveries.join_all
        self.subscriptions = subscriptions = Subscriptions(self, following, recoveries, server.counters)
        self.subscribe, self.unsubscribe = subscriptions.subscribe, subscriptions.unsubscribe
        joining = Joining(self, following, consumer, recoveries.positioned, subscriptions)
        self.join_now = joining.join_now
        self.filters: dict[str, tuple[FilterMeta, ...]] = {}
        self.chains: dict[str, tuple[Step, ...]] = {}
        #: the filters of chains that packs and users have, by their roots
        self.further: dict[FilterMeta, tuple[FilterMeta, ...]] = {}
        self.endpoints: tuple[EndpointMeta, ...] = ()
        #: that of the pack whose protocol its clients speak; None: they speak none but what filters do
        self.speech: Speech | None = None
        self.load()

    def load(self) -> None:
        """Take the chains and the endpoints from the modules as they are registered now."""
        self.speech = speech_of(self.modules)
        self.endpoints = tuple(dict.fromkeys(each for module in self.modules for each in endpoints_of(module)))
        for root in EVENTS:
            chain = self.filters[root.event] = self.uses.chain(root)  # type: ignore[attr-defined]
            self.chains[root.event] = tuple(each.step for each in chain)  # type: ignore[attr-defined]
        self.further = {root: self.uses.chain(root) for root in further_roots()}

    def take_limits(self) -> None:
        """Take the limits of what clients that come back get from the options as they are now."""
        self.hub.tails.limit(self.options)

    def fit(self, path: str) -> tuple[int, ...]:
        """How well a path fits: the rank of its best pattern, () for none."""
        return max(
            (patterns.rank(each) for each in self.patterns if patterns.match(each, path) is not None), default=()
        )

    def prefixes(self, path: str) -> list[str]:
        """What may stand in front of an endpoint's own path in this one: "", and what its patterns fix."""
        if self.patterns == ("*",):
            return [""]
        found = (prefix for each in self.patterns for prefix in patterns.prefixes(each, path))
        return list(dict.fromkeys(["", *found]))

    # Publishing.

    def publish(self, channel: str | Iterable[str], payload: Any, exclude: Any = None) -> Deferred[Any]:
        """Publish to a channel's subscribers on all nodes.

        :param channel: one name or several; a subscriber of several gets one copy
        :param payload: one message (str, bytes, bytearray), or a list or tuple of messages sent together
        :param exclude: an id, or a collection of ids, of subscribers that get nothing
        :returns: a Deferred, fired when the storage object has it. It may be ignored: a failure is then counted.
        """
        try:
            batch = messages(payload)
            if not batch:
                return DONE
            excluded = () if exclude is None else ids(exclude)
            if type(channel) is str:
                if channel not in self.hub.channels:  # whose names have been checked
                    self.names.check(channel)
                publication = Publication(self.prefix + channel, batch, excluded)
                sent = self._storage.send(publication, self.names.kept(channel) if self.names.rules else None)
                return sent if sent is DONE else self.server.counters.watch(sent, "publish")
            return self._send_to_each(channel, batch, excluded)
        except (TypeError, ValueError) as error:
            return self.server.counters.watch(fail(error), "publish")

    def _send_to_each(
        self, channels: Iterable[str], batch: tuple[Message, ...], exclude: Collection[str]
    ) -> Deferred[Any]:
        # Not within `publish`: what a comprehension shares with the function around it costs that a cell per call.
        names = tuple(dict.fromkeys(channels))
        for name in names:
            self.names.check(name)
        return self._all([self._send(name, batch, exclude, names[:index]) for index, name in enumerate(names)])

    def _send(
        self, channel: str, batch: tuple[Message, ...], exclude: Collection[str], besides: tuple[str, ...]
    ) -> Deferred[Any]:
        publication = Publication(self.prefix + channel, batch, exclude, None, besides)
        sent = self._storage.send(publication, self.names.kept(channel) if self.names.rules else None)
        return sent if sent is DONE else self.server.counters.watch(sent, "publish")

    def _all(self, sent: list[Deferred[Any]]) -> Deferred[Any]:
        waits = [each for each in sent if each is not DONE]
        if not waits:
            return DONE

        async def every() -> None:
            for each in waits:
                await each

        return self.server.counters.watch(start(every()), "publish")

    def broadcast(self, channel: str, payload: Any, exclude: Any = None) -> None:
        """Send to a channel's subscribers on this node only, past the storage object and the consumer chain."""
        self.hub.publish(channel, messages(payload), () if exclude is None else ids(exclude))

    def keep(self, count: int, seconds: float = 0, of: str = "channels") -> Keep:
        """What a channel keeps, for ``storage_object.send``: within ``history_bytes`` and ``history_channels``.

        :param of: what these limits hold for: the pipeline's channels, or what a pack keeps for one of its apps
        """
        return self.names.keep(count, seconds, of)

    def _policy(self, channel: str) -> str:
        return self.names.policy(channel)

    def is_channel(self, name: str) -> bool:
        """Whether this name of a client's choice may be subscribed and published to."""
        try:
            self.names.check(name)
        except ValueError:
            return False
        return True

    # Beginning and end.

    def anew(self, draft: "Pipeline", old: Collection[str]) -> dict[str, Any]:
        """What becomes of this pipeline with a newer configuration: its attributes, name -> value.

        :param draft: a pipeline made from that
        :param old: the modules that are replaced: what they asked to be called is called no more
        """
        names = (
            *("options", "modules", "patterns", "uses", "filters", "chains", "further", "endpoints", "names"),
            "speech",
        )
        lists = (
            *("member_left", "member_returned", "vacated", "gaps", "bus_gaps", "ready_changed", "looked_at"),
            *("greeted", "moved_away", "user_named"),
        )
        called = {name: getattr(self, name) for name in lists}
        kept = {name: [each for each in calls if _module_of(each) not in old] for name, calls in called.items()}
        return {name: getattr(draft, name) for name in names} | kept

    def start(self, filters: Collection[FilterMeta] | None = None, instance: View | None = None) -> Deferred[Any]:
        """Run the start chain, or these filters of it.

        Fails with ConfigError, one line, when a filter does.

        :param instance: what filters get in place of this pipeline
        """
        steps = [each.step for each in (self.filters["start"] if filters is None else filters)]
        result = maybeDeferred(run, steps, instance or self, None)
        limit_time(result, (instance or self).options.filter_timeout, self.server.reactor)
        result.addErrback(lambda failure: failure.trap(StopChain) and None)
        return result.addErrback(self._not_started)

    def stop(self, filters: Collection[FilterMeta] | None = None, instance: View | None = None) -> Deferred[Any]:
        """Run the stop chain, or these filters: those that wait have ``filter_timeout`` seconds together.

        A filter that fails, or takes too long, does not keep the next from closing what it opened.

        :param instance: what filters get in place of this pipeline
        """
        return start(self._stop(self.filters["stop"] if filters is None else filters, instance or self))

    async def _stop(self, filters: Collection[FilterMeta], instance: View) -> None:
        clock, whole = self.server.reactor, self.options.filter_timeout
        ends = clock.seconds() + whole
        for step in [each.step for each in filters]:
            stopped = maybeDeferred(run, (step,), instance, None)
            limit_time(stopped, min(whole, max(ends - clock.seconds(), 0)), clock, whole=whole)
            try:
                await stopped
            except BaseException as error:
                if not isinstance(error, StopChain):
                    _log.error("{trace}", trace=users_traceback(error))

    def _not_started(self, failure: Failure) -> None:
        error, text = failure.value, " ".join(failure.getErrorMessage().split())
        assert error is not None
        raise ConfigError(f"the start filter {culprit(error)} failed: {type(error).__name__}: {text}") from error

    def __repr__(self) -> str:
        return f"<Pipeline {' '.join(self.patterns)}>"


def _with_defaults(options: Any, modules: Iterable[str]) -> Any:
    """The options of a pipeline, with the defaults of its packs where nobody has given anything."""
    values = {name: (value, module) for module in modules for name, value in defaults_of(module).items()}
    return options.overridden({name: each for name, each in values.items() if options.source(name) == "default"})


def _uses_with_defaults(config: PipelineConfig) -> list[Use]:
    return [
        each if each.options is None else each._replace(options=_with_defaults(each.options, config.filters))
        for each in config.uses
    ]


def _module_of(call: Callable[..., Any]) -> str:
    """The module that a function is written in, or that of a partial."""
    return str(getattr(getattr(call, "func", call), "__module__", ""))
