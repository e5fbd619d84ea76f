"""What each command of a client does, but connect: a result, or a Deferred of one, or None where it answers itself."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.centrifugo import connecting, publishing, reading, subscribing
from filtered_websocket.filters.centrifugo.client import Client
from filtered_websocket.filters.centrifugo.codes import (
    METHOD_NOT_FOUND,
    NO_HANDLER,
    NOT_AVAILABLE,
    PERMISSION_DENIED,
    Disconnect,
    Error,
)
from filtered_websocket.filters.centrifugo.events import RPC, CentrifugoRPCFilter, CentrifugoSendFilter, Send, raw_of
from filtered_websocket.filters.centrifugo.messages import HistoryRequest, RPCRequest, RPCResult, SendRequest
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions


def _subscribe(client: Client, request: Any, number: int) -> Deferred[Any]:
    return client.steps.take(subscribing.subscribe(client, request, partial(client.reply, number, "subscribe")))


def _unsubscribe(client: Client, request: Any, _: int) -> Deferred[Any]:
    return client.steps.take(subscribing.unsubscribe(client, request))


def _sub_refresh(client: Client, request: Any, _: int) -> Deferred[Any]:
    return client.steps.take(subscribing.sub_refresh(client, request))


def _refresh(client: Client, request: Any, _: int) -> Deferred[Any]:
    return client.steps.take(connecting.refresh(client, request))


def _publish(client: Client, request: Any, _: int) -> Any:
    return publishing.publish(client, request)


def _presence(client: Client, request: Any, _: int) -> Deferred[Any]:
    options = _readable(client, request.channel, "presence")
    return start(reading.presence(client.state, request.channel, options))


def _presence_stats(client: Client, request: Any, _: int) -> Deferred[Any]:
    options = _readable(client, request.channel, "presence")
    return start(reading.presence_stats(client.state, request.channel, options))


def _history(client: Client, request: HistoryRequest, _: int) -> Deferred[Any]:
    most = client.pipeline.options.centrifugo_history_limit
    request = request._replace(limit=most if request.limit < 0 else min(request.limit, most))
    options = _readable(client, request.channel, "history")
    binary = client.encoding.codec.binary
    return start(reading.history(client.state, request.channel, options, request, binary))


def _readable(client: Client, channel: str, what: str) -> ChannelOptions:
    """The options of a channel of which the client may see presence or history.

    :raises Error: it may not, or there is none
    """
    options = client.state.namespaces.checked(channel)
    if not (options.keeps_history if what == "history" else options.presence):
        raise Error(NOT_AVAILABLE)
    insecure = client.pipeline.options.centrifugo_insecure
    if not insecure and not options.may(what, client.user, channel in client.subscriptions):
        raise Error(PERMISSION_DENIED)
    return options


def _rpc(client: Client, request: RPCRequest, _: int) -> Any:
    chains, answers_ping = client.chains, client.pipeline.options.centrifugo_rpc_ping
    steps = chains.of_method(request.method)
    if not steps:
        if request.method == "ping" and answers_ping:
            return RPCResult()
        raise Error(METHOD_NOT_FOUND if answers_ping or chains.of(CentrifugoRPCFilter) else NOT_AVAILABLE)
    result = chains.run(steps, client, RPC(request.method, request.data))
    return result.addCallback(_result_of_rpc) if isinstance(result, Deferred) else _result_of_rpc(result)


def _result_of_rpc(value: Any) -> RPCResult:
    if value is None:
        raise Error(METHOD_NOT_FOUND)
    return RPCResult(raw_of(value))


def _send(client: Client, request: SendRequest, _: int) -> Any:
    chains = client.chains
    steps = chains.of(CentrifugoSendFilter)
    if not steps:
        raise Disconnect(NO_HANDLER)
    result = chains.run(steps, client, Send(request.data))
    return result.addCallback(lambda _: None) if isinstance(result, Deferred) else None


HANDLERS: Mapping[str, Callable[[Client, Any, int], Any]] = {
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "publish": _publish,
    "presence": _presence,
    "presence_stats": _presence_stats,
    "history": _history,
    "send": _send,
    "rpc": _rpc,
    "refresh": _refresh,
    "sub_refresh": _sub_refresh,
}
"""By the field of a command; called with the client, the request, and the command's number."""
