"""The page of the chat, and what decides in it: who connects, and what may be said."""

from pathlib import Path

from filtered_websocket.filters.centrifugo import CentrifugoConnectFilter, CentrifugoPublishFilter, Disconnect, Error
from filtered_websocket.web.base import Endpoint, Response


class Page(Endpoint):
    path = "/"

    @classmethod
    def handle(cls, pipeline, request):
        page = Path(__file__).with_name("chat.html").read_bytes()
        return Response(200, page, content_type="text/html; charset=utf-8")


class Enter(CentrifugoConnectFilter):
    """Clients have the names that they give. Your own login would look at a token, or at a cookie of the request."""

    @classmethod
    def filter(cls, client, event):
        name = event.json.get("name") if isinstance(event.json, dict) else None
        if not isinstance(name, str) or not 0 < len(name) <= 40:
            raise Disconnect(4501, "a name of 1 to 40 characters is wanted")
        event.user = name


class Say(CentrifugoPublishFilter):
    @classmethod
    def filter(cls, client, event):
        text = event.json.get("text") if isinstance(event.json, dict) else None
        if not isinstance(text, str) or not 0 < len(text) <= 1000:
            raise Error(400, "a text of 1 to 1,000 characters is wanted")
