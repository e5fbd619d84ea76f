"""The page of the chat, and the endpoint that signs for its users. Usually that one is in an application of its own."""

import json
import re
from pathlib import Path

from filtered_websocket import Pipeline
from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.web.base import Endpoint, HTTPError, HTTPRequest, Response


class Page(Endpoint):
    path = "/"

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Response:
        page = Path(__file__).with_name("chat.html").read_bytes()
        return Response(200, page, content_type="text/html; charset=utf-8")


class Auth(Endpoint):
    """Signs for every client, under the name that it gives. Your own login would check name and channel here."""

    path = "/auth"

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> dict[str, str]:
        app, name = pipeline.options.pushi_apps[0], request.argument("name", "")
        socket_id = request.argument("socket_id", "")
        # With a socket_id such as UUID:private-else the signature would open another channel.
        if not re.fullmatch("[0-9a-f-]{36}", socket_id) or not 0 < len(name) <= 40:
            raise HTTPError(400, "socket_id and a name are wanted")
        about = json.dumps({"user_id": name, "peer": True})
        # The signature covers the name too: with --pushi_signed_presence nothing else is taken.
        return {"auth": f"{app.key}:{sign(app.secret, f'{socket_id}:presence-chat:{about}')}", "channel_data": about}
