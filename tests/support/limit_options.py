"""The options of limits, out of one document."""

from filtered_websocket.config import Configuration
from filtered_websocket.limits import options as limits


def resolve(**document):
    configuration = Configuration((), {}, document=document)
    configuration.declare(limits.OPTIONS, "limits")
    return configuration.resolve()
