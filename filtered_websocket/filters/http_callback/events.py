"""What a backend is asked and told of."""

from typing import Any, NamedTuple

HANDSHAKE, MESSAGE, DISCONNECT = EVENTS = ("handshake", "message", "disconnect")


class Question(NamedTuple):
    """One event, in the words of a form.

    :ivar word: the event's name in that form
    :ivar id: the same in each attempt
    :ivar binary: whether it is of a binary message
    """

    event: str
    word: str
    id: str
    body: bytes
    binary: bool = False


class Answer(NamedTuple):
    """What a backend says, in whatever form.

    :ivar status: 200; 204: a message goes no further; 400 and up: no
    :ivar user: of the connection; None: it says nothing of it
    :ivar payload: what the client gets first, what goes on in a message's place, what a refused sender is told
    :ivar binary: whether that is binary
    :ivar value: the same as a JSON value, where it was one
    :ivar channels: that the client is in
    :ivar reason: for the client
    :ivar close: code and reason, to end the connection with
    """

    status: int = 200
    user: str | None = None
    payload: bytes | None = None
    binary: bool = False
    value: Any = None
    channels: tuple[str, ...] = ()
    reason: str = ""
    close: tuple[int, str] | None = None


class Broken(ValueError):  # noqa: N818 - what it is
    """An answer that is none; the text says why."""
