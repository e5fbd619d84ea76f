"""Philote's HTTP API: /api/info, for tokens that may."""

import os
import platform
import sys
from typing import Any

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.philote import auth
from filtered_websocket.filters.philote.state import State
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError

VERSION = "0.3.1"
"""Of Philote: the one that is spoken."""

_GO_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm"}


class Api(Endpoint):
    """All of /api, behind whatever path the pipeline has."""

    path = "*/api*"
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> dict[str, Any]:
        access = auth.check(auth.token_of(request), State.of(pipeline).keys)
        if not access.api:
            raise HTTPError(403, "this token is not one for the API")
        if request.method not in ("GET", "HEAD") or request.wildcards[-1] != "/info":
            raise HTTPError(420, "GET /api/info is all there is")
        return info(pipeline)


def info(pipeline: Pipeline) -> dict[str, Any]:
    """What /api/info tells, under Philote's names: those of Go tell of Python."""
    options, uptime = pipeline.options, State.of(pipeline).uptime
    return {
        "version": VERSION,
        "go_arch": _GO_ARCHITECTURES.get(platform.machine(), platform.machine()),
        "go_os": sys.platform,
        "go_version": f"python{platform.python_version()}",
        "num_cpu": os.cpu_count(),
        "uptime_in_seconds": uptime,
        "uptime_in_days": uptime // 86400,
        "tcp_port": str(getattr(options, "port", 0)),  # in the testing kit there is none
        "pid": os.getpid(),
        "connections": len(pipeline.users),
        "max_connections": options.philote_max_connections,
        "read_buffer_size": options.philote_read_buffer_size,
        "write_buffer_size": options.philote_write_buffer_size,
        "check_origin": options.philote_check_origin,
    }
