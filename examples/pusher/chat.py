"""The page of the chat, and the endpoint that signs for its users. Usually that one is in an application of its own."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qsl

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
    """Signs for every client, under the name that it gives. Your own login would check name and channel here.

    It is asked as pusher-js asks: by a form with ``socket_id``, ``channel_name`` and what the page adds in ``params``.
    """

    path = "/pusher/auth"
    methods = ("POST",)

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> dict[str, str]:
        asked, app = dict(parse_qsl(request.body.decode(errors="replace"))), pipeline.options.pusher_apps[0]
        socket_id, name = asked.get("socket_id", ""), asked.get("name", "")
        # With a socket_id such as 1.2:private-else the signature would open another channel.
        if not re.fullmatch("[0-9]+[.][0-9]+", socket_id) or asked.get("channel_name") != "presence-chat":
            raise HTTPError(403, "socket_id and channel_name=presence-chat are wanted")
        if not 0 < len(name) <= 40:
            raise HTTPError(403, "a name of 1 to 40 characters is wanted")
        about = json.dumps({"user_id": name, "user_info": {"name": name}})
        return {"auth": f"{app.key}:{sign(app.secret, f'{socket_id}:presence-chat:{about}')}", "channel_data": about}
