"""Filters of a line or two, which several tests put into a server."""

from twisted.internet import reactor
from twisted.internet.task import deferLater

from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketDisconnectFilter, WebSocketMessageFilter

BROADCAST = "filtered_websocket.filters.broadcast_messages"


class Echo(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        web_socket_instance.sendMessage(data)


class Later(WebSocketMessageFilter):
    @classmethod
    async def filter(cls, web_socket_instance, data):
        await deferLater(reactor, 5)
        web_socket_instance.sendMessage(b"late " + data)


class Broken(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        raise ValueError("a fault of the filter's author")


class Greet(WebSocketConnectFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        web_socket_instance.sendMessage(f"you are {len(web_socket_instance.users)}")


gone = []


class Note(WebSocketDisconnectFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        gone.append((web_socket_instance.close_code, web_socket_instance.close_reason))
