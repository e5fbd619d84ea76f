"""Centrifugo's client protocol: channels with history and recovery, presence, and applications of filters.

    GET /connection/websocket       101  JSON; subprotocol centrifuge-protobuf, or ?format=protobuf: protobuf
    -> {"id":1,"connect":{"token"}} <- {"id":1,"connect":{"client","version","ping","pong","subs"}}
    -> {"id":2,"subscribe":{"channel","token","recover","epoch","offset"}}
         <- {"id":2,"subscribe":{"recoverable","positioned","epoch","offset","recovered","publications"}}
    -> {"id":3,"publish":{"channel","data"}}        <- {"id":3,"publish":{}}
    -> unsubscribe, presence, presence_stats, history, rpc, refresh, sub_refresh: answered likewise
    -> {"send":{"data"}}                            answered by nothing
         <- {"id":4,"error":{"code","message"}}     what may not be
    <- {"push":{"channel","pub":{"data","offset","info","tags"}}}
    <- {"push":{"channel","join":{"info"}}}, leave; {"push":{"channel","unsubscribe":{"code","reason"}}}
    <- {"push":{"message":{"data"}}}                what a filter sends to one client
    <- {}  -> {}                                    a ping and its pong

A frame holds several messages: on JSON a line each, on protobuf each behind its length. `codes` has the errors, the
close codes and the codes of unsubscribe; 3501 is what no client sends. What an application decides: `events`.
"""

from filtered_websocket.filters.centrifugo import emulation, filters, rest, streaming, unidirectional
from filtered_websocket.filters.centrifugo.auth import ServerSubscription
from filtered_websocket.filters.centrifugo.client import Client
from filtered_websocket.filters.centrifugo.codes import Disconnect, Error
from filtered_websocket.filters.centrifugo.events import (
    CentrifugoConnectFilter,
    CentrifugoDisconnectFilter,
    CentrifugoPublishFilter,
    CentrifugoRefreshFilter,
    CentrifugoRPCFilter,
    CentrifugoSendFilter,
    CentrifugoSubRefreshFilter,
    CentrifugoSubscribeFilter,
    CentrifugoUnsubscribeFilter,
)
from filtered_websocket.filters.centrifugo.options import DEFAULTS, OPTIONS, ORIGINAL, check
from filtered_websocket.filters.centrifugo.speech import CentrifugoSpeech

SPEECH = CentrifugoSpeech()

CHECK = check

__all__ = [
    "CHECK",
    "DEFAULTS",
    "OPTIONS",
    "ORIGINAL",
    "SPEECH",
    "CentrifugoConnectFilter",
    "CentrifugoDisconnectFilter",
    "CentrifugoPublishFilter",
    "CentrifugoRPCFilter",
    "CentrifugoRefreshFilter",
    "CentrifugoSendFilter",
    "CentrifugoSubRefreshFilter",
    "CentrifugoSubscribeFilter",
    "CentrifugoUnsubscribeFilter",
    "Client",
    "Disconnect",
    "Error",
    "ServerSubscription",
    "emulation",
    "filters",
    "rest",
    "streaming",
    "unidirectional",
]
