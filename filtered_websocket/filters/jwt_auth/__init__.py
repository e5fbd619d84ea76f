"""Lets in clients that have a good token, a JWT, and says whose they are.

    fws_server -f filtered_websocket.filters.jwt_auth filtered_websocket.filters.broadcast_messages

It goes in front: what stands behind it finds `connection.user`, the claim of the option `jwt_user`, and
`connection.claims`, all that the token says. Others get 401.
"""

from filtered_websocket.filters.jwt_auth import filters
from filtered_websocket.filters.jwt_auth.options import OPTIONS, check, no_effect

CHECK, NO_EFFECT = check, no_effect

ASKS = "requests"

__all__ = ["ASKS", "CHECK", "NO_EFFECT", "OPTIONS", "filters"]
