"""WS-Emit: a Socket.IO server that programs send events through.

Three layers, each of which knows only those below it: `engineio` (sessions and their transports), `socketio` (packets
and the namespace ``/``), and here what is WS-Emit's own: requests of clients, secrets, the bus, POST /emit.

    -> 42["join", {"room": str, "secret": str?}]    the secret is wanted in a room SPACE::NAME
    -> 42["leave", {"room": str}]
    <- 42[event, data]                              what was emitted to a room of the client, or to everybody
    POST /emit  {"event": str, "room": str?, "data": any, "namespace": "/"?, "secret": str}
         200 "OK\\n"; 400 not that; 403 the secret is another; 404 no ws_emit_secret; 415 no application/json;
         503 Redis is away

To filters the packets of a client are the text or the bytes of a WebSocket message of Engine.IO 4, polling or not.
"""

from filtered_websocket.filters.ws_emit import filters, rest
from filtered_websocket.filters.ws_emit.emit import emit
from filtered_websocket.filters.ws_emit.options import ADDRESSING, DEFAULTS, OPTIONS, ORIGINAL
from filtered_websocket.filters.ws_emit.speech import WSEmitSpeech

SPEECH = WSEmitSpeech()

CHECK_PIPELINES = ADDRESSING.check

__all__ = ["CHECK_PIPELINES", "DEFAULTS", "OPTIONS", "ORIGINAL", "SPEECH", "emit", "filters", "rest"]
