"""The users that are here: a client gets the list of users, then each that joins or leaves, over all workers and nodes.

    fws_server -f filtered_websocket.filters.presence filtered_websocket.filters.broadcast_messages

    {"presence":"here","users":["ann","bob"],"count":2,"anonymous":1}        first, the client itself among them
    {"presence":"left","users":["bob"],"count":1,"anonymous":1}
    {"presence":"joined","users":["eve"],"count":2,"anonymous":1}

A user is whatever `connection.user` names, over any number of connections. Filters that name users come in front.
"""

from filtered_websocket.filters.presence import filters
from filtered_websocket.filters.presence.filters import here
from filtered_websocket.filters.presence.members import Here
from filtered_websocket.filters.presence.options import OPTIONS, no_effect

NO_EFFECT = no_effect

ASKS = "clients"

__all__ = ["ASKS", "NO_EFFECT", "OPTIONS", "Here", "filters", "here"]
