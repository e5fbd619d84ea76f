"""Options of a use, connections as questions know them, and backends that are asked in the reactor's thread."""

from types import SimpleNamespace

from filtered_websocket.filters.http_callback.options import OPTIONS
from filtered_websocket.web.request import HTTPRequest


def options(**values):
    """
    :param values: without ``http_callback_`` before their names
    """
    known = {option.name: option.default for option in OPTIONS}
    given = {f"http_callback_{name}": value for name, value in values.items()}
    assert given.keys() <= known.keys()
    return SimpleNamespace(**known | given, filter_timeout=30.0)


def connection(**values):
    request = HTTPRequest(
        "GET", "/chat?room=1", {"host": "ws.example", "origin": "https://a.example"}, peer="192.0.2.1"
    )
    known = {"id": "c1", "user": "ann", "close_code": 1000, "close_reason": "bye", "request": request}
    return SimpleNamespace(**known | values, pipeline=SimpleNamespace(name=""))
