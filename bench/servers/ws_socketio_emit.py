"""python-socketio on aiohttp, which has no recovery: `ws_socketio_emit.py PORT`. ["join", {"room": r}] joins,
POST /emit {"event", "room", "data"} emits.
"""

import sys

import socketio
from aiohttp import web
from loop import new_event_loop

sio = socketio.AsyncServer(async_mode="aiohttp")


@sio.event
async def join(sid, data):
    await sio.enter_room(sid, data["room"])


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
