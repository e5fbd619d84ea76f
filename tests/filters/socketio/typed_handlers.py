"""An application of handlers, with types: `test_types` checks it, and runs it."""

from typing import Any

from filtered_websocket.filters.socketio import handlers as socketio

sio = socketio.Server(namespaces=["/", "/chat"])


@sio.event
async def connect(sid: str, environ: dict[str, Any], auth: dict[str, str] | None) -> None:
    if not auth:
        raise socketio.ConnectionRefusedError("a name is wanted")
    await sio.save_session(sid, {"name": auth["name"]})
    await sio.enter_room(sid, "hall")


@sio.event
async def say(sid: str, text: str) -> str:
    async with sio.session(sid) as session:
        session["said"] = text
    session = await sio.get_session(sid)
    await sio.emit("said", (session["name"], text), room="hall", skip_sid=sid)
    return "heard"


@sio.on("*")
async def others(event: str, sid: str, *arguments: Any) -> str:
    return f"{event} is unknown"


@sio.event(namespace="/chat")
def rooms(sid: str) -> list[str]:
    return sio.rooms(sid, namespace="/chat")


@sio.on("bye", namespace="/chat")
def leave(sid: str) -> str:
    return "bye"


class Chat(socketio.Namespace):
    async def on_hello(self, sid: str, text: str) -> None:
        await self.emit("hello", text, to=sid)
        async with self.session(sid) as session:
            session["answer"] = await self.call("sure?", to=sid)


async def tick() -> None:
    await sio.sleep(1)
    await sio.emit("tick", callback=lambda *given: None)


sio.register_namespace(Chat("/chat"))
sio.on("say again", say)


@sio.event
async def start(sid: str) -> str:
    await sio.start_background_task(tick)
    # The decorator has left the function as it was.
    return await say(sid, "x")
