"""What polling and WebSockets begin with: a path, and parameters that must be right."""

from collections.abc import Mapping
from typing import Any

from filtered_websocket.web.base import HTTPError

PATH = "/socket.io/"


def protocol_of(pipeline: Any, params: Mapping[str, list[str]]) -> int:
    """The version of Engine.IO that a request asks for.

    :raises HTTPError: it asks for none, or one that is not served
    """
    asked = params.get("EIO", [""])[0]
    if asked == "4" or (asked == "3" and pipeline.options.ws_emit_eio3):
        return int(asked)
    raise HTTPError(400, '{"code":5,"message":"Unsupported protocol version"}')
