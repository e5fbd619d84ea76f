"""What a start would fail for, found before anything is started: ``--check`` and a start both go through this.

Nothing is opened that anybody could connect to, and nothing is made. What only the moment can tell is left to the
start: whether a port is in use, whether an inherited socket is there, what start filters say.
"""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from filtered_websocket.commands.fws_server.private_redis import program_for
from filtered_websocket.config.option import Options
from filtered_websocket.errors import ConfigError
from filtered_websocket.pipeline.checks import declared_faults, raised
from filtered_websocket.pipeline.declared import options_of
from filtered_websocket.pipeline.mistakes import out_of_reach
from filtered_websocket.transport.addresses import to_bind
from filtered_websocket.transport.certificate import Certificate
from filtered_websocket.transport.listening import cannot_listen

ANY = ("", "::")
"""Hosts that are all addresses of both families."""
ANY4 = "0.0.0.0"  # noqa: S104 - it is only compared with
PRIVILEGED = 1024


def faults(options: Options, backend: Any, starts: bool = True) -> Iterator[ConfigError]:
    """Everything that is wrong with resolved options together.

    :param backend: the StorageObject class
    :param starts: they are for a process that is to start; a reload changes neither addresses nor storage
    """
    for check in (_pipelines, _tls, _storage, _ports, _addresses) if starts else (_pipelines, _tls):
        yield from check(options, backend)
    yield from declared_faults(options)


def _tls(options: Options, backend: Any) -> Iterator[ConfigError]:
    if bool(options.key) != bool(options.cert):
        yield ConfigError("TLS needs both -key and -cert")
    elif options.key:
        yield from raised(Certificate, options.key, options.cert)


def _storage(options: Options, backend: Any) -> Iterator[ConfigError]:
    if options.workers > 1 and not getattr(backend, "shared", False):
        yield from raised(program_for, options)
    # A user's own may be of no class of ours.
    check = getattr(backend, "check_options", None)
    if callable(check):
        yield from raised(check, options)


def _places(options: Options) -> Iterator[tuple[str, str, int]]:
    """What is to be listened on: the option that says so, the host, and the port."""
    yield "port", options.host, options.port
    admin_port = options.admin_port
    if admin_port is not None:
        for number in range(options.workers if admin_port else 1):
            yield f"admin_port{f' of worker {number}' if number else ''}", options.admin_host, admin_port + number
    if getattr(options, "pushi_rest_port", None) is not None:
        yield "pushi_rest_port", options.pushi_rest_host, options.pushi_rest_port


def _ports(options: Options, backend: Any) -> Iterator[ConfigError]:
    if options.workers > 1 and options.admin_port is not None and options.admin_host.startswith(("unix:", "fd:")):
        yield ConfigError(f"admin_host {options.admin_host}: each of several workers needs one of its own: give a port")
        return
    taken: list[tuple[str, str, int]] = []
    for name, host, port in _places(options):
        if port > 65535:
            yield ConfigError(f"{name} is {port}: a port is wanted that leaves room for all workers, to 65535")
            return
        for other, its_host, its_port in taken:
            if _same(host, port, its_host, its_port):
                where = host if host.startswith(("unix:", "fd:")) else f"port {port}"
                yield ConfigError(f"{other} and {name} are one, {where}: each wants its own")
                return
        taken.append((name, host, port))


def _same(host: str, port: int, other: str, its_port: int) -> bool:
    if host.startswith(("unix:", "fd:")) or other.startswith(("unix:", "fd:")):
        return host == other
    if port != its_port or not port:
        return False
    one, two = _bound(host), _bound(other)
    if one == two or one in ANY or two in ANY:
        return True
    return ANY4 in (one, two) and ":" not in one + two


def _bound(host: str) -> str:
    """The address that binding a host takes: a name has one, and an address may be written in several ways."""
    try:
        return str(ip_address(host)) if ":" in host else socket.gethostbyname(host) if host else host
    except (OSError, ValueError):
        return host  # `_addresses` tells of it


def _addresses(options: Options, backend: Any) -> Iterator[ConfigError]:
    for _, host, port in _places(options):
        try:
            if host.startswith("unix:"):
                _look_at(host[5:])
            elif not host.startswith("fd:"):
                _try(host, port)
        except OSError as error:
            yield cannot_listen(host, port, error)


def _look_at(path: str) -> None:
    """Raises the OSError that binding a socket there would."""
    folder = os.path.dirname(path) or "."
    os.stat(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    if os.path.exists(path) and not stat.S_ISSOCK(os.stat(path).st_mode):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _try(host: str, port: int) -> None:
    """Raises the OSError with which this process can never have an address: it is bound, and not listened on."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            # A port that needs no right is not touched: somebody else may want it at this moment.
            tried.bind(to_bind(host, port if port < PRIVILEGED else 0))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise


def _pipelines(options: Options, backend: Any) -> Iterator[ConfigError]:
    """What is written for some paths and cannot count there."""
    if not options.pipelines[0].name and any("*" in each.patterns for each in options.pipelines[1:]):
        yield ConfigError('pipelines.*: these paths are served by "filters" already: give one of the two')
    readers: dict[str, set[str]] = {}
    for module in dict.fromkeys(name for each in options.pipelines for name in each.filters):
        for option in options_of(module):
            readers.setdefault(option.name, set()).add(module)
    for pipeline in options.pipelines:
        yield from out_of_reach(pipeline.filters, pipeline.patterns)
        for use in pipeline.uses:
            known = {option.name for option in options_of(use.module)}
            for name in (name for name, _ in use.written if name in readers and name not in known):
                yield ConfigError(f"{use.module}: {name} is no option of it, but of {min(readers[name])}")
        for option, _, source in pipeline.options:
            # Filled in by another, it is no fault of this one.
            here = f": pipelines.{' '.join(pipeline.patterns)}" in source
            if here and option.name in readers and readers[option.name].isdisjoint(pipeline.filters):
                module = min(readers[option.name])
                yield ConfigError(f'{source}.{option.name}: it is of {module}, which is not in "filters" there')
