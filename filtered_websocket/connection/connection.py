"""One connection: Autobahn's callbacks -> chains. What most filters get as `web_socket_instance`.

The way in:

    dataReceived -> data chain -> frames (the fast path, or Autobahn) -> message chain -> a filter -> publish

What is sent to this connection alone goes out at the end of the turn, in one send (it is corked meanwhile); whatever
else writes to it uncorks it first.
"""

from binascii import hexlify
from collections.abc import Callable, Iterable
from os import urandom
from queue import Queue
from struct import Struct
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.chain.storage import Storage
from filtered_websocket.chain.user import check_user
from filtered_websocket.connection.answering import Answering
from filtered_websocket.connection.autobahn import CONNECTING, OPEN, LeanProtocol
from filtered_websocket.connection.decision import Decision
from filtered_websocket.connection.encoded import Encoded
from filtered_websocket.connection.failing import Failing
from filtered_websocket.connection.handover import Handover
from filtered_websocket.connection.handshake import Handshake
from filtered_websocket.connection.lifecycle import Lifecycle
from filtered_websocket.connection.observed import ObservedConnection
from filtered_websocket.connection.pausing import Pausing
from filtered_websocket.connection.receiving import Receiving
from filtered_websocket.connection.sending import Sending
from filtered_websocket.messages.publication import Position
from filtered_websocket.pipeline.users import Users

MAX_ID = 255
"""Characters of an id: it travels with every publication that excludes it."""


_PARTS = Struct("8s4sx3sc3s12s")
_VARIANTS = {b"%x" % digit: b"%x" % (8 | digit & 3) for digit in range(16)}


def _new_id() -> str:
    """A UUID4 as text (RFC 9562, 5.4), without an object of its own."""
    low, middle, high, variant, clock, node = _PARTS.unpack(hexlify(urandom(16)))
    return (b"%b-%b-4%b-%b%b-%b" % (low, middle, high, _VARIANTS[variant], clock, node)).decode()


class Connection(
    Receiving, Sending, Encoded, Pausing, Failing, Lifecycle, Handshake, Answering, Handover, LeanProtocol
):
    """One client.

    :ivar id: a UUID4 as text; a handshake filter may set another, of 1 to 255 printable characters. A connection that
        opens with the id of an open one takes its place: that one is closed with 1008
    :ivar user: the name of the user whose client it is, None while nobody knows: a handshake filter says so, or what
        signs clients in later. Logs, lists and the dashboard show it
    :ivar token: for filters' own use
    :ivar pinged: whether the server pings it once it is open: not where a handshake filter says that its protocol has
        pings of its own
    :ivar request: the :class:`Request` it was opened with
    :ivar pipeline: the :class:`Pipeline` that serves its path
    :ivar channels: names of the channels it is in
    :ivar close_code, close_reason: set when it has ended: the code we sent, else the peer's (1005 if it sent none),
        1006 if there was no closing handshake
    """

    # What every message looks at. CPython finds a slot at once, an attribute with a default on the class, as Autobahn's
    # and Twisted's are, only the long way (docs/performance.md).
    __slots__ = (
        "_perMessageCompress", "awaiting_pong", "corked", "current_frame", "data", "direct", "encoding",
        "factory", "inside_message", "message_limit", "opened", "pace", "pipeline", "request", "slow", "state",
        "transport", "waits",
    )  # fmt: skip

    token: Any = None
    channels: set[str] = frozenset()  # type: ignore[assignment]  # until it joins one: most never do
    close_code: int | None = None
    close_reason: str | None = None
    pinged = True
    began = 0.0  # when it has opened, in the reactor's seconds
    slot = 0
    decision = None
    observed_by = ObservedConnection
    _id: str | None = None
    _user: str | None = None

    def __init__(self) -> None:
        self.state = CONNECTING
        self.data = self.corked = b""
        self.opened = self.inside_message = self.waits = False
        self.transport = self.awaiting_pong = self.current_frame = None
        self.pipeline = None  # type: ignore[assignment]  # until the request tells; no filter of ours sees that
        self._perMessageCompress = self.direct = self.encoding = self.pace = self.slow = None
        self.decision = Decision()

    # What a connection is to its filters.

    @property
    def id(self) -> str:
        if self._id is None:
            self._id = _new_id()
        return self._id

    @id.setter
    def id(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError(f"an id is a str, not {type(value).__name__}")
        if not 0 < len(value) <= MAX_ID or not value.isprintable():
            raise ValueError(f"an id has 1 to {MAX_ID} printable characters")
        if self.opened:
            raise ValueError("an id is chosen in a handshake filter: that of an open connection is known to others")
        self._id = value

    @property
    def user(self) -> str | None:
        return self._user

    @user.setter
    def user(self, value: str | None) -> None:
        self._user = check_user(value)
        if self.opened:
            self.factory.user_named(self)

    @property
    def users(self) -> Users:
        """The open connections of this pipeline in this process, this one among them: id -> connection."""
        return self.pipeline.users

    @property
    def storage_object(self) -> Storage:
        return self.pipeline.storage_object if self.pipeline is not None else self.factory.storage_object

    @property
    def queue(self) -> Queue[Any]:
        return self.factory.queue

    def subscribe(
        self,
        channel: str,
        since: Position | None = None,
        last: int | None = None,
        insufficient: Callable[[Position | None], object] | None = None,
    ) -> Deferred[Any]:
        """Join a channel; fires when confirmed. Joining twice is joining once: one copy of each message.

        With any of the following it fires with a `Recovery`. What was missed is sent first, then comes what is live:
        each once, in order. A connection that is in the channel already leaves and comes back.

        :param since: where the client stands: it gets all that came after
        :param last: how many of the newest the client gets, where there is no ``since`` or it cannot be recovered from
        :param insufficient: called with the position where the client would go on (None: nobody knows) when something
            of the channel is missing on this node and cannot be had. Default: close with 1013
        """
        if self.state != OPEN:
            return DONE
        if not self.channels:
            self.channels = set()
        if since is None and last is None and insufficient is None:
            return self.pipeline.subscribe(channel, self)
        return self.pipeline.recover(
            channel, self, since, last=last, insufficient=insufficient or self._is_insufficient
        )

    def _is_insufficient(self, position: Position | None) -> None:
        self.close(1013, "something of a channel is missing: connect again")

    def unsubscribe(self, channel: str) -> Deferred[Any]:
        """Leave a channel."""
        return self.pipeline.unsubscribe(channel, self)

    def publish(self, channel: str | Iterable[str], payload: Any, exclude: Any = None) -> Deferred[Any]:
        """Publish to channels on all nodes: see `Pipeline.publish`."""
        return self.pipeline.publish(channel, payload, exclude)

    def loseConnection(self) -> None:
        """Close normally (1000)."""
        self.close()

    def __repr__(self) -> str:
        return f"<Connection {self._id} {getattr(self, 'request', '')}>"
