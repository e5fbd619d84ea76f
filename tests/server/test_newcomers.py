"""What comes first of a connection is kept until it shows whose it is, and not too much of it."""

from types import SimpleNamespace
from typing import Any

from filtered_websocket.server.newcomers import FIRST_EVENTS, MAX_NAMELESS, NAMED_SECONDS, Newcomers


class Connection(SimpleNamespace):
    """As far as newcomers are looked at."""

    __hash__ = object.__hash__


def made(user: str | None = None, opened: bool = True) -> Any:
    return Connection(user=user, opened=opened, began=0.0)


def test_the_first_events_are_kept_and_no_more() -> None:
    newcomers, connection = Newcomers(), made()
    assert not newcomers.keep(connection, {})
    newcomers.arrive(connection)
    assert all(newcomers.keep(connection, {"number": number}) for number in range(FIRST_EVENTS + 5))
    assert newcomers.leave(connection) == [{"number": number} for number in range(FIRST_EVENTS)]
    assert newcomers.leave(connection) is None


def test_one_that_is_nobodys_yet_stays_for_a_while_if_it_was_one_and_there_is_room() -> None:
    newcomers, nameless = Newcomers(), made()
    assert not newcomers.stay(nameless, None)
    assert not newcomers.stay(made("ann"), [])
    assert newcomers.stay(nameless, [{}])
    handshakes = made(opened=False)
    newcomers.arrive(handshakes)
    assert newcomers.nameless(NAMED_SECONDS) == []
    assert newcomers.nameless(NAMED_SECONDS + 1) == [nameless]
    assert handshakes in newcomers
    assert all(newcomers.stay(made(), []) for _ in range(MAX_NAMELESS - 1))
    assert not newcomers.stay(made(), [])
