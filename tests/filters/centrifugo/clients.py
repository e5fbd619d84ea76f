"""A server of the pack in memory, and what its clients say and hear."""

import json
import time
from typing import Any

from filtered_websocket.filters.shared.tokens import issue
from filtered_websocket.testing.server import Server

CENTRIFUGO = "filtered_websocket.filters.centrifugo"
PATH = "/connection/websocket"
SECRET = "a secret of thirty-two bytes or so"

OPEN = {
    "allow_subscribe_for_client": True, "allow_subscribe_for_anonymous": True, "allow_publish_for_client": True,
    "allow_publish_for_anonymous": True,
}  # fmt: skip
NAMESPACES = [
    {"name": "open", **OPEN, "presence": True, "allow_presence_for_client": True, "allow_presence_for_anonymous": True},
    {"name": "closed"},
    {
        "name": "kept", **OPEN, "history_size": 10, "history_ttl": "300s", "force_recovery": True,
        "allow_history_for_client": True, "allow_history_for_anonymous": True,
    },
    {
        "name": "cache", **OPEN, "history_size": 5, "history_ttl": "300s", "force_recovery": True,
        "force_recovery_mode": "cache",
    },
    {"name": "joins", **OPEN, "presence": True, "join_leave": True, "force_push_join_leave": True},
]  # fmt: skip


def serving(*filters: Any, **options: Any) -> Server:
    given: dict[str, Any] = {
        "centrifugo_token_hmac_secret": SECRET,
        "centrifugo_allow_anonymous": True,
        "centrifugo_namespaces": NAMESPACES,
    }
    return Server(*filters, CENTRIFUGO, **(given | options))


def token(user: str = "u1", **claims: Any) -> str:
    return issue({"sub": user, **claims}, SECRET)


def later(seconds: float = 100) -> int:
    return int(time.time() + seconds)


class Speaking:
    """A client that speaks JSON, and has its commands numbered.

    :ivar pushes: that it has heard, and nobody has asked for yet
    """

    def __init__(self, server: Server, path: str = PATH, **keywords: Any) -> None:
        self.server, self.wire = server, server.connect(path, **keywords)
        self.number = 0
        self.pushes: list[Any] = []

    def say(self, *commands: Any) -> None:
        """Send commands in one frame; texts as they are."""
        self.wire.send("\n".join(each if isinstance(each, str) else json.dumps(each) for each in commands))

    def hear(self) -> list[Any]:
        """All messages since this was last called."""
        return [json.loads(line) for message in self.wire.received() for line in str(message).split("\n")]

    def ask(self, name: str, /, **request: Any) -> Any:
        """Send a command; gives its result, or its error."""
        self.number += 1
        self.say({name: request, "id": self.number})
        return self.answer(self.number, name)

    def answer(self, number: int, name: str) -> Any:
        found = None
        for each in self.hear():
            if each.get("id") == number:
                found = each
            else:
                self.pushes.append(each.get("push", each))
        if found is None:
            return None
        return found["error"]["code"] if "error" in found else found[name]

    def pushed(self) -> list[Any]:
        """The pushes since this was last asked."""
        self.pushes += [each.get("push", each) for each in self.hear()]
        pushes, self.pushes = self.pushes, []
        return pushes

    def data(self, channel: str = "") -> list[Any]:
        """The data of publications since this was last asked."""
        return [each["pub"]["data"] for each in self.pushed() if "pub" in each and channel in ("", each["channel"])]

    def subscribe(self, channel: str, **request: Any) -> Any:
        return self.ask("subscribe", channel=channel, **request)

    def publish(self, channel: str, data: Any) -> Any:
        return self.ask("publish", channel=channel, data=data)

    @property
    def closed(self) -> tuple[int | None, str | None]:
        return self.wire.close_code, self.wire.close_reason

    @property
    def session(self) -> Any:
        return self.wire.connection.centrifugo  # type: ignore[attr-defined]


def connected(server: Server, user: str | None = None, path: str = PATH, **claims: Any) -> Speaking:
    """A client that has connected, with a token of a user or as nobody."""
    client = Speaking(server, path)
    said = {} if user is None else {"token": token(user, **claims)}
    client.result = client.ask("connect", **said)  # type: ignore[attr-defined]
    return client
