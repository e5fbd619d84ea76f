"""Messages that are no JSON, or not of a schema, go no further; their sender is told what is wrong.

    fws_server -f filtered_websocket.filters.json_schema filtered_websocket.filters.broadcast_messages \\
        --json_schema chat.schema.json

The answer is a JSON text, with a JSON Pointer (RFC 6901) to what is wrong:

    {"error": "invalid message", "at": "/text", "reason": "5 is not of type \\"string\\""}

With ``json_schema_kind`` the file holds a schema for each kind of message.

jsonschema-rs does it: compiled, with patterns in linear time. Nothing is fetched, whatever a schema refers to.
"""

from filtered_websocket.filters.json_schema import filters
from filtered_websocket.filters.json_schema.options import OPTIONS, check

CHECK = check

ASKS = "messages"

__all__ = ["ASKS", "CHECK", "OPTIONS", "filters"]
