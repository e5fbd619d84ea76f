"""Pushi 0.6: channels with signatures, presence, personal streams, peers and stored events; what pushi-js, the Python
socket client and the API client of PyPI's pushi speak.

    GET /<app key>                        a WebSocket; the last segment of the path is the key

    <- pusher:connection_established      {"socket_id": uuid4}, the only packet without "channel"
    -> pusher:subscribe                   {"channel", "auth"?, "channel_data"?}
    <- pusher_internal:subscription_succeeded     ABOUT the channel
    -> pusher:unsubscribe                 {"channel"}
    <- pusher_internal:unsubscription_succeeded   ABOUT
    -> pusher:latest                      {"channel", "skip": 0, "count": 10}
    <- pusher_internal:latest             ABOUT, with stored events, newest first
    -> any other event                    {"event", "channel", "data", "echo": false, "persist": true}
    <- the same                           {"channel", "event", "data": string}, with "mid" and "timestamp" if stored
    <- pusher:member_added, pusher:member_removed
                                          "member": string, to the members of a presence channel
    <- pusher_internal:subscription_error {"code", "message"}: what was asked has had no effect

    ABOUT: {"name", "members": {user id: channel_data}, "alias": [channel], "events": [event record]}

Packets are {"event", "channel", "data"}; "data" of the server's packets is a string, which in its own holds JSON.
Nothing that begins with pusher: or pusher_internal: is ever passed on from a client.

Close codes: 4000 a packet that names no channel, so there is none to answer on; 4001 there is no app with this key;
1013 the storage is away.

HTTP (`rest`, `rest_data`): /login /logout /apps /subscriptions /events /sockets /webs /health, on the same port and,
with --pushi_rest_port, on another.
"""

from filtered_websocket.filters.pushi import filters, listener, rest, rest_data
from filtered_websocket.filters.pushi.options import DEFAULTS, OPTIONS, ORIGINAL, no_effect
from filtered_websocket.filters.pushi.speech import PushiSpeech

SPEECH = PushiSpeech()

__all__ = ["CHECK", "DEFAULTS", "NO_EFFECT", "OPTIONS", "ORIGINAL", "SPEECH", "filters", "rest", "rest_data"]

CHECK = listener.check
NO_EFFECT = no_effect
