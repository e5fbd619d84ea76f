"""What filters and endpoints are given, as types: the connection, its pipeline, the server. Each names the others.

The classes themselves stand above everything that uses them: `connection.connection.Connection`,
`pipeline.pipeline.Pipeline`, `server.server.Server`. What lies below them, and every filter, knows these Protocols. A
member is here because somebody below uses it. What only one room needs, it says itself, in a Protocol of its own.
"""

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, MutableMapping, Sequence
from queue import Queue
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from filtered_websocket.chain.admission import Admission, Socket
from filtered_websocket.chain.channels import ChannelCall, Channels, Hub, Insufficient, MemberCall
from filtered_websocket.chain.counters import Counters
from filtered_websocket.chain.registry import FilterMeta
from filtered_websocket.chain.request import Request
from filtered_websocket.chain.running import Step
from filtered_websocket.chain.storage import Storage
from filtered_websocket.chain.subscriber import Subscriber
from filtered_websocket.messages.encoding import Encoding
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.publication import Position

Options = Any
"""The resolved options: an attribute for each, of the type that its parser gives."""


class Connection(Subscriber, Protocol):
    """One client: what most filters get as `web_socket_instance`."""

    token: Any
    user: str | None
    close_code: int | None
    close_reason: str | None
    encoding: Encoding | None

    @property
    def transport(self) -> Any: ...
    @property
    def request(self) -> Request: ...
    @property
    def pipeline(self) -> "Pipeline": ...
    @property
    def factory(self) -> "Server": ...
    @property
    def users(self) -> Mapping[str, "Connection"]: ...
    @property
    def storage_object(self) -> Storage: ...
    @property
    def queue(self) -> "Queue[Any]": ...
    @property
    def opened(self) -> bool: ...
    @property
    def pending(self) -> int: ...
    @property
    def chosen_protocol(self) -> str | None: ...
    def accept(self, protocol: str | None = None, headers: Any = ()) -> None: ...
    def sendMessage(self, payload: Any, isBinary: bool | None = None, *_: Any) -> None: ...
    def send_encoded(self, messages: Sequence[Message], behind: bool = True) -> None: ...
    def send_together(self, messages: Sequence[Message]) -> None: ...
    def subscribe(
        self,
        channel: str,
        since: Position | None = None,
        last: int | None = None,
        insufficient: Insufficient | None = None,
    ) -> Deferred[Any]: ...
    def unsubscribe(self, channel: str) -> Deferred[Any]: ...
    def publish(self, channel: str | Iterable[str], payload: Any, exclude: Any = None) -> Deferred[Any]: ...
    def close(self, code: int = 1000, reason: str = "") -> None: ...
    def loseConnection(self) -> None: ...
    def abortConnection(self) -> None: ...


class Pipeline(Channels, Protocol):
    """What serves a set of paths: what consumer, start and stop filters, and endpoints get."""

    token: Any
    farewell: tuple[int, str] | None
    messages_in: int
    bytes_in: int

    @property
    def name(self) -> str: ...
    @property
    def patterns(self) -> tuple[str, ...]: ...
    @property
    def modules(self) -> tuple[str, ...]: ...
    @property
    def prefix(self) -> str: ...
    @property
    def options(self) -> Options: ...
    @property
    def server(self) -> "Server": ...
    @property
    def queue(self) -> "Queue[Any]": ...
    @property
    def users(self) -> Mapping[str, Connection]: ...
    @property
    def hub(self) -> Hub: ...
    @property
    def storage_object(self) -> Storage: ...
    @property
    def chains(self) -> MutableMapping[str, tuple[Step, ...]]: ...
    @property
    def filters(self) -> Mapping[str, tuple[FilterMeta, ...]]: ...
    @property
    def further(self) -> Mapping[FilterMeta, tuple[FilterMeta, ...]]:
        """The filters of chains that packs and users have, by their roots."""

    @property
    def endpoints(self) -> tuple[Any, ...]: ...
    @property
    def opened(self) -> int: ...
    @property
    def member_left(self) -> list[MemberCall]: ...
    @property
    def member_returned(self) -> list[MemberCall]: ...
    @property
    def vacated(self) -> list[ChannelCall]: ...
    @property
    def gaps(self) -> list[Callable[[str, Position | None], object]]: ...
    @property
    def bus_gaps(self) -> list[Callable[[], object]]: ...
    @property
    def ready_changed(self) -> list[Callable[[bool], object]]: ...
    @property
    def settling(self) -> list[Callable[[], Coroutine[Any, Any, None]]]: ...
    @property
    def looked_at(self) -> list[Callable[[Any], object]]: ...
    def prefixes(self, path: str) -> list[str]: ...
    def keep(self, count: int, seconds: float = 0, of: str = "channels") -> Any: ...


class Heartbeat(Protocol):
    """What pings connections that are silent."""

    def remove(self, connection: Any) -> None: ...


class Server(Protocol):
    """What all pipelines share."""

    countConnections: int

    @property
    def options(self) -> Options: ...
    @property
    def reactor(self) -> Any:
        """Twisted's: a `Clock`, and more."""

    @property
    def site(self) -> Any:
        """Twisted's factory of HTTP connections."""

    @property
    def certificates(self) -> list[Any]:
        """Those that ports show, to be read again in a reload (`transport.certificate`)."""

    @property
    def heartbeat(self) -> Heartbeat: ...
    @property
    def counters(self) -> Counters: ...
    @property
    def storage_ends(self) -> bool:
        """Whether the storage object ends with this process."""

    @property
    def storage_object(self) -> Storage: ...
    @property
    def queue(self) -> "Queue[Any]": ...
    @property
    def pipelines(self) -> Sequence[Pipeline]: ...
    @property
    def connections(self) -> Collection[Connection]: ...
    @property
    def blocked(self) -> Collection[Connection]:
        """The connections that bytes wait for."""

    @property
    def accepted(self) -> int: ...
    @property
    def admission(self) -> Admission: ...
    @property
    def started(self) -> bool: ...
    @property
    def draining(self) -> bool: ...
    @property
    def unready(self) -> str: ...
    @property
    def is_secure(self) -> bool: ...
    @property
    def foreign(self) -> tuple[str, ...]:
        """What the channels of named pipelines begin with in storage."""

    @property
    def has_data_filters(self) -> bool: ...
    @property
    def seconds_to_stop(self) -> float: ...
    @property
    def at_turn_end(self) -> Callable[[Callable[[], object]], object]: ...
    def pipeline_for(self, path: str) -> Pipeline | None: ...
    def client_of(self, transport: Socket, headers: Mapping[str, str]) -> str: ...
    def is_secure_for(self, headers: Mapping[str, str], itself: bool) -> bool: ...
    def origin_allowed(self, request: Request, patterns: list[str]) -> bool: ...
    def may_be_rebound(self, request: Request) -> bool: ...
    def session_arrives(self, session: Any) -> None:
        """A session begins that no connection of its own stands for."""

    def session_opened(self, session: Any) -> None:
        """It is let in."""

    def user_named(self, connection: Any) -> None:
        """An open connection, or session, says whose it is."""

    def owe(self, step: Deferred[Any]) -> None:
        """The server's end waits for this, within ``stop_seconds``."""

    def ending(self, chain: Deferred[Any]) -> None:
        """The server's end waits for this chain."""
