"""What polling and WebSockets begin with: a path, and parameters that must be right."""

from collections.abc import Mapping
from typing import Any

from filtered_websocket.web.response import HTTPError

PATH = "/socket.io/"
EMIT = "/emit"


def is_at(pipeline: Any, path: str, wanted: str) -> bool:
    """Whether a path is the one wanted; the pipeline of ``/live/*`` has it at ``/live/socket.io/``, say.

    The slash at its end may be missing, as with python-socketio's server.
    """
    named, bare = pipeline.name != "", wanted.rstrip("/")
    return path in (wanted, bare) or path.startswith(wanted) or (named and (wanted in path or path.endswith(bare)))


def protocol_of(pipeline: Any, params: Mapping[str, list[str]]) -> int:
    """The version of Engine.IO that a request asks for.

    :raises HTTPError: it asks for none, or one that is not served
    """
    asked = params.get("EIO", [""])[0]
    if asked == "4" or (asked == "3" and pipeline.options.ws_emit_eio3):
        return int(asked)
    raise HTTPError(400, '{"code":5,"message":"Unsupported protocol version"}')
