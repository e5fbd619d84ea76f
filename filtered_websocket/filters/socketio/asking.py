"""An event with acknowledgements, for the clients of this node."""

from collections.abc import Iterable

from twisted.internet.defer import Deferred

from filtered_websocket.errors import NotAllowed
from filtered_websocket.filters.socketio.interfaces import Pack
from filtered_websocket.filters.socketio.packets import Encoded
from filtered_websocket.filters.socketio.socket import Socket


def ask(pack: Pack, sockets: Iterable[Socket], packet: Encoded, seconds: float) -> dict[str, Deferred[list[object]]]:
    """Send a packet to these clients. One that owes too many acknowledgements is counted, and sent nothing.

    :param seconds: how long each has
    :returns: the id of each that was asked -> the list of its arguments; fails with `NoAnswer`
    """
    number, most = pack.acknowledgements.new_number(), pack.pipeline.options.socketio_max_acknowledgements
    messages, asked = packet.messages(number), dict[str, Deferred[list[object]]]()
    for socket in sockets:
        try:
            asked[socket.id] = pack.acknowledgements.expect(socket.id, number, seconds, most)
        except NotAllowed as error:
            pack.pipeline.server.counters.count("refused", error.reason, socket.id)
        else:
            socket.send(*messages)
    return asked
