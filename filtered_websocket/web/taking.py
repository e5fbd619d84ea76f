"""How fast a client takes what was written for it."""


class Taking:
    """What a transport of ours knows of its client; another kind of transport knows nothing, and counts as taken.

    :param transport: with TLS, the one that encrypts
    """

    def __init__(self, transport: object) -> None:
        self._transport = transport
        self._stream = getattr(transport, "transport", transport)
        self._taken = 0

    @property
    def pending(self) -> int:
        """Bytes that wait for the client."""
        waiting = int(getattr(self._stream, "pending", 0))
        return waiting if self._stream is self._transport else waiting + int(getattr(self._transport, "waiting", 0))

    def goes_on(self) -> bool:
        """Whether the client has taken some of what waits since this was last asked."""
        before, self._taken = self._taken, int(getattr(self._stream, "taken", 0))
        return bool(getattr(self._stream, "pending", 0)) and self._taken > before
