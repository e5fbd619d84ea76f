"""One server: what listens, and what its pipelines share."""

from filtered_websocket.server.server import Server

__all__ = ["Server"]
