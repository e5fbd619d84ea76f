"""What one run of fws_client is to do, read from its command line."""

import argparse
import sys
from collections.abc import Sequence
from typing import NamedTuple

from filtered_websocket.commands.fws_client.protocols.base import BadTerms, Protocol


class Job(NamedTuple):
    """What to do.

    :ivar subscribe: the channels; None: receive nothing
    :ivar publish: the channel, "" where there are none; None: publish nothing
    :ivar data: the one message; None: the lines of standard input
    :ivar stays: go on receiving when all is published
    :ivar limit: end after so many messages
    :ivar interactive: at a terminal
    :ivar latency: measure, and nothing else; seconds between two measurements
    :ivar as_list: lines are lists in JSON
    """

    subscribe: list[str] | None
    publish: str | None
    data: str | None
    stays: bool
    limit: int | None
    interactive: bool
    latency: float | None
    as_json: bool
    as_list: bool
    binary: bool


def read(arguments: argparse.Namespace, protocol: Protocol) -> Job:
    """What to do. Raises BadTerms for what cannot be done, as far as that can be known before the server is asked."""
    subscribe, publish, data = _clauses(arguments.words, protocol)
    interactive = sys.stdin.isatty() and sys.stdout.isatty() and not arguments.latency and data is None
    stays = subscribe is not None
    if subscribe is None and publish is None and not arguments.latency:
        if protocol.names != "none" and not interactive:
            raise BadTerms("say what to do: subscribe NAME ..., publish NAME, or both")
        subscribe, publish = [], "" if protocol.names == "none" else None
        stays = arguments.count is not None
    elif interactive and subscribe is None:
        subscribe = []
    if arguments.json and not protocol.takes_json:
        raise BadTerms("--json: messages of this server are text, whatever is in it")
    if arguments.ack and (not protocol.acknowledges or arguments.latency):
        raise BadTerms("--ack is for events of --pack socketio, without --latency")
    if arguments.arguments and not protocol.acknowledges:
        raise BadTerms("--arguments is for events of --pack socketio")
    if arguments.binary and protocol.names != "none":
        raise BadTerms("--binary goes without --pack")
    if arguments.count and subscribe is None and not arguments.latency:
        raise BadTerms("--count is of messages received: subscribe is wanted too")
    if subscribe == [] and protocol.default:
        subscribe = [protocol.default]
    if publish == "":
        publish = protocol.default
    for name in subscribe or ():
        protocol.subscribe(name)
    if publish is not None:
        protocol.publish(publish, "")
        if publish and protocol.joins:
            protocol.subscribe(publish)
    return Job(
        subscribe, publish, data, stays, arguments.count, interactive,
        arguments.interval if arguments.latency else None, arguments.json or arguments.arguments, arguments.arguments,
        arguments.binary,
    )  # fmt: skip


def _clauses(words: Sequence[str], protocol: Protocol) -> tuple[list[str] | None, str | None, str | None]:
    """What to subscribe to, where to publish, and what."""
    subscribe: list[str] | None = None
    publish = data = None
    rest = list(words)
    while rest:
        verb = rest.pop(0)
        end = next((index for index, word in enumerate(rest) if word in ("subscribe", "publish")), len(rest))
        names, rest = rest[:end], rest[end:]
        if verb == "subscribe" and subscribe is None and (names or protocol.names != "required"):
            if names and protocol.names == "none":
                raise BadTerms("without --pack there are no channels to subscribe to")
            subscribe = names
        elif verb == "publish" and publish is None:
            if protocol.names != "none":
                if not names and protocol.names == "required":
                    raise BadTerms("publish where? NAME is wanted")
                publish, names = (names[0], names[1:]) if names else ("", names)
            else:
                publish = ""
            if len(names) > 1:
                raise BadTerms("publish takes one DATA: quote it")
            data = names[0] if names else None
        else:
            raise BadTerms(f"{verb}: wanted is subscribe NAME ..., publish NAME, or one after the other")
    return subscribe, publish, data
