"""python-socketio on uvicorn and uvloop: `ws_socketio.py PORT`. What clients say is told in node_socketio.js."""

import sys

import socketio
import uvicorn

sio = socketio.AsyncServer(async_mode="asgi", ping_interval=300)


@sio.event
async def join(sid, room):
    await sio.enter_room(sid, room)


@sio.event
async def m(sid, room, payload):
    await sio.emit("m", payload, room=room)


@sio.event
async def a(sid, payload):
    return payload


uvicorn.run(
    socketio.ASGIApp(sio),
    host="127.0.0.1",
    port=int(sys.argv[1]),
    loop="uvloop",
    backlog=4096,
    log_level="warning",
    ws_per_message_deflate=False,
    ws_ping_interval=None,
)
