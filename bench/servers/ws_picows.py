"""picows, which is Cython: `ws_picows.py PORT`; the path is the channel, /echo echoes."""

import sys
from collections import defaultdict

from loop import run
from picows import WSListener, WSMsgType, ws_create_server

channels = defaultdict(set)


class Channel(WSListener):
    def __init__(self, path):
        self.path = path

    def on_ws_connected(self, transport):
        self.members = channels[self.path]
        self.members.add(transport)

    def on_ws_frame(self, transport, frame):
        if frame.msg_type is WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
            return
        payload = frame.get_payload_as_bytes()
        if self.path == "/echo":
            transport.send(WSMsgType.TEXT, payload)
            return
        for member in self.members:
            member.send(WSMsgType.TEXT, payload)

    def on_ws_disconnected(self, transport):
        self.members.discard(transport)


async def main():
    server = await ws_create_server(
        lambda request: Channel(request.path.decode()), "127.0.0.1", int(sys.argv[1]), backlog=4096
    )
    await server.serve_forever()


run(main())
