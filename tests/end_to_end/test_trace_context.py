"""W3C Trace Context: from the client's handshake to filters, web hooks and the log of a real server."""

import json
from contextlib import ExitStack
from pathlib import Path

from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.web.trace_parent import read
from tests.support.channel_servers import running
from tests.support.raw_client import DEADLINE
from tests.support.receiver import receiving
from tests.support.websocket_client import connect

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADER = f"00-{TRACE}-00f067aa0ba902b7-01"
KEY, SECRET = "k" * 64, "secret"
TELLS = """
import logging
from filtered_websocket.filters.base import WebSocketConnectFilter

class Tells(WebSocketConnectFilter):
    @classmethod
    def filter(cls, connection, data):
        logging.getLogger("mine").warning("connected, %s", connection.request.traceparent)
"""


def test_a_trace_goes_on_from_the_handshake_to_filters_the_log_and_web_hooks(tmp_path: Path) -> None:
    (tmp_path / "tells.py").write_text(TELLS)
    with ExitStack() as stack:
        receiver = stack.enter_context(receiving())
        app = {"id": "1001", "key": KEY, "secret": SECRET, "client_events": True, "webhooks": [receiver.url]}
        options = {"pusher_apps": [app], "pusher_webhook_private": True, "log_format": "json"}
        server = stack.enter_context(
            running(tmp_path, filters=["tells", "filtered_websocket.filters.pusher"], **options)
        )
        url = f"ws://127.0.0.1:{server.port}/app/{KEY}?protocol=7"
        for header, trace in (("00-nonsense", None), (HEADER, TRACE)):
            client = stack.enter_context(connect(url, additional_headers={"traceparent": header}, close_timeout=0.1))
            socket_id = json.loads(json.loads(client.recv(DEADLINE))["data"])["socket_id"]
            server.wait_for("connected, None" if trace is None else f"connected, TraceParent.*{TRACE}")
            (*_, said) = (json.loads(line) for line in server.log.splitlines() if '"mine"' in line)
            assert said.get("trace_id") == trace
            auth = f"{KEY}:{sign(SECRET, f'{socket_id}:private-a')}"
            data = {"channel": "private-a", "auth": auth}
            client.send(json.dumps({"event": "pusher:subscribe", "data": data}))
            while json.loads(client.recv(DEADLINE))["event"] != "pusher_internal:subscription_succeeded":
                pass
            client.send(json.dumps({"event": "client-hi", "channel": "private-a", "data": "x"}))
            hook = receiver.next()
            while json.loads(hook.body)["events"][-1]["name"] != "client_event":
                hook = receiver.next()
            if trace is None:
                assert "traceparent" not in hook.headers
            else:
                told = read(hook.headers["traceparent"])
                assert told is not None
                assert (told.trace_id, told.sampled) == (TRACE, True)
                assert told.span_id not in HEADER
