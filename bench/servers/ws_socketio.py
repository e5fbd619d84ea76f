"""python-socketio on aiohttp: `ws_socketio.py PORT`. ["join", {"room": r}] joins, ["m", r, payload] goes to r, and so
does POST /emit {"event", "room", "data"}."""

import sys

import socketio
from aiohttp import web
from loop import new_event_loop

sio = socketio.AsyncServer(async_mode="aiohttp", ping_interval=300)


@sio.event
async def join(sid, data):
    await sio.enter_room(sid, data["room"])


@sio.event
async def m(sid, room, payload):
    await sio.emit("m", payload, room=room)


async def emit(request):
    body = await request.json()
    await sio.emit(body["event"], body["data"], room=body["room"])
    return web.Response(text="OK")


app = web.Application()
app.router.add_post("/emit", emit)
sio.attach(app)
web.run_app(
    app,
    host="127.0.0.1",
    port=int(sys.argv[1]),
    backlog=4096,
    access_log=None,
    print=None,
    loop=new_event_loop(),
)
