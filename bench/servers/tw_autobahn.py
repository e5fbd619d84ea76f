"""Plain Autobahn on Twisted as shipped: `tw_autobahn.py PORT`; the path is the channel, /echo echoes.

A frame is prepared once per publication, as Autobahn's own broadcast example does. Nothing else is tuned.
"""

import sys
from collections import defaultdict

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import epollreactor

epollreactor.install()

from twisted.internet import reactor  # noqa: E402  (importing it would install the default one)

channels = defaultdict(set)


class Channel(WebSocketServerProtocol):
    def onConnect(self, request):
        self.channel = request.path

    def onOpen(self):
        channels[self.channel].add(self)

    def onMessage(self, payload, isBinary):
        if self.channel == "/echo":
            self.sendMessage(payload, isBinary)
            return
        prepared = self.factory.prepareMessage(payload, isBinary)
        for member in channels[self.channel]:
            member.sendPreparedMessage(prepared)

    def onClose(self, wasClean, code, reason):
        if hasattr(self, "channel"):
            channels[self.channel].discard(self)


factory = WebSocketServerFactory()
factory.protocol = Channel
reactor.listenTCP(int(sys.argv[1]), factory, backlog=4096, interface="127.0.0.1")
reactor.run()
