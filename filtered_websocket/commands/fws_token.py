"""The command `fws_token`: makes and checks the tokens that the Philote pack and the filter jwt_auth take.

Exit codes: 0 made, or checked and good; 1 a token that is refused, or a configuration that is wrong; 2 bad usage.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import jwt

from filtered_websocket.commands import exits
from filtered_websocket.config.configuration import Configuration
from filtered_websocket.config.declarations import PIPELINES
from filtered_websocket.config.option import Given, Option, Original
from filtered_websocket.errors import ConfigError, printable
from filtered_websocket.filters.jwt_auth.options import OPTIONS as JWT_AUTH_OPTIONS
from filtered_websocket.filters.jwt_auth.options import SECRET as JWT_SECRET
from filtered_websocket.filters.jwt_auth.options import verifier
from filtered_websocket.filters.jwt_auth.users import user_of
from filtered_websocket.filters.philote import auth
from filtered_websocket.filters.philote.options import ORIGINAL, TOKEN_OPTIONS
from filtered_websocket.filters.philote.options import SECRET as PHILOTE_SECRET
from filtered_websocket.filters.philote.state import keys_of
from filtered_websocket.filters.shared import signing_keys
from filtered_websocket.filters.shared.tokens import BadToken, ends, issue
from filtered_websocket.messages.strict_json import loads

PROG = "fws_token"
EPILOG = """\
The secret is that of fws_server: "philote_secret" in the file of -c, FWS_PHILOTE_SECRET, or SECRET; with --for jwt_auth
"jwt_secret" beside "filters", or FWS_JWT_SECRET. No flag takes it, since all users of a machine see its command lines.

examples:
    export FWS_PHILOTE_SECRET=the-secret-of-the-server
    fws_token make --read news chat --write chat --expires 12h
    fws_token make --api --expires 10m | fws_token check
    export FWS_JWT_SECRET=another-secret-of-the-server
    fws_token --for jwt_auth make --user ada --claims '{"role": "admin"}' --expires 30d
"""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PRIVATE = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA")


class Kind(NamedTuple):
    """What takes tokens.

    :ivar secret: the option that is the secret
    :ivar claims: those of a token that is asked for
    :ivar check: the claims of a token that is good; raises Refused or BadToken
    """

    options: Sequence[Option]
    secret: Option
    original: Original | None
    claims: Callable[[argparse.Namespace, Any], dict[str, Any]]
    check: Callable[[str, Any], dict[str, Any]]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and exit."""
    exits.run(PROG, lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> None:
    parser = _parser()
    arguments = parser.parse_args(argv)
    arguments.kind = KINDS[vars(arguments)["for"]]
    others = [name for name, kind in _ONLY_FOR.items() if kind != vars(arguments)["for"] and vars(arguments).get(name)]
    if others:
        parser.error(f"--{others[0]} goes with --for {_ONLY_FOR[others[0]]}")
    try:
        print(printable(arguments.run(arguments, _options(arguments)), newlines=True))  # noqa: T201
    except auth.Refused as refused:
        raise exits.Ended(refused.reason) from None
    except BadToken as bad:
        raise exits.Ended(str(bad)) from None


def _parser() -> exits.Parser:
    parser = exits.Parser(
        prog=PROG, description="Makes and checks tokens for fws_server.", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("-c", "--config", help="the JSON file of fws_server")
    parser.add_argument("--pipeline", metavar="PATHS", help='the entry of "pipelines" in it whose options count')
    parser.add_argument("--for", choices=tuple(KINDS), default="philote", help="what takes them (default: philote)")
    commands = parser.add_subparsers(required=True, metavar="{make,check}")
    make = commands.add_parser("make", help="print a token", allow_abbrev=False)
    make.add_argument("--read", nargs="+", metavar="CHANNEL", help="philote: channels that its bearer receives")
    make.add_argument("--write", nargs="+", metavar="CHANNEL", help="philote: channels that it may publish to")
    make.add_argument("--api", action="store_true", help="philote: may ask /api/info")
    make.add_argument("--user", metavar="NAME", help="jwt_auth: whose it is")
    make.add_argument("--claims", type=_claims, metavar="JSON", help="jwt_auth: what else it says, an object")
    make.add_argument(
        "--expires", type=_moment, metavar="WHEN", help="90s, 15m, 12h or 30d from now, or a date such as 2030-01-31"
    )
    make.add_argument("--algorithm", choices=[*signing_keys.DIGESTS, *_PRIVATE], help="default: HS256")
    make.add_argument("--private_key", metavar="FILE", help="PEM file, for RS*, ES* and EdDSA")
    make.set_defaults(run=_make)
    check = commands.add_parser("check", help="print what a token says, if it is good", allow_abbrev=False)
    check.add_argument("token", nargs="?", default="-", help="- or nothing: read from standard input")
    check.set_defaults(run=_check)
    return parser


def _make(arguments: argparse.Namespace, options: Any) -> str:
    algorithm = arguments.algorithm or "HS256"
    claims = arguments.kind.claims(arguments, options)
    if arguments.expires is not None:
        claims["exp"] = int(arguments.expires)
    if (algorithm in _PRIVATE) != bool(arguments.private_key):
        raise ConfigError("--private_key goes with an --algorithm of RS*, ES* or EdDSA, and only with those")
    if algorithm in _PRIVATE:
        try:
            return jwt.encode(claims, Path(arguments.private_key).read_bytes(), algorithm)
        except (OSError, ValueError, TypeError, jwt.PyJWTError) as error:
            raise ConfigError(f"{arguments.private_key}: no private key for {algorithm}: {error}") from None
    name = arguments.kind.secret.name
    secret = getattr(options, name)
    if not secret and arguments.kind is KINDS["jwt_auth"]:
        raise ConfigError(f"a secret is wanted: FWS_{name.upper()}, or {name} in the file of -c")
    if not secret:
        exits.say(PROG, "warning: the secret is empty: anybody can make such a token")
    return issue(claims, secret, algorithm)


def _check(arguments: argparse.Namespace, options: Any) -> str:
    given: str = arguments.token
    token = sys.stdin.read().strip() if given == "-" else given
    return json.dumps(arguments.kind.check(token, options), indent=4)


def _philote_claims(arguments: argparse.Namespace, _options: Any) -> dict[str, Any]:
    claims: dict[str, Any] = {"read": arguments.read or [], "write": arguments.write or []}
    return claims | {"api": True} if arguments.api else claims


def _check_philote(token: str, options: Any) -> dict[str, Any]:
    keys = keys_of(options)
    auth.check(token, keys)
    return auth.claims_of(token, keys)


def _jwt_auth_claims(arguments: argparse.Namespace, options: Any) -> dict[str, Any]:
    """With what the server asks of each token."""
    asked = {options.jwt_user: arguments.user, "aud": options.jwt_audience, "iss": options.jwt_issuer}
    if arguments.user and not options.jwt_user:
        raise ConfigError("jwt_user is empty: tokens name no user")
    return (arguments.claims or {}) | {name: value for name, value in asked.items() if value}


def _check_jwt_auth(token: str, options: Any) -> dict[str, Any]:
    claims = verifier(options).claims(token)
    ends(claims, options.jwt_leeway)
    user_of(claims, options.jwt_user)
    return claims


def _claims(text: str) -> dict[str, Any]:
    try:
        claims = loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"a JSON object is wanted: {error}") from None
    if not isinstance(claims, dict):
        raise argparse.ArgumentTypeError("a JSON object is wanted")
    return claims


def _options(arguments: argparse.Namespace) -> Any:
    """The options of tokens, as fws_server would have them. Raises ConfigError."""
    configuration = Configuration(["-c", arguments.config] if arguments.config else [], os.environ, PROG)
    options = arguments.kind.options
    configuration.declare(options, PROG, arguments.kind.original)
    values = {option.name: configuration.early(option) for option in options}
    pipelines = configuration.early(PIPELINES)
    if arguments.pipeline is not None:
        if arguments.pipeline not in pipelines:
            raise ConfigError(f'"pipelines" has no entry "{arguments.pipeline}", but {", ".join(pipelines) or "none"}')
        entry = pipelines[arguments.pipeline]
        for option in options if isinstance(entry, dict) else ():
            if option.name in entry:
                values[option.name] = Given(option, entry[option.name], "", option.name).parsed()
    elif any(option.name in entry for entry in pipelines.values() for option in options):
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


_SECRET = {name: ours for name, ours in ORIGINAL.environment.items() if ours == "philote_secret"}
KINDS = {
    "philote": Kind(
        TOKEN_OPTIONS,
        PHILOTE_SECRET,
        Original(ORIGINAL.pack, ORIGINAL.port, _SECRET),
        _philote_claims,
        _check_philote,
    ),
    "jwt_auth": Kind(JWT_AUTH_OPTIONS, JWT_SECRET, None, _jwt_auth_claims, _check_jwt_auth),
}
_ONLY_FOR = {"read": "philote", "write": "philote", "api": "philote", "user": "jwt_auth", "claims": "jwt_auth"}


if __name__ == "__main__":
    main()
