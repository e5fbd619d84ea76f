"""Emitting from filters, as programs do it from outside: over the bus, to the clients of all nodes."""

from collections.abc import Collection
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.socketio import bus
from filtered_websocket.filters.socketio.bus import Emit
from filtered_websocket.filters.socketio.recovery.recovery import Recovery
from filtered_websocket.filters.ws_emit import logged, orders
from filtered_websocket.filters.ws_emit.options import ADDRESSING
from filtered_websocket.filters.ws_emit.state import State

_TEXTS = frozenset((str,))


def emit(
    pipeline: Pipeline,
    event: str,
    *arguments: Any,
    room: str | Collection[str] | None = None,
    skip: str | Collection[str] = (),
) -> Deferred[Any]:
    """Send an event to the clients in a room.

    :param pipeline: as filters have it, `connection.pipeline`
    :param arguments: JSON values and bytes; tuples are lists
    :param room: one room or several, of which each client gets one copy; a client's id is a room of its own; None for
        everybody
    :param skip: ids of clients that get nothing
    :returns: fires when the bus has it; a failure that nobody looks at is counted
    :raises ValueError: arguments that JSON cannot hold
    """
    rooms = None if room is None else _names(room)
    if len(arguments) == 1 and arguments[0] is None:
        arguments = ()  # as on the bus, where the two are the same
    sent: Deferred[Any] = send(pipeline, Emit(event, arguments, rooms, _names(skip)))
    if sent is DONE or pipeline.options.ws_emit_recovery:  # which counts a failure itself
        return sent
    return pipeline.server.counters.watch(sent, "emit")


def send(pipeline: Pipeline, emission: Emit) -> Deferred[Any]:
    """Put an emission for the clients of a pipeline on the bus; what comes back from there is delivered.

    What nobody else would hear is delivered without that, and so without being made JSON twice.

    :raises Malformed: arguments that JSON cannot hold
    """
    if pipeline.options.ws_emit_recovery and (recovery := State.of(pipeline).recovery) is not None:
        return _append(pipeline, recovery, emission)
    if ADDRESSING.is_heard_here_only(pipeline) and _is_readable(emission):
        orders.carry_out(pipeline, emission)
        return DONE
    published: Deferred[Any] = pipeline.storage_object.publish(bus.CHANNEL, bus.encode(emission, pipeline.name))
    return published


def _append(pipeline: Pipeline, recovery: Recovery, emission: Emit) -> Deferred[Any]:
    """To the log, and to servers beside this one that do not read it."""
    namespace = State.of(pipeline).namespace
    if namespace.has_returned and (emission.rooms or emission.skip):
        rooms = None if emission.rooms is None else tuple(map(namespace.name, emission.rooms))
        emission = emission._replace(rooms=rooms, skip=tuple(map(namespace.name, emission.skip)))
    item = logged.item_of(emission)
    if item is None:
        return DONE
    appended = recovery.append(item)
    if not pipeline.storage_object.private_bus:
        said = pipeline.storage_object.publish(bus.CHANNEL, bus.encode(emission, pipeline.name, logged="ws_emit"))
        pipeline.server.counters.watch(said, "emit")
    return appended


def _is_readable(emission: Emit) -> bool:
    """Whether it could be read again from the bus. What could not is counted there."""
    return _TEXTS.issuperset(map(type, (emission.event, *(emission.rooms or ()), *emission.skip)))


def _names(names: str | Collection[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
