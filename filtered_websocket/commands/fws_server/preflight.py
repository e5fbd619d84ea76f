"""What a start would fail for, found before anything is started: ``--check`` and a start both go through this.

Nothing is opened that anybody could connect to, and nothing is made. What only the moment can tell is left to the
start: whether a port is in use, whether an inherited socket is there, what start filters say.
"""

import errno
import os
import re
import resource
import socket
import stat
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from filtered_websocket.commands.fws_server.private_redis import program_for
from filtered_websocket.config.option import Options
from filtered_websocket.config.pipelines import PipelineConfig
from filtered_websocket.errors import ConfigError
from filtered_websocket.pipeline.mistakes import out_of_reach
from filtered_websocket.pipeline.modules import checks_of, options_of
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
    for check in (_pipelines, _tls, _storage, _ports, _addresses, _packs) if starts else (_pipelines, _tls, _packs):
        yield from check(options, backend)


def odd(options: Options) -> Iterator[str]:
    """What was given and takes no effect beside what else was, one line each."""
    yield from dict.fromkeys(
        f"{name} (from {source}) takes no effect {without}"
        for its, name, without in _without(options)
        if (source := _given(its, name))
    )
    somaxconn = _somaxconn()
    if _given(options, "backlog") and options.backlog > somaxconn:
        yield f"backlog is {options.backlog}, and the kernel keeps to {somaxconn} (net.core.somaxconn)"
    _, descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _given(options, "max_connections") and 0 <= descriptors < options.max_connections:
        yield f"max_connections is {options.max_connections}, and this process may have {descriptors} descriptors"
    named = [pattern for each in options.pipelines if each.name for pattern in each.patterns]
    if "/*" in named and len(options.pipelines) > 1 and not options.pipelines[0].name:
        yield 'filters serve no path: "/*" in pipelines takes them all'
    for pipeline in options.pipelines:
        for pattern, rule in pipeline.options.channels.items():
            if "history_seconds" in rule and not rule.get("history"):
                yield f'channels: history_seconds of "{pattern}" takes no effect without history'
            if len(re.sub(r"\[[^]]+\]|\?", "x", pattern).replace("*", "")) > options.max_channel_name:
                yield f'channels: "{pattern}" fits none of at most {options.max_channel_name} characters'


def _without(options: Options) -> Iterator[tuple[Options, str, str]]:
    """Options that take no effect now: whose they are, their names, and why."""
    yield from ((options, *each) for each in _without_others(options))
    for pipeline in options.pipelines:
        for no_effect, its in _asked(pipeline, "NO_EFFECT"):
            yield from ((its, *each) for each in no_effect(its))


def _without_others(options: Options) -> Iterator[tuple[str, str]]:
    """Those of the server itself."""
    if options.admin_port is None:
        yield "admin_host", "without admin_port"
    if not any(each.options.message_rate or each.options.byte_rate for each in options.pipelines):
        yield "over_rate", "without message_rate or byte_rate"
    if not options.ping_interval:
        yield "ping_timeout", "without ping_interval"
    if 0 < options.max_connections <= options.max_connections_per_address:
        yield "max_connections_per_address", "beside a max_connections that is not more"
    if hasattr(options, "redis_url"):
        instead = next((each for each in ("redis_shards", "redis_url", "redis_sentinel") if getattr(options, each)), "")
        for name in ("redis_host", "redis_port") if instead else ():
            yield name, f"beside {instead}"
        if not any("rediss://" in each for each in (options.redis_url, *options.redis_shards)):
            yield "redis_ca", "without a rediss:// URL"


def _asked(pipeline: PipelineConfig, what: str) -> Iterator[tuple[Any, Options]]:
    """What a pipeline's modules declare by this name, each with the options of its use."""
    asked: list[tuple[Any, Options]] = []
    for use in pipeline.uses:
        its = pipeline.options if use.options is None else use.options
        asked += [(each, its) for each in checks_of(use.module, what) if (each, its) not in asked]
    yield from asked


def _given(options: Options, name: str) -> str:
    """Where a value was given; "" if it was not."""
    source = options.source(name)
    return "" if source == "default" else source


def _somaxconn() -> int:
    try:
        with open("/proc/sys/net/core/somaxconn", encoding="utf-8") as file:
            return int(file.read())
    except (OSError, ValueError):
        return sys.maxsize  # not Linux


def _tls(options: Options, backend: Any) -> Iterator[ConfigError]:
    if bool(options.key) != bool(options.cert):
        yield ConfigError("TLS needs both -key and -cert")
    elif options.key:
        yield from _raised(Certificate, options.key, options.cert)


def _storage(options: Options, backend: Any) -> Iterator[ConfigError]:
    if options.workers > 1 and not getattr(backend, "shared", False):
        yield from _raised(program_for, options)
    # A user's own may be of no class of ours.
    check = getattr(backend, "check_options", None)
    if callable(check):
        yield from _raised(check, options)


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


def _packs(options: Options, backend: Any) -> Iterator[ConfigError]:
    together: dict[Any, list[Any]] = {}
    for pipeline in options.pipelines:
        for check in dict.fromkeys(each for name in pipeline.filters for each in checks_of(name, "CHECK_PIPELINES")):
            together.setdefault(check, []).append(pipeline)
        for check, its in _asked(pipeline, "CHECK"):
            where = f"pipelines.{pipeline.name}: " if pipeline.name else ""
            for error in _raised(check, its):
                yield ConfigError(*(f"{where}{fault}" for fault in error.faults))
    for check, pipelines in together.items():
        yield from _raised(check, options, pipelines)


def _raised(check: Any, *arguments: Any) -> Iterator[ConfigError]:
    try:
        check(*arguments)
    except ConfigError as error:
        yield error
