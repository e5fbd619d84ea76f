"""The command `fws_copy`: copy what servers keep from one Redis to a Redis Cluster.

Exit codes: 0 copied; 1 not, or not all, in one line; 2 bad usage; 130 by ctrl-C.
"""

import argparse
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from filtered_websocket.commands import exits
from filtered_websocket.config.configuration import Configuration
from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.storage_objects.redis.address import addresses, parse_url
from filtered_websocket.storage_objects.redis.blocking import BlockingConnection
from filtered_websocket.storage_objects.redis.cluster.blocking import Masters
from filtered_websocket.storage_objects.redis.cluster.copying import Uncopied, copy
from filtered_websocket.storage_objects.redis.options import OPTIONS as REDIS_OPTIONS
from filtered_websocket.storage_objects.values import as_bytes

PROG = "fws_copy"
SECONDS = 30.0
"""For each answer, and for a cluster that is asked again."""
EXAMPLE = """examples:
  fws_copy redis://old.lan --redis_url redis://one-of-the-cluster.lan     with all servers stopped
  fws_copy redis://a.lan redis://b.lan --redis_url redis://c.lan          what redis_shards was spread over

Sets, maps, records and histories are copied, and nothing of the source is changed. Presence is not: servers that start
claim it. What is in the cluster already is refused, unless --replace is given: so it can be begun again.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and exit."""
    exits.run(PROG, lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> None:
    arguments = _parser().parse_args(argv)
    try:
        _run(arguments, os.environ)
    except StorageAway as error:
        raise exits.Ended(str(error)) from None


def _parser() -> exits.Parser:
    parser = exits.Parser(
        prog=PROG,
        usage="%(prog)s [option ...] SOURCE [SOURCE ...]",
        description="Copy what servers keep from one Redis, or several, to a Redis Cluster.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("sources", metavar="SOURCE", nargs="+", help="redis://, rediss:// or unix:// URL")
    parser.add_argument("--replace", action="store_true", help="what is in the cluster already")
    group = parser.add_argument_group("the cluster, as its servers will have it, from flags and FWS_ names")
    for option in REDIS_OPTIONS:
        kind: dict[str, Any] = {"nargs": "*"} if option.many else {}
        says = option.help.replace("%", "%%")
        group.add_argument(
            *option.spellings, dest=option.name, metavar=option.name.upper(), default=None, help=says, **kind
        )
    return parser


def _run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> None:
    options = _options(arguments, environ)
    prefix = as_bytes(options.redis_key) + b":"
    copied: Counter[str] = Counter()
    with closing(Masters(addresses(options), SECONDS)) as target:
        for url in arguments.sources:
            try:
                address = parse_url(url)
            except ValueError as error:
                raise ConfigError(f"SOURCE: {error}") from None
            with closing(BlockingConnection(address, SECONDS)) as source:
                try:
                    copied += copy(source, target, prefix, arguments.replace)
                except Uncopied as reason:
                    raise exits.Ended(f"{address.name}: {reason}") from None
    said = ", ".join(f"{copied[kind]} {kind}" for kind in ("sets", "maps", "records", "histories"))
    print(f"copied: {said}")  # noqa: T201 - this is a command


def _options(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Any:
    words: list[str] = []
    for option in REDIS_OPTIONS:
        value = getattr(arguments, option.name)
        if value is not None:
            words += [f"--{option.name}", *value] if option.many else [f"--{option.name}={value}"]
    configuration = Configuration(words, environ, PROG, {"redis_cluster": True})
    configuration.declare(REDIS_OPTIONS, PROG)
    return configuration.resolve()


if __name__ == "__main__":
    main()
