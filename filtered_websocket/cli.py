"""The command `fws_server`: options -> filters -> storage object -> server -> reactor.

Exit codes: 0 stopped as asked; 1 something in the configuration is wrong, or the second signal came; 2 bad usage.
"""

import importlib
import os
import resource
import signal
import sys
from collections.abc import Sequence
from typing import Any

from filtered_websocket import __version__, logs, transport
from filtered_websocket.config import Configuration, Option, Options, UsageError, choice, integer, text
from filtered_websocket.errors import ConfigError
from filtered_websocket.filter_modules import load, options_of

PORT = Option("port", integer(0, 65535), 9000, "listening port; 0: any that is free", flags=("-p",))
HOST = Option(
    "host", text, "", "address to listen on (default: all), unix:PATH, or fd:NUMBER of an inherited listening socket"
)
STORAGE = Option(
    "storage",
    text,
    "memory",
    "where state lives: memory, sqlite, redis, or the module of a StorageObject of your own",
    environment=("STORAGE_OBJECT_MODULE",),
)
REACTOR = Option(
    "reactor",
    choice(*transport.REACTORS),
    "auto",
    f"Twisted reactor: {', '.join(transport.REACTORS)}; on asyncio filters may await asyncio's objects",
)
OPTIONS = (PORT, HOST, STORAGE, REACTOR)

BACKENDS = {name: f"filtered_websocket.storage_objects.{name}" for name in ("memory", "sqlite", "redis")}


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and exit."""
    try:
        sys.exit(_main(sys.argv[1:] if argv is None else argv))
    except ConfigError as error:
        for fault in error.faults:
            print(f"fws_server: {fault}", file=sys.stderr)  # noqa: T201 - before there is a log
        sys.exit(2 if isinstance(error, UsageError) else 1)


def _main(argv: Sequence[str]) -> int:
    here = os.path.realpath(os.getcwd())
    if here not in sys.path:
        sys.path.append(here)
    configuration = Configuration(argv, os.environ)
    if configuration.asked == "version":
        print(f"filtered_websocket {__version__}")  # noqa: T201
        return 0
    faults: list[ConfigError] = []
    backend = _declare(configuration, faults)
    if configuration.asked == "help":
        print(configuration.help())  # noqa: T201
        return 0
    try:
        options = configuration.resolve()
    except ConfigError as error:
        faults.append(error)
    if not faults:
        _check(options, faults)
    if faults:
        kind = UsageError if any(isinstance(each, UsageError) for each in faults) else ConfigError
        raise kind(*dict.fromkeys(fault for each in faults for fault in each.faults))
    for warning in configuration.warnings:
        print(f"fws_server: warning: {warning}", file=sys.stderr)  # noqa: T201
    if configuration.asked == "check":
        print("fws_server: the configuration is good")  # noqa: T201
        return 0
    return serve(options, backend)


def _declare(configuration: Configuration, faults: list[ConfigError]) -> Any:
    """Declare all options there are, those of filter modules and of the storage object's module included."""
    from filtered_websocket import server

    for owner, options in (("fws_server", OPTIONS), ("logs", logs.OPTIONS), *server.DECLARED):
        configuration.declare(options, owner)
    try:
        # Before filter modules are imported: one that imports the reactor would settle which it is.
        transport.install_reactor(configuration.early(REACTOR))
    except ConfigError as error:
        faults.append(error)
    names: Sequence[str] = ()
    try:
        names = configuration.filter_modules()
    except ConfigError as error:
        faults.append(error)
    for name in names:
        try:
            module = load(name)
            configuration.declare(options_of(name), name, getattr(module, "ORIGINAL", None))
        except ConfigError as error:
            faults.append(error)
    try:
        return _declare_storage(configuration)
    except ConfigError as error:
        faults.append(error)
    return None


def _declare_storage(configuration: Configuration) -> Any:
    name = configuration.early(STORAGE)
    module = BACKENDS.get(name, name)
    try:
        backend = importlib.import_module(module).StorageObject
    except AttributeError:
        raise ConfigError(f"storage {name}: its module has no class StorageObject") from None
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"storage {name}: {type(error).__name__}: {reason}") from None
    configuration.declare(getattr(backend, "OPTIONS", ()), f"storage {name}")
    if hasattr(backend, "parser"):
        configuration.declare_parser(backend.parser, f"storage {name}")
    return backend


def _check(options: Options, faults: list[ConfigError]) -> None:
    """What only trying can tell, without opening a port."""
    from filtered_websocket.tls import Certificate

    if bool(options.key) != bool(options.cert):
        faults.append(ConfigError("TLS needs both -key and -cert"))
    elif options.key:
        try:
            Certificate(options.key, options.cert)
        except ConfigError as error:
            faults.append(error)


def serve(options: Options, backend: Any) -> int:
    """Run the server until it is asked to stop.

    :returns: the exit code
    :raises ConfigError: it cannot start
    """
    from twisted.internet import reactor

    from filtered_websocket.server import Server
    from filtered_websocket.storage_objects.base import wrap

    logs.begin(options.log_format, options.log_level)
    _raise_descriptors()
    server = Server(options, wrap(make_storage(backend, options)), reactor)
    failed: list[ConfigError] = []
    reactor.callWhenRunning(_run, server, failed)  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]
    if failed:
        raise failed[0]
    return 0


def make_storage(backend: Any, options: Options) -> Any:
    """An instance of a StorageObject; the original's took no arguments."""
    from filtered_websocket.storage_objects.base import BaseStorageObject

    return backend(options) if issubclass(backend, BaseStorageObject) else backend()


def _run(server: Any, failed: list[ConfigError]) -> None:
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred

    from filtered_websocket.filters.base import start
    from filtered_websocket.service import Service

    service = Service(server, reactor)
    handle_signals(reactor)

    def not_started(failure: Any) -> None:
        if not failure.check(ConfigError):
            failure.value = ConfigError(f"cannot start: {failure.type.__name__}: {failure.getErrorMessage()}")
        failed.append(failure.value)
        reactor.stop()  # type: ignore[attr-defined]

    begun: Deferred[Any] = start(service.begin())
    begun.addErrback(not_started)


def handle_signals(reactor: Any) -> None:
    """SIGTERM and SIGINT stop the server; the second one ends the process at once."""
    asked: list[int] = []

    def stop(number: int, frame: Any) -> None:
        if asked:
            os._exit(1)
        asked.append(number)
        reactor.callFromThread(reactor.stop)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _raise_descriptors() -> None:
    """A connection is a descriptor: take as many as the system lets this process have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
