"""A pack's protocol from a client's side, sans-IO: how a connection begins, what the client says, and what it hears."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult

Frame = str | bytes

AWAY = frozenset({1001, 1006, 1011, 1012, 1013, 1014, *range(4100, 4300)})
"""Close codes after which coming back makes sense; all others say that it does not."""


class Heard(NamedTuple):
    """A message for the user.

    :ivar text: the whole of it, on one line if it is JSON
    :ivar channel: where it was published, or the event's name where clients are not told; "" if there are no channels
    :ivar data: what was published; a text of JSON stays a text
    :ivar is_answer: it answers what this client has published
    """

    text: Frame
    channel: str
    data: Any
    is_answer: bool = False


class Established(NamedTuple):
    """The connection is ready: channels may be subscribed to."""


class Subscribed(NamedTuple):
    channel: str


class Denied(NamedTuple):
    """The server refuses something and stays."""

    reason: str
    channel: str = ""


class Incomplete(NamedTuple):
    """The server says that something may be missing since the connection before."""

    reason: str


class Answer(NamedTuple):
    """What the protocol wants said at once."""

    frame: Frame


class Acknowledged(NamedTuple):
    """The server acknowledges a `Call`."""

    number: int


Event = Heard | Established | Subscribed | Denied | Incomplete | Answer | Acknowledged


class Post(NamedTuple):
    """A publication that goes by HTTP."""

    url: str
    body: bytes
    headers: dict[str, str]


class Call(NamedTuple):
    """A publication whose acknowledgement is waited for."""

    frame: Frame
    number: int


class Terms(NamedTuple):
    """What proves the user to the server, and how lines become publications.

    :ivar event: name of published events, "" for the pack's own default
    :ivar auth: JSON of what a client of Socket.IO or Centrifugo says of itself, "" for nothing
    :ivar arguments: what is published are lists, the arguments of an event
    :ivar ack: ask for an acknowledgement of each
    :ivar passing: what is published is not to be stored, where the protocol knows of that
    """

    key: str = ""
    publish_key: str = ""
    token: str = ""
    app_id: str = ""
    app_key: str = ""
    secret: str = ""
    user: str = ""
    event: str = ""
    auth: str = ""
    arguments: bool = False
    ack: bool = False
    passing: bool = False


class BadTerms(ValueError):  # noqa: N818 - what they are
    """What the user asks for cannot be, in words for the command line."""


class Protocol:
    """The protocol on a connection, and on the next after it is lost.

    :cvar names: whether `subscribe` and `publish` take names of channels: ``required``, ``optional`` or ``none``
    :cvar default: the channel that is meant where none is named; "" for none
    :cvar acknowledges: whether what is published may be acknowledged
    :cvar takes_json: whether what is published may be any JSON value; else it is text
    :cvar confirms: whether the server says that a subscription has been made; else a ping's pong says it
    :cvar joins: whether a publisher has to be in the channel
    :cvar returns: whether what is published comes back to its publisher, if that is in the channel
    :cvar greets: whether the server says when channels can be subscribed to; else they can at once
    :cvar away: close codes after which coming back makes sense
    """

    names = "required"
    default = ""
    acknowledges = False
    takes_json = True
    confirms = False
    joins = False
    returns = True
    greets = False
    away = AWAY

    def __init__(self, url: SplitResult, terms: Terms) -> None:
        self.terms = terms
        self.url = url

    def address(self) -> str:
        """The URL to connect to."""
        return self.url.geturl()

    def headers(self) -> dict[str, str]:
        return {}

    def bearer(self) -> dict[str, str]:
        """The headers of those whose token is in one (RFC 6750, 2.1)."""
        return {"Authorization": f"Bearer {self.terms.token}"} if self.terms.token else {}

    def begin(self) -> None:
        """Forget the last connection, but for what the next one can be recovered by."""

    def accepted(self, headers: Mapping[str, str]) -> None:
        """The server has accepted the handshake, with these headers."""

    def opening(self) -> Frame | None:
        """What the client says first, if anything."""
        return None

    def hear(self, frame: Frame) -> Iterable[Event]:
        """What a message of the server means."""
        raise NotImplementedError

    def subscribe(self, channel: str) -> Frame | None:
        """The packet that subscribes; None if nothing is to be said.

        :raises BadTerms: that cannot be
        """
        raise NotImplementedError

    def unsubscribe(self, channel: str) -> Frame | None:
        raise BadTerms("this protocol has no way to leave a channel")

    def publish(self, channel: str, data: Any) -> Frame | Post | Call:
        """The packet that publishes.

        :raises BadTerms: that cannot be
        """
        raise NotImplementedError


def dumps(value: Any) -> str:
    # Escapes all but ASCII: JSON can hold lone surrogates, UTF-8 cannot.
    return json.dumps(value, separators=(",", ":"))


def loads(frame: Frame) -> dict[str, Any] | None:
    """The JSON object in a message, None if there is none."""
    try:
        value = json.loads(frame)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def json_object(text: str) -> dict[str, Any]:
    """What a client says of itself, as the command line has it.

    :raises BadTerms: it is no JSON object
    """
    value = loads(text) if text else {}
    if value is None:
        raise BadTerms('--auth wants a JSON object, such as \'{"token": "..."}\'')
    return value


def one_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def text_of(value: Any) -> str:
    """A member that is to be text, of a packet that another wrote."""
    return value if isinstance(value, str) else ""


def of_http(url: SplitResult, path: str) -> str:
    """A URL of the same server by HTTP."""
    return url._replace(scheme="https" if url.scheme == "wss" else "http", path=path, query="", fragment="").geturl()
