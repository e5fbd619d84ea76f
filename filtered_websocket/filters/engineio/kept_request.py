"""What a polling session keeps of the request that began it."""

from filtered_websocket.web.request import HTTPRequest

MAX_KEPT = 4096
"""Characters of headers; of those that are too much the longest go first."""
NOT_KEPT = frozenset((
    "accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-length", "content-type",
    "dnt", "pragma", "priority", "referer", "upgrade-insecure-requests",
))  # fmt: skip
"""What every browser says, and no filter asks for once a client is there; nor what begins with ``sec-``."""
MAX_URI = 1024
"""Characters: a longer one keeps its path only, or none of it."""


def kept(request: HTTPRequest) -> HTTPRequest:
    """The same request, as long as its session lives: one connection can begin thousands of them."""
    headers = {
        name: value for name, value in request.headers.items() if name not in NOT_KEPT and not name.startswith("sec-")
    }
    while sum(len(name) + len(value) for name, value in headers.items()) > MAX_KEPT:
        del headers[max(headers, key=lambda name: len(headers[name]))]
    uri = next((each for each in (request.uri, request.raw_path) if len(each) <= MAX_URI), "/")
    same = HTTPRequest(
        request.method,
        uri,
        headers,
        peer=request.peer,
        secure=request.secure,
        direct=request.direct,
        server=request.server,
    )
    same.prefix, same.wildcards = request.prefix[:MAX_URI], ()
    return same
