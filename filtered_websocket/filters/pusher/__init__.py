"""Pusher Channels, protocol 7: what pusher-js, Laravel Echo and the SDKs of Pusher speak.

    GET /app/<key>?protocol=7               a WebSocket; the query's other members are ignored

    <- pusher:connection_established        {"socket_id": "123.456", "activity_timeout": 120}
    -> pusher:ping                          <- pusher:pong
    -> pusher:subscribe                     {"channel", "auth"?, "channel_data"?}
    <- pusher_internal:subscription_succeeded   {} or, on presence- channels, {"presence": {"count", "ids", "hash"}}
    <- pusher:subscription_error            {"type", "error", "status"}
    -> pusher:unsubscribe                   {"channel"}; no answer
    -> client-*                             {"event", "channel", "data"}, on private- and presence- channels
    <- client-*                             the same, with the sender's "user_id" on presence- channels
    -> pusher:signin                        {"auth", "user_data"}
    <- pusher:signin_success                {"user_data"}
    <- pusher_internal:member_added         {"user_id", "user_info"?}, the first connection of a user
    <- pusher_internal:member_removed       {"user_id"}, the last one
    <- pusher:cache_miss                    on an empty cache- channel; else its last event comes again
    <- any other event                      {"event", "channel", "data": string}, published by HTTP

Every packet is {"event", "data", "channel"?}; "data" of the server's own packets is a string that holds JSON.

    <- pusher:error                         {"code", "message"}; 4000-4299 are followed by a close of that code

    4001 unknown key     4003 app is disabled        4004 app has as many connections as it may
    4006 4007 4008       protocol is no number, not supported, missing
    4009 not authorized: wrong signature of a sign-in, or terminated
    4300 malformed packet, 4301 client event refused: the connection stays
    1013 the storage is away; 4200 the server stops and others may serve on, 1001 it was alone

pusher-js never comes back after 4000-4099, after a while after 4100-4199, 1001 and 1013, at once after 4200-4299.

HTTP, signed (`rest`): POST /apps/<id>/events, /apps/<id>/batch_events, GET /apps/<id>/channels[/<name>[/users]], POST
/apps/<id>/users/<user>/terminate_connections.
"""

from filtered_websocket.filters.pusher import filters, rest
from filtered_websocket.filters.pusher.options import DEFAULTS, OPTIONS, ORIGINAL, no_effect
from filtered_websocket.filters.pusher.speech import PusherSpeech

SPEECH = PusherSpeech()

__all__ = ["DEFAULTS", "NO_EFFECT", "OPTIONS", "ORIGINAL", "SPEECH", "filters", "rest"]

NO_EFFECT = no_effect
