"""The command `fws_spy`: shows what passes on channels of Redis, JSON or pickle, and executes none of it.

Exit codes: 0 as many shown as were asked for; 1 an option is wrong; 2 bad usage; 130 interrupted.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from filtered_websocket.commands import exits
from filtered_websocket.config.configuration import Configuration
from filtered_websocket.errors import ConfigError, StorageAway, printable
from filtered_websocket.filters.socketio import plain_pickle
from filtered_websocket.filters.socketio.bus import CHANNEL
from filtered_websocket.messages.envelope import MARK, decode
from filtered_websocket.storage_objects.redis.address import addresses
from filtered_websocket.storage_objects.redis.blocking import BlockingConnection
from filtered_websocket.storage_objects.redis.cluster.listening import ClusterEars
from filtered_websocket.storage_objects.redis.command import pattern_of
from filtered_websocket.storage_objects.redis.listening import Ears, Place
from filtered_websocket.storage_objects.redis.options import OPTIONS as REDIS_OPTIONS
from filtered_websocket.storage_objects.values import as_bytes

PROG = "fws_spy"
URL = "redis://localhost:6379/0"
EXAMPLE = """examples:
  fws_spy                                  all that servers publish, and what is emitted to Socket.IO clients
  fws_spy --redis redis://db.lan global    another channel of another Redis
  fws_spy --redis_cluster yes "$(fws_publish --redis_cluster yes --where room)"    a channel of a Redis Cluster
"""
CONNECT_SECONDS = 5.0
AGAIN_SECONDS = 1.0


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and exit."""
    exits.run(PROG, lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> None:
    arguments = _parser().parse_args(argv)
    for number, line in enumerate(_lines(arguments, os.environ), 1):
        print(line, flush=True)  # noqa: T201 - this is a command
        if number == arguments.count:
            return


def _parser() -> exits.Parser:
    parser = exits.Parser(
        prog=PROG,
        usage="%(prog)s [option ...] [CHANNEL ...]",
        description="Show what passes on channels of Redis, JSON or pickle. Nothing of it is executed.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "channels", metavar="CHANNEL", nargs="*", help=f"default: all that servers publish, and {CHANNEL}"
    )
    parser.add_argument("-n", "--count", type=int, default=0, help="end after so many messages; default: never")
    parser.add_argument(
        "--redis", metavar="URL", help=f"short for --redis_url; REDIS in the environment; default: {URL}"
    )
    group = parser.add_argument_group("as the server has them, from flags and FWS_ names")
    for option in REDIS_OPTIONS:
        if not option.many:
            says = option.help.replace("%", "%%")
            group.add_argument(
                *option.spellings, dest=option.name, metavar=option.name.upper(), default=None, help=says
            )
    return parser


def _options(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Any:
    words = []
    for option in REDIS_OPTIONS:
        value = getattr(arguments, option.name, None)
        if value is not None:
            words.append(f"--{option.name}={value}")
    url = arguments.redis or environ.get("REDIS")
    if arguments.redis and arguments.redis_url:
        raise ConfigError("--redis and --redis_url are one")
    configuration = Configuration(words, environ, PROG, {"redis_url": url} if url else {})
    configuration.declare(REDIS_OPTIONS, PROG)
    return configuration.resolve()


def _lines(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Iterator[str]:
    """What to print; while Redis is away, nothing."""
    options = _options(arguments, environ)
    channels = [os.fsencode(channel) for channel in arguments.channels]
    if options.redis_cluster and not channels:
        exits.say(PROG, "what servers publish through a Redis Cluster is heard by name: --help shows how")
        channels = [as_bytes(CHANNEL)]
    told: set[str] = set()
    while True:
        try:
            for channel, data in _heard(options, channels):
                told.clear()
                now = time.strftime("%H:%M:%S")
                yield printable(f"{now} {channel.decode('utf-8', 'backslashreplace')} {describe(data)}")
        except StorageAway as error:
            # Once for each reason, not once a second.
            if str(error) not in told:
                told.add(str(error))
                exits.say(PROG, f"{str(error).removesuffix(': not done')}; it is tried until it works")
            time.sleep(AGAIN_SECONDS)


def _heard(options: Any, channels: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    found, prefix = addresses(options), as_bytes(options.redis_key) + b":"
    if options.redis_cluster:
        return ClusterEars(found, prefix, CONNECT_SECONDS).listen(*channels)
    if channels:
        return BlockingConnection(found[0], CONNECT_SECONDS).listen(*channels)
    places = [Place(each, b"PSUBSCRIBE", [pattern_of(each.channels(prefix))]) for each in found]
    places.append(Place(found[0], b"SUBSCRIBE", [as_bytes(CHANNEL)]))
    return Ears(CONNECT_SECONDS).listen(places)


def describe(data: bytes) -> str:
    """What a message is, and what is in it.

    >>> describe(b'{"method": "emit"}')
    'json {"method":"emit"}'
    >>> describe(b"\\x80\\x04N.")
    'pickle None'
    """
    try:
        return f"json {json.dumps(json.loads(data.decode()), separators=(',', ':'), ensure_ascii=False)}"
    except (ValueError, RecursionError):
        pass
    if data.startswith(MARK):
        try:
            publication = decode("", data)
        except ValueError:
            return f"bytes {data!r}"
        return f"publication {[payload for payload, _ in publication.messages]!r}"
    try:
        return f"pickle {plain_pickle.loads(data)!r}"
    except plain_pickle.NotPlain as error:
        if data.startswith(b"\x80") or "plain" in str(error):
            return f"pickle, not read: {error}: {data!r}"
    try:
        return f"text {data.decode()}"
    except UnicodeDecodeError:
        return f"bytes {data!r}"


if __name__ == "__main__":
    main()
