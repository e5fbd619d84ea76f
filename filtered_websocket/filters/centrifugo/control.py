"""What the server API has all nodes do with their clients: end connections and subscriptions, make some, renew."""

from typing import Any

from twisted.logger import Logger

from filtered_websocket.filters.centrifugo.client import Client
from filtered_websocket.filters.centrifugo.codes import (
    BY_SERVER,
    CHANNEL_LIMIT,
    CONNECTION_EXPIRED,
    FORCED,
    Disconnect,
    Error,
)
from filtered_websocket.filters.centrifugo.connecting import show
from filtered_websocket.filters.centrifugo.connecting import watch_expiry as watch_connection
from filtered_websocket.filters.centrifugo.entering import Wish, enter
from filtered_websocket.filters.centrifugo.leaving import forget, unsubscribe, watch_expiry
from filtered_websocket.filters.centrifugo.messages import Push, Refresh, Subscribe, SubscribeRequest, SubscribeResult
from filtered_websocket.filters.centrifugo.overrides import Override
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.filters.centrifugo.subscribing import draft

_log = Logger()


class Control:
    """What one node does, by the names of the API's methods: each gets the values that `api` has checked.

    A user of "" stands for the clients that are nobody's.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.does = {
            "disconnect": self._disconnect,
            "unsubscribe": self._unsubscribe,
            "subscribe": self._subscribe,
            "refresh": self._refresh,
            "history_remove": self._history_remove,
        }

    def _clients(self, values: dict[str, Any]) -> list[Any]:
        """The clients of a user that are meant: all, or that of an id, or of a session."""
        of_user = self._state.users.get(values["user"], {})
        wanted, key = values.get("client"), values.get("session")
        found: list[Any] = [each for each in of_user.values() if not wanted or each.id == wanted]
        return [each for each in found if not key or getattr(each.connection, "key", each.id) == key]

    def _disconnect(self, values: dict[str, Any]) -> None:
        spared = values.get("whitelist", ())
        for client in self._clients(values):
            if client.id not in spared:
                client.end(Disconnect(values.get("code") or FORCED, values.get("reason") or ""))

    def _unsubscribe(self, values: dict[str, Any]) -> None:
        for client in self._clients(values):
            subscription = client.subscriptions.get(values["channel"])
            if subscription is not None:
                unsubscribe(client, subscription, BY_SERVER)

    def _refresh(self, values: dict[str, Any]) -> None:
        for client in self._clients(values):
            if values.get("expired"):
                client.disconnect(CONNECTION_EXPIRED)
                continue
            expires = _moment(values)
            client.expires = expires
            if values.get("info"):
                client.info = values["info"].encode("latin-1")
                client.steps.take(show(client)).addErrback(self._failed)
            client.push(Push(refresh=Refresh() if expires is None else Refresh(True, self._state.ttl(expires))))
            watch_connection(client)

    def _history_remove(self, values: dict[str, Any]) -> None:
        self._state.pipeline.hub.forget(values["channel"])

    def _subscribe(self, values: dict[str, Any]) -> None:
        for client in self._clients(values):
            client.steps.take(self._put_in(client, values)).addErrback(self._failed)

    @staticmethod
    def _failed(failure: Any) -> None:
        if not failure.check(Error, Disconnect):
            _log.failure("a client could not be put into a channel", failure)

    async def _put_in(self, client: Client, values: dict[str, Any]) -> None:
        channel = values["channel"]
        if client.ended or channel in client.subscriptions:
            return
        if len(client.subscriptions) >= client.pipeline.options.centrifugo_channel_limit:
            client.end(Disconnect(CHANNEL_LIMIT, limit="centrifugo_channel_limit"))
            return
        override = Override(*values.get("override") or ())
        options = override.of(self._state.namespaces.of(channel))
        since = values.get("since")
        request = SubscribeRequest(channel)
        if since is not None:
            request = request._replace(recover=True, offset=since[0], epoch=since[1])
        subscription = draft(client, request, options, server_side=True)
        subscription.info = values.get("info", "").encode("latin-1")
        subscription.expires = _moment(values)
        client.subscriptions[channel] = subscription

        def answer(results: dict[str, SubscribeResult]) -> None:
            if channel in results:
                _tell(client, channel, results[channel])

        try:
            await enter(client, [Wish(subscription, request, values.get("data", "").encode("latin-1"))], answer)
        except BaseException as error:
            forget(client, subscription)
            await subscription.disappear()
            if isinstance(error, Disconnect):
                client.end(error)
            raise
        watch_expiry(client, subscription)


def _moment(values: dict[str, Any]) -> float | None:
    """When something ends; None: never."""
    ends: int = values.get("expire_at") or 0
    return ends if ends > 0 else None


def _tell(client: Client, channel: str, result: SubscribeResult) -> None:
    """Push what a client has been put into, and what it missed there."""
    position = result.epoch, result.offset, result.positioned
    client.push(Push(channel, subscribe=Subscribe(result.recoverable, *position, result.data)))
    for publication in result.publications:
        client.push(Push(channel, pub=publication))
