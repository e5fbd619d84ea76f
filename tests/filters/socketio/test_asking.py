"""An event with acknowledgements, for several clients of a node."""

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.errors import NotAllowed
from filtered_websocket.filters.socketio import asking
from filtered_websocket.filters.socketio.operator import event_packet
from tests.filters.socketio.clients import client, state
from tests.filters.socketio.test_managers import Serve, sid


def test_each_is_asked_and_one_that_owes_too_many_is_counted_and_sent_nothing(serve: Serve) -> None:
    server = serve(socketio_max_acknowledgements=1)
    made, other = client(server), client(server)
    pack = state(server)
    owed: Deferred[object] = pack.acknowledgements.expect(sid(other), 1, 60, 1)
    sockets = [found for each in (made, other) if (found := pack.socket("/", sid(each))) is not None]
    asked = asking.ask(pack, sockets, event_packet("/", "e", ()), 5)
    assert list(asked) == [sid(made)]
    (sent,) = made.received()
    assert other.received() == []
    assert server.server.counters.totals["refused", "socketio_max_acknowledgements"] == 1
    made.send(f'43{str(sent)[2:].partition("[")[0]}["yes"]')
    assert server.result(asked[sid(made)]) == ["yes"]
    with pytest.raises(NotAllowed):
        pack.acknowledgements.expect(sid(other), 2, 60, 1)
    owed.cancel()
