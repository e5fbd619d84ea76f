"""The events of Socket.IO: one chain root for each. An application is a module of filters of these kinds.

Attributes of a filter's class say what it is for:

    event = "say"        a name, or a tuple of names; None: every event
    namespace = "/"      a name, a tuple of names, or a compiled pattern, which has to match a whole name
"""

import re
from typing import Any, ClassVar

from filtered_websocket.chain.registry import FilterBase, FilterMeta

Namespaces = str | tuple[str, ...] | re.Pattern[str]


class SocketIOConnectFilter(FilterBase, metaclass=FilterMeta):
    """A client asks to be let into a namespace. Gets its socket, and what it says of itself, ``auth``: {} for nothing.

    ``raise Reject(403, "why")`` refuses: the client's ``connect_error``. What is sent to it meanwhile follows its
    admission.
    """

    namespace: ClassVar[Namespaces] = "/"

    @classmethod
    def filter(cls, socket: Any, /, *auth: Any, **_: Any) -> Any:
        """None: it may come in, as far as this filter is concerned."""


class SocketIOEventFilter(FilterBase, metaclass=FilterMeta):
    """A client has emitted an event. Gets its socket and the event's arguments.

    What it returns is the acknowledgement, if one was asked for: a tuple is several arguments, None is one without
    arguments. Of several filters the last one's counts that returns anything. One that fails ends the chain, without an
    acknowledgement, and the client stays.
    """

    any_number = True
    event: ClassVar[str | tuple[str, ...] | None] = None
    namespace: ClassVar[Namespaces] = "/"

    @classmethod
    def filter(cls, socket: Any, /, *arguments: Any, **_: Any) -> Any:
        """Answer an event."""


class SocketIODisconnectFilter(FilterBase, metaclass=FilterMeta):
    """A client has left a namespace that it was let into, however: once. Gets its socket and the reason."""

    namespace: ClassVar[Namespaces] = "/"

    @classmethod
    def filter(cls, socket: Any, /, *reason: Any, **_: Any) -> Any:
        """Tidy up."""


class SocketIOServerFilter(FilterBase, metaclass=FilterMeta):
    """Another node has called ``namespace(pipeline, "/").server_side_emit``. Gets the namespace and the arguments.

    What it returns is the answer, as for an event of a client.
    """

    any_number = True
    event: ClassVar[str | tuple[str, ...] | None] = None
    namespace: ClassVar[Namespaces] = "/"

    @classmethod
    def filter(cls, namespace: Any, /, *arguments: Any, **_: Any) -> Any:
        """Answer another node."""
