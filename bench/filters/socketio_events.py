"""What the generator's clients of Socket.IO say, as servers/node_socketio.js answers it."""

from filtered_websocket.filters.socketio import SocketIOEventFilter, namespace


class Join(SocketIOEventFilter):
    event = "join"

    @classmethod
    def filter(cls, socket, room):
        socket.join(room)


class Say(SocketIOEventFilter):
    event = "m"

    @classmethod
    def filter(cls, socket, room, payload):
        namespace(socket.connection.pipeline, "/").to(room).emit("m", payload)


class Ask(SocketIOEventFilter):
    event = "a"

    @classmethod
    def filter(cls, socket, payload):
        return payload
