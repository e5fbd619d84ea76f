"""Connections on which an answer may have so many bytes, head and body."""

from typing import Any

from twisted.protocols.policies import ProtocolWrapper, WrappingFactory


class TooLarge(Exception):  # noqa: N818 - what it is
    """The answer has more bytes than are read."""


class Bounded(ProtocolWrapper):
    """Counts what comes: Twisted's client would keep a head without an end, line by line.

    :ivar left: bytes that may come yet
    :ivar too_large: more came
    """

    factory: Any
    too_large = False

    def __init__(self, factory: Any, wrapped: Any) -> None:
        super().__init__(factory, wrapped)
        self.left = factory.most

    def dataReceived(self, data: bytes) -> None:
        self.left -= len(data)
        if self.left < 0:
            self.factory.too_large = self.too_large = True
            self.abortConnection()
        else:
            super().dataReceived(data)


class BoundedFactory(WrappingFactory):
    """
    :param most: bytes that may come
    :ivar too_large: more came
    """

    protocol: Any = Bounded
    noisy = False

    def __init__(self, factory: Any, most: int) -> None:
        super().__init__(factory)
        factory.noisy = False  # the log has no line of each connection's beginning and end
        self.most = most
        self.too_large = False
