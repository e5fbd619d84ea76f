"""The filters of the Centrifugo pack: let in, obey, place what was published, take back."""

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.events import (
    WebSocketConnectFilter,
    WebSocketConsumerFilter,
    WebSocketDisconnectFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.request import Request
from filtered_websocket.errors import Reject, StopChain
from filtered_websocket.filters.centrifugo.carriers import Carrier
from filtered_websocket.filters.centrifugo.codes import INAPPROPRIATE, SHUTDOWN, Disconnect
from filtered_websocket.filters.centrifugo.control import Control
from filtered_websocket.filters.centrifugo.emulation import emulate
from filtered_websocket.filters.centrifugo.envelope import is_json, placed
from filtered_websocket.filters.centrifugo.leaving import lack
from filtered_websocket.filters.centrifugo.paths import is_at
from filtered_websocket.filters.centrifugo.session import Session
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.filters.centrifugo.streams import StreamCarrier
from filtered_websocket.filters.centrifugo.unidirectional import Unidirectional
from filtered_websocket.filters.centrifugo.wire import asked_for
from filtered_websocket.messages.publication import Publication

SESSIONS: Mapping[str, type[Session]] = {"websocket": Session, "uni_websocket": Unidirectional}
"""What a WebSocket carries, by the end of its path."""


class Begin(WebSocketStartFilter):
    """Take the namespaces and the keys, and hear the other nodes before the first client comes."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> Deferred[Any]:
        end = Disconnect(SHUTDOWN)
        web_socket_instance.farewell = end.code, end.reason
        state = State.of(web_socket_instance)
        state.does.update(Control(state).does | {"emulate": lambda values: emulate(state, values)})
        return state.nodes.start()


class Admit(WebSocketHandshakeFilter):
    """A WebSocket at one of the pack's paths, in the encoding that it asks for."""

    @classmethod
    def filter(cls, web_socket_instance: Carrier, data: Request) -> None:
        connection, pipeline = web_socket_instance, web_socket_instance.pipeline
        if isinstance(connection, StreamCarrier):
            return  # which its endpoint has admitted
        at, transports = data.path.rpartition("/")[2], pipeline.options.centrifugo_transports
        if not (at in SESSIONS and at in transports and is_at(pipeline, data.path, f"/connection/{at}")):
            served = [f"/connection/{each}" for each in SESSIONS if each in transports]
            raise Reject(404, f"WebSockets are served at {', '.join(served)}")
        state, params = State.of(pipeline), data.params
        name, subprotocol = asked_for(data.protocols, params)
        encoding = (state.encodings if at == "websocket" else state.bare_encodings).get(name)
        if encoding is None:
            raise Reject(400, "protobuf is not installed here: pip install filtered_websocket[protobuf]")
        if subprotocol is not None:
            connection.accept(subprotocol)
        connection.encoding = encoding
        # Else by the protocol's own pings.
        connection.pinged = uses_frames = params.get("cf_ws_frame_ping_pong") == ["true"]
        SESSIONS[at](state, connection, encoding, uses_frames).attach()


class Open(WebSocketConnectFilter):
    """The client has the time of `centrifugo_stale_delay` for its first command."""

    @classmethod
    def filter(cls, web_socket_instance: Carrier, data: None) -> None:
        session = Session.of(web_socket_instance)
        if session is not None:
            session.begin()


class Obey(WebSocketMessageFilter):
    """Do what the commands of a frame say."""

    @classmethod
    def filter(cls, web_socket_instance: Carrier, data: bytearray) -> Deferred[None] | None:
        session = Session.of(web_socket_instance)
        return None if session is None else session.receive(data)


class Leave(WebSocketDisconnectFilter):
    """Take back what the client held."""

    takes_back = True

    @classmethod
    def filter(cls, web_socket_instance: Carrier, data: None) -> Deferred[Any] | None:
        session = Session.of(web_socket_instance)
        if session is None:
            return None
        return session.leave(web_socket_instance.close_code or 1006, web_socket_instance.close_reason or "")


class Place(WebSocketConsumerFilter):
    """A publication gets its offset. Clients of JSON that cannot have what is published are told so."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: Any) -> Publication | None:
        if not isinstance(data, Publication):
            cls.hear(State.of(web_socket_instance), data)
            return None
        channel, messages, position = data.channel, data.messages, data.position
        if position is None:
            are_json = all(map(is_json, messages))
        else:
            messages, are_json = placed(messages, position)
        if not data.replayed:
            if not are_json:
                cls.refuse(web_socket_instance, channel)
            if position is not None and web_socket_instance.hub.epoch(channel) not in (None, position.epoch):
                cls.begin_epoch(web_socket_instance, channel)
        return None if position is None else Publication(channel, messages, data.exclude, position, data.besides)

    @classmethod
    def refuse(cls, pipeline: Pipeline, channel: str) -> None:
        """What is no JSON was published: the channel's clients of JSON are told so, and end."""
        for each in tuple(pipeline.hub.subscribers(channel)):
            session = Session.of(each)
            if session is not None and not session.encoding.codec.binary:
                session.end(Disconnect(INAPPROPRIATE))

    @classmethod
    def begin_epoch(cls, pipeline: Pipeline, channel: str) -> None:
        """A history goes on in another epoch: most SDKs learn epochs when they subscribe, and would come back with an
        offset of this one and the epoch before."""
        for each in tuple(pipeline.hub.subscribers(channel)):
            session = Session.of(each)
            subscription = None if session is None else session.subscriptions.get(channel)
            if session is not None and subscription is not None and subscription.positioned:
                lack(session, subscription)

    @classmethod
    def hear(cls, state: State, item: Any) -> None:
        """Do what another node says on the bus. Filters behind the pack do not hear it."""
        if not isinstance(item, dict) or not isinstance(item.get("channel"), bytes):
            return
        channel = item["channel"].decode("utf-8", "replace")
        if channel in state.nodes.heard:
            state.nodes.consume(channel, item["data"])
            raise StopChain


class End(WebSocketStopFilter):
    """No clock of the pack's runs on."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> None:
        State.end(web_socket_instance)
