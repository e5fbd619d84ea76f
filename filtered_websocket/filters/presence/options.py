"""The options of presence."""

from collections.abc import Iterator
from typing import Any

from filtered_websocket.config import Option, choice, integer, text


def _channel(value: Any) -> str:
    name = text(value)
    if not name:
        raise ValueError("the name of a channel is wanted")
    return name


CHANNEL = Option(
    "presence_channel",
    _channel,
    "presence",
    "channel that clients are told on; those of one channel are together",
    scope="use",
)
SHOWS = Option(
    "presence_shows",
    choice("users", "count"),
    "users",
    "users: those that are here, join and leave; count: how many, and no names",
    scope="use",
)
ANONYMOUS = Option(
    "presence_anonymous",
    choice("count", "id", "none"),
    "count",
    "connections without a user: counted; shown by their ids; or as if they were not here",
    scope="use",
)
LIMIT = Option(
    "presence_limit", integer(1, 100_000), 100, "most names in one message, in the first list too", scope="use"
)
TELL = Option(
    "presence_tell",
    choice("clients", "none"),
    "clients",
    "clients: they are told; none: nobody is, and filters ask for the list",
    scope="use",
)
OPTIONS = (CHANNEL, SHOWS, ANONYMOUS, LIMIT, TELL)


def no_effect(options: Any) -> Iterator[tuple[str, str]]:
    """What takes no effect beside other options: its name, and why."""
    if options.presence_shows == "count":
        yield "presence_limit", "with presence_shows count"
    if options.presence_tell == "none":
        yield "presence_limit", "with presence_tell none"
        yield "presence_shows", "with presence_tell none"
