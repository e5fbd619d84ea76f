"""The request that a client's connection began with, as python-socketio's handlers expect it: a WSGI environ."""

from typing import Any

from filtered_websocket.chain.request import Request


def environ(request: Request) -> dict[str, Any]:
    """
    :returns: the names of PEP 3333 that tell of a request, its headers as ``HTTP_...``
    """
    path, _, query = request.uri.partition("?")
    found = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "RAW_URI": request.uri,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": request.peer,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        found[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return found
