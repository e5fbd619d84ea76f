"""A program as a filter: what a client says goes to its standard input as a line, and what it answers goes on.

    fws_server -f filtered_websocket.filters.exec_pipe filtered_websocket.filters.broadcast_messages \\
        --exec_pipe "jq -c --unbuffered 'del(.secret)'"

One program runs for all clients of a pipeline (`coprocess`): it owes one line for each line. An empty one drops the
message. Programs that answer otherwise run once per connection (`exec_per_connection`).
"""

from filtered_websocket.filters.exec_pipe import filters
from filtered_websocket.filters.exec_pipe.options import OPTIONS, check, no_effect

CHECK, NO_EFFECT = check, no_effect

ASKS = "messages"

__all__ = ["ASKS", "CHECK", "NO_EFFECT", "OPTIONS", "filters"]
