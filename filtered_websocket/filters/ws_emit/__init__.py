"""WS-Emit: a Socket.IO server that programs send events through. Engine.IO 4, Socket.IO 5.

    GET  /socket.io/?EIO=4&transport=polling        200  0{"sid","upgrades":["websocket"],"pingTimeout":20000,
                                                         "pingInterval":25000,"maxPayload":1000000}
    GET  ...&sid=SID                                200  packets, joined by 0x1E, when there are some
    POST ...&sid=SID                                200  ok
         of Engine.IO 3: packets behind their lengths, "5:421[]", or 0x00 0x05 0xFF "421[]", 0x01 0x03 0xFF 0x04 and two
         bytes; an answer that holds bytes is of the second kind, without b64=1
    GET  ...&transport=websocket                    101  <- 0{... "upgrades":[]}
    GET  ...&transport=websocket&sid=SID            101  -> 2probe  <- 3probe  -> 5       an upgrade
         no EIO=4 (or 3), no transport, no such session, two GETs at a time, an origin not in ws_emit_cors: 400;
         a body of more than 1,000,000 bytes: 413
    <- 2  -> 3                                      every 25 s; who is silent for 20 s after it is gone
    -> 1                                            the session ends
    -> 40 or 40{...}        <- 40{"sid": str}       -> 40/other,  <- 44/other,{"message":"Unable to connect"}
    -> 41                                           out of all rooms
    -> 42["join", {"room": str, "secret": str?}]    the secret is wanted in a room SPACE::NAME
    -> 42["leave", {"room": str}]
    -> 42ID[...]            <- 43ID[]               acknowledged, whether it did anything or not
    <- 42[event, data]                              what was emitted to a room of the client, or to everybody
    <- 45N-[event, data]    and N binary messages
    POST /emit  {"event": str, "room": str?, "data": any, "namespace": "/"?, "secret": str}
         200 "OK\\n"; 400 not that; 403 the secret is another; 404 no ws_emit_secret; 415 no application/json;
         503 Redis is away

A client of Engine.IO 4 that breaks the protocol is closed with 1002, or its polling session ended with a packet 1. What
its packets are to filters: the text or the bytes of a WebSocket message as above, polling or not.
"""

from filtered_websocket.filters.ws_emit import filters, rest
from filtered_websocket.filters.ws_emit.addressing import check as CHECK_PIPELINES  # noqa: N812 - a pack's declarations
from filtered_websocket.filters.ws_emit.emit import emit
from filtered_websocket.filters.ws_emit.options import DEFAULTS, OPTIONS, ORIGINAL

__all__ = ["CHECK_PIPELINES", "DEFAULTS", "OPTIONS", "ORIGINAL", "emit", "filters", "rest"]
