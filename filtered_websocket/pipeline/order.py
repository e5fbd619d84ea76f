"""Filters that stand where they ask nobody anything: refused at the start, or warned of.

A filter module says in ``ASKS`` what it is asked about, and packs what they make of messages:

=========================  ========================================================================
``ASKS = "requests"``      which clients come in: in front of every pack
``ASKS = "messages"``      what goes on in the chain: in front of what acts on it (``ACTS = True``), and
                           of packs of a protocol of their own (``SPEECH``); behind those that only carry
                           messages (``CARRIES = True``), where there are packets in front
``ASKS = "clients"``       which clients are here: behind packs that only carry messages, which may stop
                           the chain for a connection that is none of a client's
``ASKS = "plain clients"`` the same, of clients that speak no protocol of a pack
``ASKS = "everything"``    all that passes where it stands: anywhere
=========================  ========================================================================
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from filtered_websocket.chain.events import WebSocketMessageFilter
from filtered_websocket.errors import ConfigError
from filtered_websocket.pipeline.modules import filters_of, modules_of, parents_of

SAYS = frozenset(("ASKS", "SPEECH", "CARRIES", "ACTS"))
BEHIND_CARRIER = ("messages", "clients", "plain clients")


class _Place(NamedTuple):
    """A module, as it says of itself."""

    name: str
    asks: str
    speaks: bool
    carries: bool
    acts: bool


def _places(names: Sequence[str]) -> list[_Place]:
    modules = dict.fromkeys(module for name in names for module in modules_of(name))
    # What a package says it says for all of its modules.
    saying = [name for name in modules if not SAYS.isdisjoint(vars(sys.modules[name]))]
    whole = (name for name in modules if not any(name.startswith(f"{other}.") for other in saying))
    return [_place(name, sys.modules[name]) for name in whole]


def _place(name: str, module: Any) -> _Place:
    asks, speaks = getattr(module, "ASKS", ""), getattr(module, "SPEECH", None) is not None
    return _Place(name, asks, speaks, bool(getattr(module, "CARRIES", False)), bool(getattr(module, "ACTS", False)))


def out_of_order(names: Sequence[str]) -> Iterator[ConfigError]:
    """A fault for each module that stands where it cannot do what it is for.

    :param names: of a pipeline's filter modules, in their order, all loaded
    """
    places = _places(names)
    for index, each in enumerate(places):
        for pack in places[:index]:
            if each.asks == "requests" and (pack.speaks or pack.carries):
                yield ConfigError(
                    f"{each.name} stands behind {pack.name}, which lets clients in before it is asked, and stops the "
                    f"chain for some: name it in front"
                )
            elif each.asks == "messages" and pack.speaks:
                yield ConfigError(
                    f"{each.name} stands behind {pack.name}, which has obeyed a message before that comes here: name "
                    f"it in front"
                )
        for pack in places[index + 1 :]:
            if each.asks in BEHIND_CARRIER and pack.carries:
                yield ConfigError(
                    f"{each.name} stands in front of {pack.name}, where there are packets and no messages, and "
                    f"connections that are no clients: name it behind"
                )
        for pack in places:
            if each.asks == "plain clients" and pack.speaks:
                yield ConfigError(
                    f"{each.name}: the clients of {pack.name} speak its protocol, which has a way of its own for what "
                    f"is missed, or none: give this a pipeline of its own (pipelines)"
                )


def in_vain(names: Sequence[str]) -> Iterator[str]:
    """A warning for each module that only looks at messages on which others have acted already."""
    places = _places(names)
    for index, each in enumerate(places):
        acting = next((other.name for other in places[:index] if other.acts), None)
        behind = (other for other in places[index + 1 :] if not other.asks)
        if each.asks == "messages" and acting and not any(_takes_messages(other.name) for other in behind):
            yield f"{each.name} stands behind {acting}, which has sent a message before it comes here: name it in front"


def _takes_messages(module: str) -> bool:
    return bool(filters_of(module, WebSocketMessageFilter))


def speech_of(names: Iterable[str]) -> Any:
    """What the pack among loaded modules, or those they bring, declares as ``SPEECH``; None: there is none."""
    modules = (each for name in names for module in modules_of(name) for each in (module, *parents_of(module)))
    found = (getattr(sys.modules.get(each), "SPEECH", None) for each in modules)
    return next((each for each in found if each is not None), None)
