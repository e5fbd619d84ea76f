"""A client of Socket.IO, told what to do in lines of JSON: python socketio_client.py URL TRANSPORT,..."""

import json
import sys
from typing import Any

import socketio  # python-socketio's, of build/python


def say(**line: Any) -> None:
    # In one write: the client calls each handler in a thread of its own.
    sys.stdout.write(json.dumps(line, default=lambda data: {"bytes": list(data)}) + "\n")
    sys.stdout.flush()


client = socketio.Client(reconnection=False)


@client.on("*")  # type: ignore[untyped-decorator]
def _(event: str, *args: Any) -> None:
    say(**{"is": "event"}, event=event, args=args)


@client.event  # type: ignore[untyped-decorator]
def connect() -> None:
    say(**{"is": "connect"}, id=client.get_sid(), transport=client.transport())
    if client.transport() == "websocket":
        say(**{"is": "upgrade"})


@client.event  # type: ignore[untyped-decorator]
def disconnect(reason: str) -> None:
    say(**{"is": "disconnect"}, reason=reason)


def acknowledged(number: int) -> Any:
    return lambda *args: say(**{"is": "ack"}, ack=number, args=args)


try:
    client.connect(sys.argv[1], transports=sys.argv[2].split(","))
except socketio.exceptions.ConnectionError as error:
    say(**{"is": "error"}, message=str(error))
    sys.exit(1)
for line in sys.stdin:
    event, args, ack = json.loads(line)
    sent = tuple(bytes(each["bytes"]) if isinstance(each, dict) and "bytes" in each else each for each in args)
    client.emit(event, sent, callback=acknowledged(ack) if ack else None)
client.disconnect()
