"""picows, which is Cython; options.py tells its arguments and what a path means. It has no compression."""

from collections import defaultdict

import options
from loop import run
from picows import WSListener, WSMsgType, ws_create_server

channels = defaultdict(set)


class Channel(WSListener):
    def __init__(self, path):
        self.path = path
        self.many = path.startswith("/join")

    def on_ws_connected(self, transport):
        self.joined = [channels[channel] for channel in options.channels_of(self.path)]
        for members in self.joined:
            members.add(transport)

    def on_ws_frame(self, transport, frame):
        if frame.msg_type is WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
            return
        payload = frame.get_payload_as_bytes()
        if self.path == "/echo":
            transport.send(WSMsgType.TEXT, payload)
            return
        members = channels[payload.partition(b" ")[0].decode()] if self.many else self.joined[0]
        for member in members:
            member.send(WSMsgType.TEXT, payload)

    def on_ws_disconnected(self, transport):
        for members in self.joined:
            members.discard(transport)


async def main():
    server = await ws_create_server(
        lambda request: Channel(request.path.decode()), "127.0.0.1", options.PORT, ssl=options.SSL, backlog=4096
    )
    await server.serve_forever()


run(main())
