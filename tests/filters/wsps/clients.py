"""Clients of WSPS, and what they are told."""

import json

WSPS = "filtered_websocket.filters.wsps"


def publish(client, channel, data=None, **more):
    client.send(json.dumps({"type": "publish", "channel": channel, "data": data, **more}))
