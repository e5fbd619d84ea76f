"""One worker process, as its parent sees it (`parent` is the other side)."""

import signal
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol


class Worker(ProcessProtocol):
    """One worker process."""

    def __init__(self, number: int, reactor: Any, ended: Callable[["Worker"], object]) -> None:
        self.number = number
        self.began = reactor.seconds()
        self.gone: Deferred[None] = Deferred()
        self.wanted = True
        self._reactor = reactor
        self._ended = ended
        self._words = b""
        self.served = False
        self._waiting: dict[bytes, Deferred[None]] = {}
        self.ready = self.says("ready")

    def says(self, word: str) -> Deferred[None]:
        """Fires when the worker says this word, or is gone."""
        return self._waiting.setdefault(word.encode(), Deferred())

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        *words, self._words = (self._words + data).split(b"\n")
        for word in words:
            self.served = self.served or word == b"ready"
            self._fire(word)

    def processEnded(self, reason: Any) -> None:
        # First: what waits for a word looks at `gone` then.
        self.gone.callback(None)
        for word in list(self._waiting):
            self._fire(word)
        self._ended(self)

    def _fire(self, word: bytes) -> None:
        waiting = self._waiting.pop(word, None)
        if waiting is not None:
            waiting.callback(None)

    def signal(self, number: int) -> None:
        process: Any = self.transport
        try:
            process.signalProcess(number)
        except ProcessExitedAlready:
            pass

    def tell_storage_ends(self) -> None:
        """Say that the storage will end with the workers: nobody comes to tell what they leave there."""
        process: Any = self.transport
        try:
            process.writeToChild(0, b"storage ends\n")
        except KeyError:
            pass  # it has closed its end: it is about to be gone

    def end(self, seconds: float) -> Deferred[None]:
        """Ask it to drain; kill it if that takes too long. Fires when it is gone."""
        self.wanted = False
        self.signal(signal.SIGTERM)
        killing = self._reactor.callLater(seconds, self.signal, signal.SIGKILL)
        return self.gone.addCallback(lambda _: killing.cancel() if killing.active() else None)
