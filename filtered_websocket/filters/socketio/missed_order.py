"""An order that came while clients were on their way here: it is done for those that it means when they are here."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from filtered_websocket.filters.socketio.socket import Socket


class MissedOrder(NamedTuple):
    """
    :ivar channels: of the hub: those in one of them are meant
    :ivar skip: those in one of these are not
    :ivar do: does it
    """

    channels: Collection[str]
    skip: Collection[str]
    do: Callable[[Socket], object]
