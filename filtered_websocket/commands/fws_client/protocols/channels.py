"""What Pushi's and Pusher's packets have in common: events on channels, subscriptions signed for a socket's id."""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import SplitResult

from filtered_websocket.commands.fws_client.protocols.base import (
    BadTerms,
    Denied,
    Established,
    Event,
    Frame,
    Heard,
    Protocol,
    Subscribed,
    Terms,
    dumps,
    loads,
    text_of,
)
from filtered_websocket.filters.shared.signatures import sign


class ChannelProtocol(Protocol):
    """
    :cvar signed: prefixes of the channels that take a signature
    """

    confirms = True
    greets = True
    signed: tuple[str, ...] = ("private-", "presence-")

    def __init__(self, url: SplitResult, terms: Terms) -> None:
        super().__init__(url, terms)
        self.begin()

    def begin(self) -> None:
        self.socket_id = ""

    @property
    def app_key(self) -> str:
        """The app's key: as given, or the last segment of the URL's path.

        :raises BadTerms: there is none
        """
        key = self.terms.app_key or self.url.path.rpartition("/")[2]
        if not key:
            raise BadTerms("the app's key is wanted: --app_key, or as the end of the URL's path")
        return key

    def hear(self, frame: Frame) -> Iterable[Event]:
        packet = loads(frame)
        if packet is None:
            yield Heard(frame, "", frame)
            return
        event, channel = text_of(packet.get("event")), text_of(packet.get("channel"))
        if event == "pusher:connection_established":
            self.socket_id = text_of(members_of(packet.get("data")).get("socket_id"))
            yield Established()
        elif event == "pusher_internal:subscription_succeeded":
            yield Subscribed(channel)
        elif event in ("pusher:error", "pusher:subscription_error", "pusher_internal:subscription_error"):
            data = members_of(packet.get("data"))
            yield Denied(str(data.get("message") or data.get("error") or data), channel)
        else:
            yield from self.happened(event, channel, packet, frame)

    def happened(self, event: str, channel: str, packet: dict[str, Any], frame: Frame) -> Iterable[Event]:
        """Any other packet."""
        yield Heard(frame, channel, packet.get("data"))

    def subscribe(self, channel: str) -> Frame:
        data = {"channel": channel}
        if channel.startswith("presence-"):
            data["channel_data"] = dumps({"user_id": self.terms.user})
        if channel.startswith(self.signed):
            if not self.terms.secret:
                raise BadTerms(f"{channel} takes a signature: --secret is wanted, that of the app")
            message = ":".join((self.socket_id, *data.values()))
            data["auth"] = f"{self.app_key}:{sign(self.terms.secret, message)}"
        return dumps({"event": "pusher:subscribe", "data": data})

    def unsubscribe(self, channel: str) -> Frame:
        return dumps({"event": "pusher:unsubscribe", "data": {"channel": channel}})


def members_of(data: Any) -> dict[str, Any]:
    """The data of a server's packet: a text that holds an object, or the object."""
    try:
        value = json.loads(data) if isinstance(data, str) else data
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
