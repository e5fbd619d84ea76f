"""The command `fws_client`: a client in the terminal, for plain servers and every pack.

Exit codes: 0 done, or left at the prompt; 1 no connection, or refused, in one line; 2 bad usage; 130 by ctrl-C.
"""

import argparse
import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from filtered_websocket.commands import exits
from filtered_websocket.commands.fws_client.arguments import read
from filtered_websocket.commands.fws_client.output import Output
from filtered_websocket.commands.fws_client.protocols.base import BadTerms, Protocol, Terms
from filtered_websocket.commands.fws_client.protocols.centrifugo import Centrifugo
from filtered_websocket.commands.fws_client.protocols.philote import Philote
from filtered_websocket.commands.fws_client.protocols.plain import Plain
from filtered_websocket.commands.fws_client.protocols.pusher import Pusher
from filtered_websocket.commands.fws_client.protocols.pushi import Pushi
from filtered_websocket.commands.fws_client.protocols.socketio import SocketIO
from filtered_websocket.commands.fws_client.protocols.ws_emit import WsEmit
from filtered_websocket.commands.fws_client.protocols.wsps import Wsps
from filtered_websocket.commands.fws_client.run import Run

PROG = "fws_client"
PACKS: dict[str, type[Protocol]] = {
    "wsps": Wsps, "philote": Philote, "ws_emit": WsEmit, "pushi": Pushi, "pusher": Pusher, "socketio": SocketIO,
    "centrifugo": Centrifugo,
}  # fmt: skip
# Not FWS_...: fws_server refuses such names that are no options of its.
ENVIRONMENT = {"key": "FWSC_KEY", "token": "FWSC_TOKEN", "secret": "FWSC_SECRET", "auth": "FWSC_AUTH"}
EPILOG = """\
At a terminal it prompts: lines are published, /help lists commands. Otherwise `publish` sends each line of standard
input, and `subscribe` prints each message on a line. Keys, tokens and secrets are better kept in FWSC_KEY, FWSC_TOKEN,
FWSC_SECRET and FWSC_AUTH: all users of a machine see its command lines.

examples:
  fws_client ws://localhost:9000/                                  talk to a server of your own filters
  fws_client ws://localhost:52525/ --pack wsps subscribe news      print what is published to news
  tail -f log | fws_client ws://localhost:52525/ --pack wsps publish log
  fws_client ws://localhost:9000/ --latency --count 10             ten round trips
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and exit."""
    exits.run(PROG, lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> None:
    parser = _parser()
    arguments = parser.parse_intermixed_args(argv)
    try:
        make_protocol = _protocol(arguments, os.environ)
        job = read(arguments, make_protocol())
    except BadTerms as error:
        parser.error(str(error))
    options = {
        "headers": arguments.header, "subprotocols": arguments.protocol,
        "reconnect": not arguments.no_reconnect and job.latency is None, "wait": arguments.wait,
    }  # fmt: skip
    output = Output(PROG, arguments.data, arguments.verbose)

    async def run() -> None:
        await Run(job, make_protocol, output, options).run()

    asyncio.run(run())


def _parser() -> exits.Parser:
    parser = exits.Parser(
        prog=PROG, usage="%(prog)s URL [option ...] [subscribe [NAME ...]] [publish [NAME] [DATA]]", epilog=EPILOG,
        description="Talks to a WebSocket server.", formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    add = parser.add_argument
    add("url", metavar="URL", type=_url, help="ws://HOST:PORT/PATH, or wss://")
    add(
        "words",
        metavar="subscribe, publish",
        nargs="*",
        default=[],
        help="what to do; without a pack there are no NAMEs",
    )
    add("--pack", choices=PACKS, help="the protocol that the server speaks; default: none, messages are as they are")
    add("--count", type=_positive, metavar="N", help="end after N messages received, or measurements")
    add("--latency", action="store_true", help="measure round trips, of pings; with publish, of messages")
    add("--interval", type=_seconds, default=1.0, metavar="SECONDS", help="between two measurements (default 1)")
    add("--data", action="store_true", help="print what was published alone, without the packet around it")
    add("--json", action="store_true", help="what is published are JSON values, not text")
    add("--binary", action="store_true", help="without a pack: send binary messages")
    add(
        "--event",
        default="",
        metavar="NAME",
        help="ws_emit, pushi, pusher, socketio: name of what is published (message)",
    )
    add(
        "--arguments", action="store_true", help="socketio: what is published are JSON lists, the arguments of an event"
    )
    add("--ack", action="store_true", help="socketio: ask for an acknowledgement of each, and print it")
    add("--wait", action="store_true", help="keep trying if the server is not there yet")
    add("--no_reconnect", action="store_true", help="end when the connection is lost")
    add("--header", type=_header, action="append", default=[], metavar="'NAME: VALUE'", help="of the handshake")
    add("--protocol", action="append", default=[], metavar="NAME", help="a subprotocol to offer")
    add("-v", "--verbose", action="store_true", help="tell of connections and subscriptions, as at a terminal")
    group = parser.add_argument_group("identity")
    add = group.add_argument
    add(
        "--key",
        help="wsps: key of the channels; ws_emit: secret of the rooms; centrifugo: key of the server API, to publish",
    )
    add("--publish_key", default="", metavar="KEY", help="wsps: key to publish with, if it is another")
    add("--token", help="philote, centrifugo, without a pack: the token; see fws_token")
    add("--auth", metavar="JSON", help="socketio, centrifugo: what the client says of itself, an object")
    add("--app_key", "--app-key", default="", metavar="KEY", help="pushi, pusher: key of the app, if not in the URL")
    add(
        "--app_id",
        "--app-id",
        default="",
        metavar="ID",
        help="pusher: id of the app, to publish to any channel",
    )
    add("--secret", help="pushi, pusher: secret of the app, to sign with; ws_emit: that of POST /emit, to publish")
    add("--user", default="fws_client", help="pushi, pusher: user_id on presence channels (default fws_client)")
    return parser


def _url(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        if url.scheme in ("ws", "wss") and url.hostname and (url.port is None or url.port):
            return url._replace(path=url.path or "/")
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no address such as ws://localhost:9000/")


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError("a number from 1 on is wanted")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 86400:
        raise argparse.ArgumentTypeError("seconds are wanted, 0 to 86400")
    return value


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or "\n" in text or "\r" in text:
        raise argparse.ArgumentTypeError("'NAME: VALUE' is wanted")
    return name.strip(), value.strip()


def _protocol(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Callable[[], Protocol]:
    """What makes a client of the pack. Raises BadTerms."""
    given: dict[str, Any] = {name: getattr(arguments, name) for name in Terms._fields if hasattr(arguments, name)}
    for name, variable in ENVIRONMENT.items():
        given[name] = given[name] or environ.get(variable, "")
    terms = Terms(**given, passing=arguments.latency)
    kind = PACKS[arguments.pack] if arguments.pack else Plain
    kind(arguments.url, terms).address()
    return lambda: kind(arguments.url, terms)


if __name__ == "__main__":
    main()
