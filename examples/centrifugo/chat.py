"""The page of the chat, and what decides in it: who connects, and what may be said."""

from pathlib import Path

from filtered_websocket import Pipeline
from filtered_websocket.filters.centrifugo import (
    CentrifugoConnectFilter,
    CentrifugoPublishFilter,
    Client,
    Disconnect,
    Error,
)
from filtered_websocket.filters.centrifugo.events import Connect, Publish
from filtered_websocket.web.base import Endpoint, HTTPRequest, Response


class Page(Endpoint):
    path = "/"

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Response:
        page = Path(__file__).with_name("chat.html").read_bytes()
        return Response(200, page, content_type="text/html; charset=utf-8")


class Enter(CentrifugoConnectFilter):
    """Clients have the names that they give. Your own login would look at a token, or at a cookie of the request."""

    @classmethod
    def filter(cls, client: Client, event: Connect) -> None:
        match event.json:
            case {"name": str(name)} if 0 < len(name) <= 40:
                event.user = name
            case _:
                raise Disconnect(4501, "a name of 1 to 40 characters is wanted")


class Say(CentrifugoPublishFilter):
    @classmethod
    def filter(cls, client: Client, event: Publish) -> None:
        match event.json:
            case {"text": str(text)} if 0 < len(text) <= 1000:
                pass
            case _:
                raise Error(400, "a text of 1 to 1,000 characters is wanted")
