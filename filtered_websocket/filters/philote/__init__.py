"""Philote: publish and subscribe by token. What a client reads and writes stands in the JWT it connects with.

    GET any path but /api    Authorization: [Bearer] TOKEN, or ?auth=TOKEN where that header is absent or empty
        101                  a member of every channel in the token's "read", for as long as it lasts
        401                  no token, or one that is refused; the reason is the body
        403                  philote_check_origin, and the page is of another host
        503                  philote_max_connections are there
    -> {"channel": str, "data": str}
                             publish, if "write" has the channel, else nothing happens; names of members in any case
                             (Go's JSON), other members are ignored
    <- {"issuer": uuid4, "channel": str, "data": str}
                             to every other connection that reads the channel, once
    GET /api/info            with a token whose "api" is true: JSON; 403 with another, 401 with none
    anything else in /api    with such a token: 420

A token is a JWT: {"read": [channel], "write": [channel], "api": bool, "exp": seconds}, all of them optional. It is
signed with HS256, HS384 or HS512 and philote_secret, or with RS*, ES* or EdDSA where there is
philote_public_key or philote_jwks.

Close codes: 1003 the message is JSON, but a channel or data is no text; 1007 it is no JSON; 1008 the token has expired
(philote_enforce_expiry); 1013 there was no room after all. A message without channel is dropped.
"""

from filtered_websocket.chain.speech import Speech
from filtered_websocket.filters.philote import filters, rest
from filtered_websocket.filters.philote.options import DEFAULTS, OPTIONS, ORIGINAL, no_effect
from filtered_websocket.filters.philote.state import keys_of

SPEECH = Speech()

__all__ = ["CHECK", "DEFAULTS", "NO_EFFECT", "OPTIONS", "ORIGINAL", "SPEECH", "filters", "rest"]

CHECK = keys_of
NO_EFFECT = no_effect
