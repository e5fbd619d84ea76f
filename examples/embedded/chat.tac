"""A chat as a service of a Twisted application, beside whatever else the application does: twistd -ny chat.tac"""

from twisted.application.service import Application

from filtered_websocket.commands.embedded import EmbeddedServer

application = Application("chat")
EmbeddedServer(filters=["filtered_websocket.filters.broadcast_messages"], port=9000).setServiceParent(application)
