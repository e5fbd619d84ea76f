"""The command `fws_token`: makes and checks the tokens that the Philote pack takes.

Exit codes: 0 made, or checked and good; 1 a token that is refused, or a configuration that is wrong; 2 bad usage.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt

from filtered_websocket.commands import exits
from filtered_websocket.config.configuration import Configuration
from filtered_websocket.config.declarations import PIPELINES
from filtered_websocket.config.option import Given, Original
from filtered_websocket.errors import ConfigError, printable
from filtered_websocket.filters.philote import auth
from filtered_websocket.filters.philote.options import ORIGINAL, TOKEN_OPTIONS
from filtered_websocket.filters.philote.state import keys_of
from filtered_websocket.filters.shared import signing_keys
from filtered_websocket.filters.shared.tokens import issue

PROG = "fws_token"
EPILOG = """\
The secret is that of fws_server: "philote_secret" in the file of -c, FWS_PHILOTE_SECRET, or SECRET. No flag takes it,
since all users of a machine see its command lines.

example:
    export FWS_PHILOTE_SECRET=the-secret-of-the-server
    fws_token make --read news chat --write chat --expires 12h
    fws_token make --api --expires 10m | fws_token check
"""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PRIVATE = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and exit."""
    exits.run(PROG, lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> None:
    arguments = _parser().parse_args(argv)
    try:
        print(printable(arguments.run(arguments, _options(arguments)), newlines=True))  # noqa: T201
    except auth.Refused as refused:
        raise exits.Ended(refused.reason) from None


def _parser() -> exits.Parser:
    parser = exits.Parser(
        prog=PROG, description="Makes and checks tokens for the Philote pack of fws_server.", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("-c", "--config", help="the JSON file of fws_server")
    parser.add_argument("--pipeline", metavar="PATHS", help='the entry of "pipelines" in it whose options count')
    commands = parser.add_subparsers(required=True, metavar="{make,check}")
    make = commands.add_parser("make", help="print a token", allow_abbrev=False)
    make.add_argument("--read", nargs="+", default=[], metavar="CHANNEL", help="channels that its bearer receives")
    make.add_argument("--write", nargs="+", default=[], metavar="CHANNEL", help="channels that it may publish to")
    make.add_argument("--api", action="store_true", help="may ask /api/info")
    make.add_argument(
        "--expires", type=_moment, metavar="WHEN", help="90s, 15m, 12h or 30d from now, or a date such as 2030-01-31"
    )
    make.add_argument("--algorithm", choices=[*signing_keys.DIGESTS, *_PRIVATE], help="default: HS256")
    make.add_argument("--private_key", metavar="FILE", help="PEM file, for RS* and ES*")
    make.set_defaults(run=_make)
    check = commands.add_parser("check", help="print what a token says, if it is good", allow_abbrev=False)
    check.add_argument("token", nargs="?", default="-", help="- or nothing: read from standard input")
    check.set_defaults(run=_check)
    return parser


def _make(arguments: argparse.Namespace, options: Any) -> str:
    algorithm = arguments.algorithm or "HS256"
    claims: dict[str, Any] = {"read": arguments.read, "write": arguments.write}
    if arguments.api:
        claims["api"] = True
    if arguments.expires is not None:
        claims["exp"] = int(arguments.expires)
    if (algorithm in _PRIVATE) != bool(arguments.private_key):
        raise ConfigError("--private_key goes with an --algorithm of RS* or ES*, and only with those")
    if algorithm in _PRIVATE:
        try:
            return jwt.encode(claims, Path(arguments.private_key).read_bytes(), algorithm)
        except (OSError, ValueError, TypeError, jwt.PyJWTError) as error:
            raise ConfigError(f"{arguments.private_key}: no private key for {algorithm}: {error}") from None
    if not options.philote_secret:
        exits.say(PROG, "warning: the secret is empty: anybody can make such a token")
    return issue(claims, options.philote_secret, algorithm)


def _check(arguments: argparse.Namespace, options: Any) -> str:
    given: str = arguments.token
    token = sys.stdin.read().strip() if given == "-" else given
    verified = keys_of(options)
    auth.check(token, verified)
    return json.dumps(auth.claims_of(token, verified), indent=4)


def _options(arguments: argparse.Namespace) -> Any:
    """The options of tokens, as fws_server would have them. Raises ConfigError."""
    configuration = Configuration(["-c", arguments.config] if arguments.config else [], os.environ, PROG)
    secret = {name: ours for name, ours in ORIGINAL.environment.items() if ours == "philote_secret"}
    configuration.declare(TOKEN_OPTIONS, PROG, Original(ORIGINAL.pack, ORIGINAL.port, secret))
    values = {option.name: configuration.early(option) for option in TOKEN_OPTIONS}
    pipelines = configuration.early(PIPELINES)
    if arguments.pipeline is not None:
        if arguments.pipeline not in pipelines:
            raise ConfigError(f'"pipelines" has no entry "{arguments.pipeline}", but {", ".join(pipelines) or "none"}')
        entry = pipelines[arguments.pipeline]
        for option in TOKEN_OPTIONS if isinstance(entry, dict) else ():
            if option.name in entry:
                values[option.name] = Given(option, entry[option.name], "", option.name).parsed()
    elif any(option.name in entry for entry in pipelines.values() for option in TOKEN_OPTIONS):
        raise ConfigError(f"say whose options count: --pipeline with one of {', '.join(map(repr, pipelines))}")
    return SimpleNamespace(**values)


def _moment(text: str) -> float:
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    try:
        moment = time.time() + int(found[1]) * _UNITS[found[2]] if found else signing_keys.read_date(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}, or 90s, 15m, 12h, 30d from now") from None
    if moment <= time.time():
        raise argparse.ArgumentTypeError(f"{text} is over")
    return moment


if __name__ == "__main__":
    main()
