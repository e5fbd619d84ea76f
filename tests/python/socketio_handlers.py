"""python-socketio's AsyncServer with a module of handlers: python socketio_handlers.py FOLDER.

Reads steps as one JSON line, ``[[client, packet], ...]``, and prints what each has sent to each client. ``ACK`` in a
packet is the number of the acknowledgement that was last asked for. A client is a WebSocket of ASGI, without HTTP.
"""

import asyncio
import json
import os
import sys

import socketio  # python-socketio's, of build/python

sys.path.insert(0, sys.argv[1])
import application

app = socketio.ASGIApp(application.sio)
TURNS = 200


class Client:
    def __init__(self):
        self.sent, self.to_send = [], asyncio.Queue()
        self.to_send.put_nowait({"type": "websocket.connect"})
        scope = {
            "type": "websocket",
            "path": "/socket.io/",
            "raw_path": b"/socket.io/",
            "query_string": b"EIO=4&transport=websocket",
            "headers": [(b"host", b"localhost"), (b"upgrade", b"websocket"), (b"connection", b"Upgrade")],
        }
        self.task = asyncio.ensure_future(app(scope, self.to_send.get, self._receive))

    async def _receive(self, message):
        if message["type"] == "websocket.send":
            data = message.get("text")
            self.sent.append(data if data is not None else {"bytes": list(message["bytes"])})

    def send(self, packet):
        kind = {"bytes": bytes(packet["bytes"])} if isinstance(packet, dict) else {"text": packet}
        self.to_send.put_nowait({"type": "websocket.receive", **kind})


async def main():
    clients, answers, asked = {}, [], ""
    for name, packet in json.loads(sys.stdin.readline()):
        if name not in clients:
            clients[name] = Client()
            await turns()
            clients[name].sent.clear()  # the greeting
        clients[name].send(packet.replace("ACK", asked) if isinstance(packet, str) else packet)
        await turns()
        answers.append({name: client.sent[:] for name, client in clients.items() if client.sent})
        for client in clients.values():
            for each in client.sent:
                if '["question"' in str(each):
                    asked = each[2 : each.index("[")]
            client.sent.clear()
    print(json.dumps(answers), flush=True)
    os._exit(0)  # its tasks wait for pings


async def turns():
    for _ in range(TURNS):
        await asyncio.sleep(0)


asyncio.run(main())
