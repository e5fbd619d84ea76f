"""What stands in the log, in JSON: all that is done to the clients of a pipeline, wherever they are.

    {"do": "emit", "to": [channel], "but": [channel], "event": [text, base64...]}
    {"do": "change", "to", "but", "sid", "in": [channel], "out": [channel]}     clients enter rooms, and leave rooms
    {"do": "disconnect", "to", "but", "sid", "close": bool}
    {"do": "mark", "mark": str, "hole": bool, "by": node}     see `foreign`; of a hole nobody knows what is missing
    of what another program said also: "of": [mark, stream, number, node]

``to`` names channels of the hub: those in one of them are meant, without those in one of ``but``; with a ``sid`` the
one of this id alone.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from filtered_websocket.messages import strict_json
from filtered_websocket.messages.message import Message


class Emit(NamedTuple):
    """An event.

    :ivar messages: as clients get it that know no recovery
    """

    to: tuple[str, ...]
    but: tuple[str, ...]
    messages: tuple[Message, ...]


class Change(NamedTuple):
    """Clients enter rooms, and leave rooms.

    :ivar sid: the one client that is meant; "" for all of the audience
    """

    to: tuple[str, ...]
    but: tuple[str, ...]
    sid: str
    entered: tuple[str, ...]
    left: tuple[str, ...]


class Disconnect(NamedTuple):
    """Clients are put out of their namespace.

    :ivar close: their connections end too
    """

    to: tuple[str, ...]
    but: tuple[str, ...]
    sid: str
    close: bool


class Mark(NamedTuple):
    """What became of a mark: whether what other programs said before it is here, or a hole is.

    :ivar by: the node that says so
    """

    mark: str
    hole: bool
    by: str


Order = Change | Disconnect
Item = Emit | Change | Disconnect | Mark


class Origin(NamedTuple):
    """Where an item comes from that another program has said (`marks`).

    :ivar by: the node that appended it
    """

    mark: str
    stream: str
    number: int
    by: str

    @property
    def key(self) -> str:
        """The same on all nodes."""
        return f"{self.mark} {self.number} {self.stream}"


def encode(item: Item, origin: Origin | None = None) -> bytes:
    """An item as it stands in the log."""
    values: dict[str, Any]
    if isinstance(item, Emit):
        (text, _), *attachments = item.messages
        event = [text.decode(), *(base64.b64encode(each).decode() for each, _ in attachments)]
        values = {"do": "emit", "to": item.to, "but": item.but, "event": event}
    elif isinstance(item, Change):
        values = {"do": "change", "to": item.to, "but": item.but, "sid": item.sid}
        values |= {"in": item.entered, "out": item.left}
    elif isinstance(item, Disconnect):
        values = {"do": "disconnect", "to": item.to, "but": item.but, "sid": item.sid, "close": item.close}
    else:
        values = {"do": "mark", "mark": item.mark, "hole": item.hole, "by": item.by}
    if origin is not None:
        values["of"] = origin
    return strict_json.dumps(values).encode()


def decode(data: bytes) -> tuple[Item, Origin | None]:
    """What `encode` has written.

    :raises ValueError: it is nothing of the kind
    """
    try:
        values = strict_json.loads(data)
        return _READ[values["do"]](values), _origin(values)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no item of a log: {error!r}") from None


def _emit(values: Mapping[str, Any]) -> Emit:
    text, *attachments = values["event"]
    messages = (text.encode(), False), *((base64.b64decode(each), True) for each in attachments)
    return Emit(tuple(values["to"]), tuple(values["but"]), messages)


def _change(values: Mapping[str, Any]) -> Change:
    to, but = tuple(values["to"]), tuple(values["but"])
    return Change(to, but, values["sid"], tuple(values["in"]), tuple(values["out"]))


def _disconnect(values: Mapping[str, Any]) -> Disconnect:
    return Disconnect(tuple(values["to"]), tuple(values["but"]), values["sid"], values["close"])


def _mark(values: Mapping[str, Any]) -> Mark:
    return Mark(values["mark"], values["hole"], values["by"])


_READ: dict[str, Callable[[Mapping[str, Any]], Item]] = {
    "emit": _emit,
    "change": _change,
    "disconnect": _disconnect,
    "mark": _mark,
}


def _origin(values: Mapping[str, Any]) -> Origin | None:
    if "of" not in values:
        return None
    mark, stream, number, by = values["of"]
    return Origin(mark, stream, number, by)
