"""What the pack keeps for one pipeline: `pipeline.centrifugo`."""

import time
from collections.abc import Callable
from socket import gethostname
from typing import Any, Protocol

from twisted.logger import Logger

from filtered_websocket import __version__
from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.filters.centrifugo.auth import YEAR
from filtered_websocket.filters.centrifugo.chains import Chains
from filtered_websocket.filters.centrifugo.departures import Departures
from filtered_websocket.filters.centrifugo.encodings import Encoding
from filtered_websocket.filters.centrifugo.globs import Glob
from filtered_websocket.filters.centrifugo.json_codec import JSONCodec
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions, Namespaces
from filtered_websocket.filters.centrifugo.nodes import Do, Nodes
from filtered_websocket.filters.centrifugo.observed import look
from filtered_websocket.filters.centrifugo.original_settings import no_effect
from filtered_websocket.filters.centrifugo.token_options import OF_CLIENTS, OF_SUBSCRIPTIONS
from filtered_websocket.filters.centrifugo.wire import JSON, PROTOBUF, Codec
from filtered_websocket.filters.shared.state import PackState
from filtered_websocket.filters.shared.verifier import Verifier
from filtered_websocket.limits.deadlines import Deadline, Deadlines
from filtered_websocket.limits.heartbeat import Heartbeat
from filtered_websocket.messages.publication import Position

_log = Logger()
CODECS: dict[str, Callable[[], Codec]] = {JSON: JSONCodec}
try:
    # With the pack, not with its first client: it takes a while.
    from filtered_websocket.filters.centrifugo.protobuf_codec import ProtobufCodec

    CODECS[PROTOBUF] = ProtobufCodec
except ImportError:
    pass
LOOK_SECONDS = 60.0
"""How often the wall clock is looked at, which alone knows when a token ends: it may be set while one waits."""


class Here(Protocol):
    """A client of this node, as it is looked up."""

    @property
    def id(self) -> str: ...
    @property
    def user(self) -> str: ...


class State(PackState):
    """
    :ivar encodings: what clients may speak, by name
    :ivar bare_encodings: the same for clients that send no commands
    :ivar namespaces: what channels there may be
    :ivar chains: what applications decide
    :ivar does: what this node does when all are told to, by name
    :ivar nodes: this one and the others
    :ivar clients: those of this node that have connected, by id
    :ivar leaving: those that have gone and have not left all channels yet, by id
    :ivar heartbeat, one_way_heartbeat: what pings clients that answer, and those that only listen
    :ivar streams: the sessions of this node that are carried by streams, by what their clients show
    :ivar users: the same by user: their ids
    """

    attribute = "centrifugo"
    namespaces: Namespaces
    verifier: Verifier
    subscription_verifier: Verifier
    heartbeat: Heartbeat
    one_way_heartbeat: Heartbeat

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline)
        self.storage: Any = pipeline.storage_object
        self.reactor = pipeline.server.reactor
        self.encodings = {name: Encoding(codec()) for name, codec in CODECS.items()}
        if PROTOBUF not in self.encodings:
            _log.info("clients that speak protobuf are refused: install filtered_websocket[protobuf]")
        self.bare_encodings = {name: Encoding(each.codec, bare=True) for name, each in self.encodings.items()}
        self.chains = Chains(pipeline)
        self.departures = Departures(self)
        self.does: dict[str, Do] = {}
        self.nodes = Nodes(pipeline, self.does, {"channels": self._channels, "info": self._about})
        pipeline.looked_at.append(look)
        self._began = self.reactor.seconds()
        self.clients: dict[str, Here] = {}
        self.leaving: dict[str, Here] = {}
        self.users: dict[str, dict[str, Here]] = {}
        self.streams: dict[str, Any] = {}
        self._deadlines = Deadlines(self.reactor)
        self._heartbeats: list[Heartbeat] = []
        self._told: tuple[float, float] | None = None
        self._keeps: dict[tuple[int, float, float], Any] = {}

    def follow(self, options: Options) -> None:
        named = {"": options.centrifugo_without_namespace, **options.centrifugo_namespaces}
        self.namespaces = Namespaces(named, options.centrifugo_channel_max_length)
        self.verifier = OF_CLIENTS.verifier(options)
        of_subscriptions = OF_SUBSCRIPTIONS if OF_SUBSCRIPTIONS.given(options) else OF_CLIENTS
        self.subscription_verifier = of_subscriptions.verifier(options)
        self._keeps = {}
        told = options.centrifugo_ping_interval, options.centrifugo_pong_timeout
        if told != self._told:
            # Clients that have connected keep what they were told.
            self._told = told
            for each in self._heartbeats:
                if not each.pings:
                    each.stop()
            self._heartbeats = [each for each in self._heartbeats if each.pings]
            slot = 1.0 if min(told) >= 5 else 0.05
            self.heartbeat = Heartbeat(self.reactor, *told, slot)
            self.one_way_heartbeat = Heartbeat(self.reactor, told[0], 0, slot)
            for each in (self.heartbeat, self.one_way_heartbeat):
                each.start()
                self._heartbeats.append(each)
        for document in (options.centrifugo_config, options.centrifugo_environment):
            ignored = () if document is None else no_effect(document)
            if ignored:
                names = ", ".join(ignored)
                _log.warn("{place}: no effect here: {names}", place=document.place, names=names)
        if options.centrifugo_insecure:
            _log.warn("UNSAFE: clients need no token and no permission (centrifugo_insecure)")
        for kind in (OF_CLIENTS, OF_SUBSCRIPTIONS):
            if kind.guessable(options):
                _log.warn("UNSAFE: the key of tokens can be guessed ({name} has less than 32 bytes)", name=kind.secret)

    def keep_of(self, options: ChannelOptions) -> Any:
        """What a channel keeps, for the storage object; None: nothing."""
        kept = options.history_size, options.history_ttl, options.history_meta_ttl
        keep = self._keeps.get(kept)
        if keep is None and options.keeps_history:
            keep = self.pipeline.keep(options.history_size, options.history_ttl)
            keep = self._keeps[kept] = keep._replace(meta_seconds=options.history_meta_ttl)
        return keep

    # Clients.

    def enter(self, client: Here) -> None:
        """A client of this node has connected."""
        self.clients[client.id] = client
        self.users.setdefault(client.user, {})[client.id] = client

    def leave(self, client: Here) -> None:
        """It has gone."""
        if self.clients.get(client.id) is client:
            self.leaving[client.id] = self.clients.pop(client.id)
        # A handshake filter may have given its id to another user's client, which is in its place above, but not here.
        of_user = self.users.get(client.user, {})
        if of_user.get(client.id) is client:
            del of_user[client.id]
            if not of_user:
                del self.users[client.user]

    def left(self, result: Any, client: Here) -> Any:
        """It has left all that it was in, whatever became of that."""
        if self.leaving.get(client.id) is client:
            del self.leaving[client.id]
        return result

    async def position(self, channel: str, options: ChannelOptions) -> Position:
        """Where a channel's history ends; one that has none begins."""
        position: Position = await self.storage.position(channel, self.keep_of(options).pool)
        return position

    # What is told of this node.

    def _channels(self, values: dict[str, Any]) -> dict[str, int]:
        glob = Glob(values["pattern"])
        channels = self.pipeline.hub.channels
        return {name: len(each.subscribers) for name, each in channels.items() if name >= " " and glob.fits(name)}

    def _about(self, _: dict[str, Any]) -> dict[str, Any]:
        channels = self._channels({"pattern": ""})
        return {
            "name": gethostname(),
            "version": __version__,
            "num_clients": len(self.clients),
            "num_users": len(self.users),
            "num_channels": len(channels),
            "num_subs": sum(channels.values()),
            "uptime": int(self.reactor.seconds() - self._began),
        }

    # Time.

    @staticmethod
    def now() -> float:
        """Seconds since the epoch, by the clock that tokens are judged by."""
        return time.time()

    def is_past(self, expires: float | None) -> bool:
        """Whether what ends then, or never, has ended."""
        return expires is not None and expires <= self.now()

    def ttl(self, expires: float) -> int:
        """Whole seconds until a moment, as clients are told: at least one, since none means never, at most a year."""
        return int(min(max(1, expires - self.now()), YEAR))

    def call_later(self, seconds: float, call: Callable[[], object]) -> Deadline:
        """Call this when so many seconds are over, or up to one more."""
        return self._deadlines.call_later(seconds, call)

    def call_at(self, moment: float, call: Callable[[], object]) -> Deadline:
        """Call this in good time to look whether a moment, in seconds since the epoch, has come."""
        return self._deadlines.call_later(min(max(0.0, moment - self.now()), LOOK_SECONDS), call)

    def stop(self) -> None:
        self.departures.stop()
        self.nodes.stop()
        self._deadlines.stop()
        for heartbeat in self._heartbeats:
            heartbeat.stop()
