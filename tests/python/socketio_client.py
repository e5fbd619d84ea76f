"""A client of Socket.IO, told what to do in lines of JSON: python socketio_client.py URL TRANSPORT,..."""

import json
import sys
import threading
from typing import Any

import socketio  # python-socketio's, of build/python

one_at_a_time = threading.Lock()


def say(**line: Any) -> None:
    with one_at_a_time:  # the client calls each handler in a thread of its own
        print(json.dumps(line, default=lambda data: {"bytes": list(data)}), flush=True)


class Client(socketio.Client):  # type: ignore[misc]
    """Tells of all events: python-socketio 4 has no handler for whatever has none."""

    def _trigger_event(self, event: str, namespace: str, *args: Any) -> None:
        if event not in ("connect", "disconnect", "connect_error"):
            say(**{"is": "event"}, event=event, args=args)
        super()._trigger_event(event, namespace, *args)


client = Client(reconnection=False)


@client.event  # type: ignore[untyped-decorator]
def connect() -> None:
    say(
        **{"is": "connect"},
        id=client.get_sid() if hasattr(client, "get_sid") else client.sid,
        transport=client.transport(),
    )


@client.event  # type: ignore[untyped-decorator]
def disconnect(reason: str = "") -> None:
    say(**{"is": "disconnect"}, reason=reason)


def acknowledged(number: int) -> Any:
    return lambda *args: say(**{"is": "ack"}, ack=number, args=args)


try:
    client.connect(sys.argv[1], transports=sys.argv[2].split(","))
except socketio.exceptions.ConnectionError as error:
    say(**{"is": "error"}, message=str(error))
    sys.exit(1)
if client.transport() == "websocket":
    say(**{"is": "upgrade"})
for line in sys.stdin:
    event, args, ack = json.loads(line)
    sent = tuple(bytes(each["bytes"]) if isinstance(each, dict) and "bytes" in each else each for each in args)
    client.emit(event, sent, callback=acknowledged(ack) if ack else None)
# Where python-engineio is still writing what was emitted just before, it leaves its CLOSE unsent, and waits for the
# next ping.
ending = threading.Thread(target=client.disconnect, daemon=True)
ending.start()
ending.join(5)
