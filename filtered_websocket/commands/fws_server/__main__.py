"""The command `fws_server`: options -> filters -> storage object -> server -> reactor.

Exit codes: 0 stopped as asked; 1 something in the configuration is wrong, or the second signal came; 2 bad usage; 130
by ctrl-C while filter modules are imported.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from twisted.logger import Logger

from filtered_websocket import __version__
from filtered_websocket.commands import exits
from filtered_websocket.commands.fws_server import stopping
from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.config.option import Options
from filtered_websocket.errors import ConfigError, UsageError, printable
from filtered_websocket.monitoring import logs
from filtered_websocket.monitoring.garbage import collect_less, set_aside
from filtered_websocket.monitoring.heap import Heap
from filtered_websocket.pipeline import importing
from filtered_websocket.transport.descriptors import raise_descriptors
from filtered_websocket.transport.installing import install_reactor

_log = Logger()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and exit."""
    exits.run("fws_server", lambda: _run(sys.argv[1:] if argv is None else argv))


def _run(argv: Sequence[str]) -> None:
    try:
        sys.exit(_main(argv))
    except ConfigError as error:
        for fault in error.faults:
            print(f"fws_server: {fault}", file=sys.stderr)  # noqa: T201 - before there is a log
        sys.exit(2 if isinstance(error, UsageError) else 1)


def _main(argv: Sequence[str]) -> int:
    here = os.path.realpath(os.getcwd())
    if here not in sys.path:
        sys.path.append(here)
    assembly = Assembly(argv)
    asked = assembly.configuration.asked
    if asked == "version":
        print(f"filtered_websocket {__version__}")  # noqa: T201
        return 0
    if asked == "filters":
        from filtered_websocket.commands.fws_server.shelf import listed

        print(listed())  # noqa: T201
        return 0
    install_reactor(assembly.reactor())
    from filtered_websocket.commands.fws_server.parent import WORKER

    importing.install()
    assembly.load()
    if asked == "help":
        print(assembly.configuration.help())  # noqa: T201
        return 0
    options = assembly.options()
    # Workers are this program again: their parent has said it.
    for warning in () if WORKER in os.environ else (*assembly.configuration.warnings, *assembly.odd):
        print(printable(f"fws_server: warning: {warning}"), file=sys.stderr)  # noqa: T201
    if asked == "check":
        print("fws_server: the configuration is good")  # noqa: T201
        return 0
    logs.begin(options.log_format, options.log_level, worker=os.environ.get(WORKER, ""))
    stopping.deadline.tell = _tell_what_is_lost
    from twisted.internet import reactor

    raise_descriptors(type(reactor).__name__)
    return serve(argv, assembly, options)


def serve(argv: Sequence[str], assembly: Assembly, options: Options) -> int:
    """Serve until asked to stop.

    :returns: the exit code
    :raises ConfigError: it cannot start
    """
    from twisted.internet import reactor as installed

    from filtered_websocket.chain.deferreds import start
    from filtered_websocket.commands.fws_server.service import Service
    from filtered_websocket.commands.fws_server.workers import Workers

    reactor: Any = installed
    service: Any
    if options.workers > 1:
        service = Workers(argv, assembly, options, reactor)
    else:
        service = Service(argv, assembly, options, reactor)
        # Not the service: inside another program memory is that program's affair. And before clients come: to look at
        # all that was imported takes a tenth of a second and more.
        collect_less()
        set_aside()
        Heap(reactor).start()
    failed: list[ConfigError] = []
    asked: list[int] = []

    def not_started(failure: Any) -> None:
        if asked:
            return  # what was awaited, a Redis that is away say, has been given up for the signal
        if not failure.check(ConfigError):
            failure.value = ConfigError(f"cannot start: {failure.type.__name__}: {failure.getErrorMessage()}")
        failed.append(failure.value)
        stop_once(reactor)

    def begin() -> None:
        # The reactor has set its own handlers just before.
        handle_signals(reactor, service.signals, asked, service.stop_limit)
        reactor.addSystemEventTrigger("before", "shutdown", service.end)
        start(service.begin()).addErrback(not_started)

    reactor.callWhenRunning(begin)
    reactor.run()
    if failed:
        raise failed[0]
    if service.failure is not None:
        raise service.failure
    return 0


def handle_signals(
    reactor: Any, others: dict[int, Callable[[], object]], asked: list[int], limit: Callable[[], float]
) -> None:
    """SIGTERM and SIGINT stop the server; the second one ends the process at once; not a worker: ctrl-C at a terminal
    and systemd tell all processes of a group, and then its parent tells it too.

    :param others: what else a signal does, in the reactor's thread
    :param asked: filled with the signal that asked to stop
    :param limit: how long stopping may take, in seconds
    """
    from filtered_websocket.commands.fws_server.parent import WORKER

    def stop(number: int, frame: Any) -> None:
        if asked:
            if WORKER not in os.environ:
                os._exit(1)
            return
        asked.append(number)
        # From here, not from where the reactor begins to stop: a filter may hold it.
        stopping.deadline.within(limit(), 1)
        reactor.callFromThread(stop_once, reactor)

    def other(number: int, frame: Any) -> None:
        reactor.callFromThread(others[number])

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    for another in stopping.KEPT:
        signal.signal(another, other)
    for early in dict.fromkeys(stopping.kept):
        reactor.callFromThread(others[early])


def _tell_what_is_lost(frames: dict[str, Any]) -> None:
    """Said by a process that ends by force.

    :param frames: what each thread runs, by its name
    """
    from filtered_websocket.monitoring.watchdog import culprit_of

    busy = [f"{name} ({culprit_of(frame) or 'in a library'})" for name, frame in frames.items()]
    busy += [f"child process {each}" for each in stopping.children()]
    _log.warn(
        "ended by force, the time to stop is over; still at work: {busy}", busy=", ".join(busy) or "the interpreter"
    )


def stop_once(reactor: Any) -> None:
    """Stop the reactor, if nobody has: a signal may come while a start has just failed, or the other way about."""
    from twisted.internet.error import ReactorNotRunning

    try:
        reactor.stop()
    except ReactorNotRunning:
        pass
