"""Sessions that move to the node of their WebSocket."""

import json

from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.pollers import joined


def test_messages_that_are_published_in_the_turn_in_which_another_node_takes_the_session_are_in_its_handover(
    server: Server,
) -> None:
    client = joined(server)
    session = server.pipeline().ws_emit.engine.polling[client.sid]
    message = {"method": "emit", "event": "e", "data": 1, "room": "a"}
    server.storage_object.publish("flask-socketio", json.dumps(message))
    assert session.leave().messages == ((b'42["e",1]', False),)


def test_a_websocket_for_a_session_that_ends_meanwhile_is_closed(server: Server) -> None:
    client = joined(server)
    ws = client.websocket()
    client.post("1")
    ws.send("5")
    assert (ws.close_code, ws.close_reason) == (1002, "session ID unknown")


def test_a_session_that_is_taken_moves_and_one_that_ends_does_not(server: Server) -> None:
    moving, ending = joined(server), joined(server)
    sessions = server.pipeline().ws_emit.engine.polling
    taken, ended = sessions[moving.sid], sessions[ending.sid]
    moving.websocket().send("5")
    ending.post("1")
    assert (taken.moves, ended.moves) == (True, False)
    assert ended.reason == "transport close"
