"""A WebSocket server made of filter pipelines: ``cat server_event | behaviour_a | behaviour_b``.

    from filtered_websocket import Connection, Pipeline, Publication, Request, StorageObject

are the types of what filters get. They are loaded when they are asked for: to import the package
loads no Twisted.

A program may import the package and then run pytest, whose plugin is in it. pytest would warn of that, but for a word:
PYTEST_DONT_REWRITE.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filtered_websocket.chain.interfaces import Connection as Connection
    from filtered_websocket.chain.interfaces import Pipeline as Pipeline
    from filtered_websocket.chain.request import Request as Request
    from filtered_websocket.chain.storage import Storage as StorageObject
    from filtered_websocket.messages.publication import Publication as Publication

__version__ = "1.0.0"
__all__ = ["Connection", "Pipeline", "Publication", "Request", "StorageObject"]


def __getattr__(name: str) -> type:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from filtered_websocket.chain.interfaces import Connection, Pipeline
    from filtered_websocket.chain.request import Request
    from filtered_websocket.chain.storage import Storage
    from filtered_websocket.messages.publication import Publication

    given = (Connection, Pipeline, Publication, Request, Storage)
    return dict(zip(__all__, given, strict=True))[name]
