"""The command `fws_publish`: publish to the subscribers of running servers, through the Redis that they share.

Exit codes: 0 published, or said where; 1 refused, in one line; 2 bad usage; 130 by ctrl-C.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from filtered_websocket.commands import exits
from filtered_websocket.config.configuration import Configuration
from filtered_websocket.config.declarations import CONFIG, FILTERS, PIPELINES
from filtered_websocket.config.option import Options
from filtered_websocket.config.parsers import read_object, seconds
from filtered_websocket.config.pipelines import PipelineConfig
from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.limits.channel_rules import CHANNELS
from filtered_websocket.limits.options import HISTORY_BYTES, HISTORY_CHANNELS, MAX_CHANNEL_NAME
from filtered_websocket.publisher import Publisher
from filtered_websocket.storage_objects.backends import BACKENDS, STORAGE
from filtered_websocket.storage_objects.redis.address import addresses
from filtered_websocket.storage_objects.redis.options import OPTIONS as REDIS_OPTIONS

PROG = "fws_publish"
REDIS = ("redis", BACKENDS["redis"])
STORED = (STORAGE, MAX_CHANNEL_NAME, CHANNELS, HISTORY_BYTES, HISTORY_CHANNELS, *REDIS_OPTIONS)
EXAMPLE = """examples:
  fws_publish room "hello all"                   to the subscribers of a channel, through redis://localhost
  fws_publish -c config.json room < lines.txt    a message for each line; Redis and history as the server has them
  fws_publish --bus global hi                    raw, what `redis-cli publish global hi` does
  fws_publish --where room                       what the channel is called at Redis, for programs that publish there
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and exit."""
    exits.run(PROG, lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> None:
    try:
        _run(_parser().parse_args(argv), os.environ, sys.stdin.buffer)
    except (StorageAway, ValueError) as error:
        raise exits.Ended(str(error)) from None


def _parser() -> exits.Parser:
    parser = exits.Parser(
        prog=PROG,
        usage="%(prog)s [option ...] CHANNEL [DATA]",
        description="Publish to a channel's subscribers on all running servers that share a Redis.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("channel", metavar="CHANNEL", help="the channel's name")
    parser.add_argument(
        "data",
        metavar="DATA",
        nargs="?",
        default="-",
        help="the message; - or none: each line of standard input",
    )
    parser.add_argument("--pipeline", default="", help="the pipeline whose channel is meant: one of its paths")
    parser.add_argument("--bus", action="store_true", help="publish raw, to the bus: no channel of any pipeline")
    parser.add_argument("--where", action="store_true", help="publish nothing: print the channel's name at Redis")
    parser.add_argument("--binary", action="store_true", help="send binary messages; otherwise text, in UTF-8")
    parser.add_argument("--timeout", type=_timeout, default=5.0, help="seconds that Redis may take (default 5)")
    group = parser.add_argument_group("as the server has them, from flags, FWS_ names and the configuration file")
    for option in (CONFIG, *STORED):
        kind: dict[str, Any] = {"nargs": "*"} if option.many else {}
        says = option.help.replace("%", "%%")
        group.add_argument(
            *option.spellings, dest=option.name, metavar=option.name.upper(), default=None, help=says, **kind
        )
    return parser


def _timeout(text: str) -> float:
    try:
        return float(seconds(0.01, 3600)(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _run(arguments: argparse.Namespace, environ: Mapping[str, str], stdin: IO[bytes]) -> None:
    if arguments.bus and (arguments.pipeline or arguments.binary):
        _parser().error("--bus is raw: it has no pipeline and no binary messages")
    if arguments.where and (arguments.bus or arguments.binary or arguments.data != "-"):
        _parser().error("--where publishes nothing: it takes a channel only, and on the bus that is called as it is")
    options = _options(arguments, environ)
    path = options.config
    if options.storage not in REDIS:
        own = f"{path} names no storage, and so" if options.source("storage") == "default" else "this storage"
        raise ConfigError(
            f"storage {options.storage}: {own} cannot be reached from outside its server: use --storage redis with "
            "both, or publish with POST /publish"
        )
    pipeline = None if arguments.bus else _pipeline(options, arguments.pipeline, arguments.channel)
    ruled = options if pipeline is None else pipeline.options
    kept = {option.name: getattr(ruled, option.name) for option in (CHANNELS, HISTORY_BYTES, HISTORY_CHANNELS)}
    redis = {option.name: getattr(options, option.name) for option in REDIS_OPTIONS}
    name = "" if pipeline is None else pipeline.name
    with Publisher(**redis, **kept, pipeline=name, timeout=arguments.timeout) as publisher:
        if arguments.where:
            _say_where(publisher.where(arguments.channel), options)
            return
        _publish(publisher, arguments, stdin)
        if sys.stderr.isatty() and not arguments.bus:
            exits.say(PROG, _heard_by(publisher.nodes(arguments.channel), arguments.channel))


def _heard_by(nodes: int, channel: str) -> str:
    if not nodes:
        return f'published, but no running server has a subscriber of "{channel}" now'
    have = "1 server process has" if nodes == 1 else f"{nodes} server processes have"
    return f'published: {have} subscribers of "{channel}"'


def _publish(publisher: Publisher, arguments: argparse.Namespace, stdin: IO[bytes]) -> None:
    whole = arguments.data != "-"
    number = 0
    try:
        for data in (os.fsencode(arguments.data),) if whole else _lines(stdin):
            number += 1
            if arguments.bus:
                publisher.publish_to_bus(arguments.channel, data)
            else:
                payload = data if arguments.binary else data.decode()
                publisher.publish(arguments.channel, payload, binary=arguments.binary)
    except UnicodeDecodeError:
        where = "DATA" if whole else f"line {number}"
        raise ConfigError(f"{where} is no text in UTF-8: --binary sends it as it is") from None
    except StorageAway as error:
        raise ConfigError(str(error) if whole else f"line {number}: {error}") from None


def _say_where(name: str, options: Options) -> None:
    """The name alone goes to standard output, for scripts; how it is published to, to a person who reads that."""
    print(name)  # noqa: T201 - this is a command
    if sys.stderr.isatty():
        kind, verb = ("RedisCluster", "spublish") if options.redis_cluster else ("Redis", "publish")
        place = addresses(options)[0]
        at = f"unix_socket_path={place.path!r}" if place.path else f"host={place.host!r}, port={place.port}"
        for line in ("import redis", f"r = redis.{kind}({at})", f"name = {name!r}", f'r.{verb}(name, "text")'):
            exits.say(PROG, f"in Python: {line}")


def _lines(stdin: IO[bytes]) -> Iterator[bytes]:
    for line in stdin:
        yield line.removesuffix(b"\n")


def _options(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Options:
    """The server's options, as far as they matter here: its file may have any others, such as those of packs.

    :raises ConfigError: one of them is wrong
    """
    path = arguments.config or environ.get(CONFIG.variable, "")
    names = {option.name for option in (*STORED, FILTERS, PIPELINES)}
    document = {key: value for key, value in _file(path).items() if key in names} if path else {}
    pipelines = document.get(PIPELINES.name)
    if isinstance(pipelines, dict):
        kept = (FILTERS.name, CHANNELS.name, HISTORY_BYTES.name, HISTORY_CHANNELS.name)
        document[PIPELINES.name] = {
            patterns: {key: entry[key] for key in kept if key in entry} if isinstance(entry, dict) else entry
            for patterns, entry in pipelines.items()
        }
    if not path:
        # The only storage that can be meant. With a file, what it does not say is as the server takes it.
        document[STORAGE.name] = "redis"
    words: list[str] = []
    for option in STORED:
        value = getattr(arguments, option.name)
        if value is not None:
            words += [f"--{option.name}", *value] if option.many else [f"--{option.name}={value}"]
    known = {name: value for name, value in environ.items() if name != CONFIG.variable}
    configuration = Configuration(words, known, path or PROG, document)
    configuration.declare(STORED, PROG)
    return configuration.resolve().replace(config=path)


def _file(path: str) -> dict[str, Any]:
    try:
        return read_object(path)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None


def _pipeline(options: Options, name: str, channel: str) -> PipelineConfig:
    """The pipeline of this name, or without one that of `filters`, or the only one.

    :raises ConfigError: there is none, or the channel cannot be one of its
    """
    pipelines: tuple[PipelineConfig, ...] = options.pipelines
    named = options.source("pipelines") != "default"
    if name and not named:
        found: PipelineConfig | None = pipelines[0]._replace(name=name)  # whatever the servers know that this does not
    elif name:
        found = next((each for each in pipelines if name in each.patterns), None)
    else:
        found = next((each for each in pipelines if not each.name), pipelines[0] if len(pipelines) == 1 else None)
    if found is None:
        known = ", ".join(each.name for each in pipelines if each.name)
        raise ConfigError(f"{'no such pipeline' if name else '--pipeline is wanted'}: there are {known}")
    try:
        channel.encode()
    except UnicodeEncodeError:
        raise ConfigError("CHANNEL is no text in UTF-8") from None
    if len(channel) > options.max_channel_name:
        raise ConfigError(f"a channel's name has at most {options.max_channel_name} characters, not {len(channel)}")
    if not found.name and channel.startswith(tuple(f"{each.name} " for each in pipelines if each.name)):
        raise ConfigError("this channel's name begins like the channels of another pipeline: use --pipeline")
    return found


if __name__ == "__main__":
    main()
