"""The command `fws_admin`.

Exit codes: 0 done; 1 it could not be done, or not on all processes, in a line for each reason; 2 bad usage; 130 by
ctrl-C.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from filtered_websocket.commands import exits
from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_admin import tables
from filtered_websocket.commands.fws_admin.arguments import PROG, parser
from filtered_websocket.commands.steering import SECRET, Steered, in_path
from filtered_websocket.commands.terminal import console

PIPE_WIDTH = 400
"""Columns where there is no terminal."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and exit."""
    exits.run(PROG, lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> None:
    made = parser()
    arguments = made.parse_args(argv)
    server = Steered(arguments.url, arguments.secret or os.environ.get(SECRET, ""))
    if arguments.verb == "kick" and not any(_filters(arguments).values()) and arguments.id is None:
        made.error("whom? An ID, --user, --channel, --address or --pipeline is wanted")
    {"connections": _connections, "channels": _channels, "trace": _trace, "kick": _kick}[arguments.verb](
        server, arguments
    )


def _filters(arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in ("user", "channel", "address", "pipeline")}


def _connections(server: Steered, arguments: argparse.Namespace) -> None:
    if arguments.id is not None:
        answer = server.ask(f"/connections/{in_path(arguments.id)}", {"pipeline": arguments.pipeline})
        _show_whole(answer, "connections", arguments.json)
        return
    asked = _filters(arguments) | {"sort": arguments.sort, "limit": arguments.limit}
    answer = server.ask("/connections", asked)
    _show(answer, tables.CONNECTIONS, "connections", arguments.json)
    if not arguments.json and answer["next"] is not None:
        exits.say(PROG, f"{len(answer['connections'])} of {answer['total']}: --limit shows more, filters fewer")


def _channels(server: Steered, arguments: argparse.Namespace) -> None:
    if arguments.name is not None:
        answer = server.ask(f"/channels/{in_path(arguments.name)}", {"pipeline": arguments.pipeline})
        _show_whole(answer, "channels", arguments.json)
        return
    asked = {"prefix": arguments.prefix, "pipeline": arguments.pipeline, "limit": arguments.limit}
    _show(server.ask("/channels", asked), tables.CHANNELS, "channels", arguments.json)


def _trace(server: Steered, arguments: argparse.Namespace) -> None:
    names = ("user", "id", "channel", "pipeline", "seconds")
    for event in server.trace({name: getattr(arguments, name) for name in names}):
        if event["what"] == "begun":
            _name_silent(event)
        _print(json.dumps(event) if arguments.json else tables.line(event))
        sys.stdout.flush()


def _kick(server: Steered, arguments: argparse.Namespace) -> None:
    closing = {"code": arguments.code, "reason": arguments.reason}
    if arguments.id is not None:
        path, asked = f"/connections/{in_path(arguments.id)}", {"pipeline": arguments.pipeline} | closing
    else:
        path, asked = "/connections", _filters(arguments) | closing
    answer = server.ask(path, asked, "DELETE")
    _print(json.dumps(answer) if arguments.json else f"{answer['ended']} ended")
    if answer["unanswered"]:
        raise Ended(f"not on all: {', '.join(answer['unanswered'])} did not answer in time")


def _show(answer: Mapping[str, Any], titles: Mapping[str, str], name: str, as_json: bool) -> None:
    if as_json:
        _print(json.dumps(answer))
    else:
        screen = console() if sys.stdout.isatty() else console(width=PIPE_WIDTH, color_system=None)
        with screen.capture() as capture:
            screen.print(tables.table(titles, answer[name]))
        for each in capture.get().splitlines():
            _print(each.rstrip())
    _name_silent(answer)


def _show_whole(answer: Mapping[str, Any], name: str, as_json: bool) -> None:
    if as_json:
        _print(json.dumps(answer))
    else:
        _print("\n\n".join("\n".join(tables.details(row)) for row in answer[name]))
    _name_silent(answer)


def _name_silent(answer: Mapping[str, Any]) -> None:
    if answer["unanswered"]:
        exits.say(PROG, f"{', '.join(answer['unanswered'])} did not answer in time: what they would say is missing")


def _print(text: str) -> None:
    print(text)  # noqa: T201 - this is a command


if __name__ == "__main__":
    main()
