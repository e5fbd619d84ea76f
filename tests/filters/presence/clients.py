"""A client that keeps the list of members, and believes nothing that does not fit it."""

import json
from typing import Any

from filtered_websocket.filters.base import WebSocketHandshakeFilter
from filtered_websocket.testing import Client, Server

PRESENCE = "filtered_websocket.filters.presence"


class Named(WebSocketHandshakeFilter):
    """The user is who the URL says."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> None:
        web_socket_instance.user = data.params.get("user", [None])[0]


class Watcher:
    """
    :ivar users: that are here, as it knows them; None before it has the list
    :ivar heard: the messages that it has got
    """

    def __init__(self) -> None:
        self.users: list[str] | None = None
        self.anonymous = 0
        self.heard: list[dict[str, Any]] = []

    def hear(self, text: str) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(text)
        self.heard.append(message)
        kind, users = message["presence"], message["users"]
        assert len(set(users)) == len(users)
        if self.users is None:
            assert kind == "here"
            self.users = [*users]
        elif kind == "joined":
            assert not set(users) & set(self.users), f"{users} joined twice"
            self.users += users
        else:
            assert kind == "left"
            for each in users:
                assert each in self.users, f"{each} left twice"
                self.users.remove(each)
        assert message["count"] == len(self.users)
        assert users or kind == "here" or message["anonymous"] != self.anonymous, "nothing has changed"
        self.anonymous = message["anonymous"]
        return message


class KitWatcher(Watcher):
    """One of the kit's.

    :param user: None: it says nothing of itself
    """

    def __init__(self, server: Server, user: str | None) -> None:
        super().__init__()
        self.user = user
        self.client: Client = server.connect("/" if user is None else f"/?user={user}")

    def listen(self) -> None:
        for text in self.client.received():
            assert isinstance(text, str)
            if text.startswith('{"presence"'):
                self.hear(text)

    @property
    def news(self) -> list[tuple[str, list[str], int]]:
        """What it has heard since this was last asked."""
        self.listen()
        heard, self.heard = self.heard, []
        return [(each["presence"], each["users"], each["anonymous"]) for each in heard]
