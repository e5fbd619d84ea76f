"""What the command line of `fws_admin` says."""

import argparse

from filtered_websocket.commands import exits
from filtered_websocket.commands.steering import SECRET, address

PROG = "fws_admin"
EPILOG = f"""\
Any server answers for all its workers, and for all nodes that share its Redis. It lists to the machine it runs on, or
to the secret in {SECRET}; to trace and to kick always takes that secret, or its --admin_port.

examples:
  fws_admin connections --user ann               which connections has she?
  fws_admin channels                             the noisiest first
  fws_admin trace --user ann                     every step of them, as it happens
  fws_admin kick --user ann --code 4001 --reason "go away"
  fws_admin connections --channel news --json    for programs
"""
SORTS = ("id", "user", "address", "oldest", "newest", "waiting")


def parser() -> exits.Parser:
    """The command line."""
    made = exits.Parser(
        prog=PROG, description="Sees and steers the connections of running servers.", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    _server(made)
    made.set_defaults(url="http://localhost:9000", secret=None, json=False)
    verbs = made.add_subparsers(dest="verb", metavar="VERB", required=True)
    connections = verbs.add_parser("connections", help="list connections", allow_abbrev=False)
    _filters(connections)
    connections.add_argument("--sort", choices=SORTS, default="oldest", help="what is first (default oldest)")
    connections.add_argument("--limit", type=_limit, default=100, help="at most so many (default 100)")
    connections.add_argument("id", metavar="ID", nargs="?", help="one, with all that is known of it")
    channels = verbs.add_parser("channels", help="list channels, the noisiest first", allow_abbrev=False)
    channels.add_argument("--prefix", help="those whose names begin so")
    channels.add_argument("--pipeline", help="those of a pipeline: one of its patterns")
    channels.add_argument("--limit", type=_limit, default=100, help="at most so many (default 100)")
    channels.add_argument("name", metavar="NAME", nargs="?", help="one, with all that is known of it")
    trace = verbs.add_parser("trace", help="show every step, as it happens", allow_abbrev=False)
    one = trace.add_mutually_exclusive_group(required=True)
    one.add_argument("--user", help="of the connections of a user")
    one.add_argument("--id", help="of one connection")
    one.add_argument("--channel", help="of a channel's publications and subscribers")
    trace.add_argument("--pipeline", help="in a pipeline alone: one of its patterns")
    trace.add_argument("--seconds", type=int, default=600, help="how long (default 600, at most 3600)")
    kick = verbs.add_parser("kick", help="end connections", allow_abbrev=False)
    kick.add_argument("id", metavar="ID", nargs="?", help="that of one")
    _filters(kick)
    kick.add_argument("--code", type=int, help="the close code (default 1000)")
    kick.add_argument("--reason", help="at most 123 bytes")
    for verb in (connections, channels, trace, kick):
        _server(verb)
    return made


def _server(made: argparse.ArgumentParser) -> None:
    """What stands before a verb or behind it. Behind it nothing is said unless it is given: it may stand before."""
    unsaid = argparse.SUPPRESS
    made.add_argument("--url", type=address, default=unsaid, help="a server, or its admin port")
    made.add_argument(
        "--secret", default=unsaid, help=f"its admin_secret; better in {SECRET}, where other users do not see it"
    )
    made.add_argument(
        "--json",
        action="store_true",
        default=unsaid,
        help="what the server answers; of a trace, a line for each event",
    )


def _filters(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--user", help="those of a user")
    verb.add_argument("--channel", help="those in a channel")
    verb.add_argument("--address", help="those from an address")
    verb.add_argument("--pipeline", help="those of a pipeline: one of its patterns")


def _limit(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError("a number from 1 to 1000 is wanted")
    return int(text)
