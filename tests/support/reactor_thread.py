"""The real reactor in one background thread, for tests that need it: pytest has no Twisted in it.

``call(function, ...)`` runs a function, a coroutine function too, in the reactor's thread, waits for what it returns to
fire, and returns or raises that. ``until(predicate)`` does so until a predicate is true. Both end with a deadline.
``faults()`` says what the last test has left out of order.
"""

import atexit
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.python.failure import Failure

from tests.support.shared_reactor import SharedReactor

_thread: threading.Thread | None = None
DEADLINE = 15.0
"""Seconds: long for a busy machine; a test that passes never waits for it."""


def call(function: Any, *args: Any, deadline: float = DEADLINE, **kwargs: Any) -> Any:
    """
    :raises TimeoutError: it has not fired within ``deadline`` seconds
    """
    _begin()
    outcomes: queue.Queue[Any] = queue.Queue()
    post(lambda: maybeDeferred(function, *args, **kwargs).addBoth(outcomes.put))
    try:
        outcome = outcomes.get(timeout=deadline)
    except queue.Empty:
        raise TimeoutError(f"{function} has not answered within {deadline} s") from None
    if isinstance(outcome, Failure):
        outcome.raiseException()
    return outcome


def post(function: Callable[[], object]) -> None:
    """Call it in the reactor's thread, and wait for nothing."""
    from twisted.internet import reactor

    # By its class: where a server of the testing kit runs, this thread has a clock in the place of its methods.
    type(reactor).callFromThread(reactor, function)  # type: ignore[attr-defined]


def until(predicate: Any, *args: Any, deadline: float = DEADLINE) -> Any:
    """Ask again and again, in the reactor's thread, until the answer is true; that answer."""
    end = time.monotonic() + deadline
    while not (answer := call(predicate, *args)):
        if time.monotonic() > end:
            raise TimeoutError(f"{predicate} was not true within {deadline} s")
        threading.Event().wait(0.002)  # lets the reactor's thread have the interpreter
    return answer


def faults() -> list[str]:
    """What the reactor says of it (`shared_reactor`), told once."""
    if _thread is None or _reactor().is_in_order():
        return []
    found: list[str] = call(_reactor().faults)
    return found


def _reactor() -> SharedReactor:
    from twisted.internet import reactor

    assert isinstance(reactor, SharedReactor), "tests/conftest.py installs it"
    return reactor


def _begin() -> None:
    global _thread
    if _thread is not None:
        return
    from twisted.internet import reactor

    running = threading.Event()
    reactor.callWhenRunning(running.set)  # type: ignore[attr-defined]
    _thread = threading.Thread(target=reactor.run, args=(False,), name="reactor", daemon=True)  # type: ignore[attr-defined]
    _thread.start()
    assert running.wait(DEADLINE), "the reactor has not started"
    atexit.register(_end)


def _end() -> None:
    from twisted.internet import reactor

    assert _thread is not None
    reactor.callFromThread(reactor.stop)  # type: ignore[attr-defined]
    _thread.join(DEADLINE)
