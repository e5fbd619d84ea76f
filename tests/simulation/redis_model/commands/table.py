"""Which commands the model knows: their names, how many parts they have, and what does them."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.simulation.redis_model.answers import Refusal
from tests.simulation.redis_model.keyspace import Keyspace

Does = Callable[..., Any]
NOT_INTEGER = "ERR value is not an integer or out of range"
SYNTAX = "ERR syntax error"


class Command(NamedTuple):
    """
    :ivar least: parts it has, with its name
    :ivar most: the same; 0: any number
    """

    does: Does
    least: int
    most: int


COMMANDS: dict[bytes, Command] = {}
"""Those that need the keys alone. Each is called with them and its arguments, and gives the answer."""


def command(name: str, least: int, most: int = -1) -> Callable[[Does], Does]:
    """
    :param most: as many as `least` if it is not given; 0: any number
    """

    def add(does: Does) -> Does:
        COMMANDS[name.encode()] = Command(does, least, least if most < 0 else most)
        return does

    return add


def wrong_number(name: bytes) -> Refusal:
    return Refusal(f"ERR wrong number of arguments for '{name.decode('utf-8', 'replace').lower()}' command")


def unknown(name: bytes) -> Refusal:
    return Refusal(f"ERR unknown command '{name.decode('utf-8', 'replace')}'")


def run(keys: Keyspace, parts: list[bytes]) -> Any:
    """
    :param parts: of a command that is in the table
    :raises Refusal: an error as an answer
    """
    name = parts[0].upper()
    found = COMMANDS[name]
    if len(parts) < found.least or (found.most and len(parts) > found.most):
        raise wrong_number(name)
    return found.does(keys, *parts[1:])


def integer(raw: bytes, error: str = NOT_INTEGER) -> int:
    """
    :raises Refusal: it is none, or has more than 64 bits
    """
    digits = raw[1:] if raw[:1] == b"-" else raw
    if not digits.isdigit() or (digits[:1] == b"0" and raw != b"0"):
        raise Refusal(error)
    number = int(raw)
    if not -(2**63) <= number < 2**63:
        raise Refusal(error)
    return number


def span(start: bytes, stop: bytes) -> Callable[[int], slice]:
    """What Redis's indices mean in what has a length: from the end where they are negative."""
    first, last = integer(start), integer(stop)

    def of(length: int) -> slice:
        begin, end = (each + length if each < 0 else each for each in (first, last))
        return slice(max(begin, 0), max(end + 1, 0))

    return of
