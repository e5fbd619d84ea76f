"""WSPS (wsps-server): publish and subscribe in five lines of JSON.

    -> {"type": "subscribe", "channel": str, "key": str?}             join a channel; nothing is answered
    -> {"type": "publish", "channel": str, "data": any, "key": str?}  send to all in it, oneself too if one is in it
    <- {"type": "message", "channel": str, "data": any}               such a packet: "type" replaced, "key" taken out,
                                                                      every other member kept

Checks, in this order, and what a client that fails one is closed with; nothing of that packet, or of those after it,
takes effect:

    1002 "Invalid message"        not a JSON object, or it has no channel
    1002 "Invalid channel"        no text, or no pattern of wsps_allowed_channels matches it
    1002 "Invalid message"        it has no type
    1002 "Invalid message type"   neither subscribe nor publish
    1002 "Authorization failed"   the authorization manager said no
    1008 "Too many channels"      more than max_channels on one connection

Any path of the pipeline, any subprotocol offered (none is chosen), any origin unless allowed_origins is given. There is
no unsubscribe. A channel is an exact name: a client in "user/*" does not get "user/1".
"""

from filtered_websocket.filters.wsps import filters
from filtered_websocket.filters.wsps.options import DEFAULTS, OPTIONS, ORIGINAL
from filtered_websocket.filters.wsps.speech import WSPSSpeech

SPEECH = WSPSSpeech()

__all__ = ["DEFAULTS", "OPTIONS", "ORIGINAL", "SPEECH", "filters"]
