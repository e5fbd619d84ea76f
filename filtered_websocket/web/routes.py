"""Which endpoint answers a path."""

from typing import Any, NamedTuple

from filtered_websocket.web.base import EndpointMeta
from filtered_websocket.web.response import HTTPError

Group = tuple[EndpointMeta, ...]


class Route(NamedTuple):
    """Where a request goes.

    :ivar endpoint: what answers, or at least renders the error
    :ivar limit: bytes that the body may have
    :ivar error: there is no answer but this
    :ivar group: all endpoints of that path
    """

    endpoint: Any
    pipeline: Any
    limit: int
    error: HTTPError | None = None
    group: Group = ()
