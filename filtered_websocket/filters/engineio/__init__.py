"""Engine.IO 4 and 3: sessions and their transports, in which filters see connections.

    GET  /engine.io/?EIO=4&transport=polling        200  0{"sid","upgrades":["websocket"],"pingTimeout":20000,
                                                         "pingInterval":25000,"maxPayload":1000000}
    GET  ...&sid=SID                                200  packets, joined by 0x1E, when there are some
    POST ...&sid=SID                                200  ok
         of Engine.IO 3: packets behind their lengths, "5:421[]", or 0x00 0x05 0xFF "421[]", 0x01 0x03 0xFF 0x04 and two
         bytes; an answer that holds bytes is of the second kind, without b64=1
    GET  ...&transport=websocket                    101  <- 0{... "upgrades":[]}
    GET  ...&transport=websocket&sid=SID            101  -> 2probe  <- 3probe  -> 5       an upgrade
         no EIO=4 (or 3), no transport, no such session, two GETs at a time, an origin that may not connect: 400;
         a body of more than 1,000,000 bytes: 413
    <- 2  -> 3                                      every 25 s; a client that is silent for 20 s after it is gone
    -> 1                                            the session ends
    -> 4...  <- 4...                                a message; bytes are binary messages of a WebSocket, or base64

A client of Engine.IO 4 that breaks the protocol is closed with 1002, or its polling session ends with a packet 1.
"""

from filtered_websocket.filters.engineio import filters, rest
from filtered_websocket.filters.engineio.options import DEFAULTS, OPTIONS

CARRIES = True

__all__ = ["CARRIES", "DEFAULTS", "OPTIONS", "filters", "rest"]
