"""What Redis answers, as bytes of its protocol (RESP2)."""

from typing import Any


class Status(bytes):
    """A simple string, such as OK."""


OK = Status(b"OK")


class Refusal(Exception):
    """An error as an answer; its text begins with its kind, such as WRONGTYPE."""


def encoded(answer: Any) -> bytes:
    """
    :param answer: an int, bytes, a `Status`, a `Refusal`, None, or a list of such
    """
    kind = type(answer)
    if kind is bytes:
        return b"$%d\r\n%b\r\n" % (len(answer), answer)
    if kind is int:
        return b":%d\r\n" % answer
    if answer is None:
        return b"$-1\r\n"
    if kind is list:
        return b"*%d\r\n" % len(answer) + b"".join(map(encoded, answer))
    if kind is Status:
        return b"+%b\r\n" % answer
    # An error is one line.
    return b"-%b\r\n" % b" ".join(str(answer).encode("utf-8", "surrogateescape").splitlines())
