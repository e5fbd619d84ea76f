"""A program that is no server tells everybody in the chat, on every node: a cron job, a web application.

fws_server --storage redis -f filtered_websocket.filters.broadcast_messages
python notify.py "the backup is done"
"""

import sys

from filtered_websocket.errors import StorageAway
from filtered_websocket.publisher import Publisher

REDIS = sys.argv[2] if len(sys.argv) > 2 else "redis://localhost"

with Publisher(REDIS) as publisher:
    try:
        # The channel that all clients of broadcast_messages are in.
        publisher.publish("broadcast_messages", sys.argv[1])
    except StorageAway as away:
        sys.exit(f"nobody was told: {away}")
