"""What a polling session keeps of the request that began it."""

from filtered_websocket.web.request import HTTPRequest

MAX_KEPT = 4096
"""Characters of headers; of those that are too much the longest go first."""
NAMES = ("host", "origin", "user-agent", "cookie", "authorization")
"""What filters ask for once a client is there."""
MAX_URI = 1024
"""Characters: a longer one keeps its path only, or none of it."""


def kept(request: HTTPRequest) -> HTTPRequest:
    """The same request, as long as its session lives: one connection can begin thousands of them."""
    headers = {name: request.headers[name] for name in NAMES if name in request.headers}
    while sum(map(len, headers.values())) > MAX_KEPT:
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
