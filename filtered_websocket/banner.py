"""What the server says of itself when it starts: where it listens, its pipelines as pipes, and what is unsafe."""

from collections.abc import Iterator
from typing import Any

from filtered_websocket import __version__
from filtered_websocket.filters.base import EVENTS
from filtered_websocket.limits import ALLOWED_ORIGINS, OFF_BY_DEFAULT


def lines(server: Any, storage: str, reactor: str) -> Iterator[str]:
    """The banner, a line at a time."""
    options = server.options
    yield f"filtered_websocket {__version__}, storage {storage}, {reactor}"
    for pipeline in server.pipelines:
        yield from draw(pipeline)
    yield (
        f"limits: {options.max_connections} connections, messages of {options.max_message_size} bytes, "
        f"{options.send_buffer} bytes or {options.send_timeout:g} s for a slow client"
    )
    off = [each.name for each in OFF_BY_DEFAULT if not any(each.name in on for on in _set(server))]
    if off:
        yield f"limits that are off: {', '.join(off)}"


def _set(server: Any) -> Iterator[set[str]]:
    """Which of the limits that are off by default each pipeline has on."""
    for pipeline in server.pipelines:
        yield {each.name for each in OFF_BY_DEFAULT if getattr(pipeline.options, each.name)}


def draw(pipeline: Any) -> Iterator[str]:
    """One pipeline, each of its chains as a pipe."""
    yield " ".join(pipeline.patterns)
    for root in EVENTS:
        chain = pipeline.filters[root.event]  # type: ignore[attr-defined]
        if chain:
            yield f"    cat {root.event} | {' | '.join(_short(each) for each in chain)}"  # type: ignore[attr-defined]


def _short(filter_class: type) -> str:
    # A pack's are all in its module "filters", which says less than the pack's name.
    module = filter_class.__module__.removesuffix(".filters").rpartition(".")[2]
    return f"{module}.{filter_class.__name__}"


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith(("127.", "unix:"))


def unsafe(server: Any) -> Iterator[str]:
    """A line for each setting that an open server should not have, with the option to change."""
    options = server.options
    if "*" in options.allowed_origins:
        yield f"UNSAFE: any web page may connect with its visitor's cookies ({ALLOWED_ORIGINS.name} holds *)"
    for pipeline in server.pipelines:
        itself = any(getattr(each, "checks_origin", False) for each in pipeline.filters["handshake"])
        if "*" in pipeline.options.allowed_origins and "*" not in options.allowed_origins and not itself:
            source = pipeline.options.source(ALLOWED_ORIGINS.name)
            why = f"{ALLOWED_ORIGINS.name} holds *, from {source}"
            yield f"UNSAFE: any web page may connect to {' '.join(pipeline.patterns)} ({why})"
    if options.admin_port is not None and not options.admin_secret and not _is_loopback(options.admin_host):
        yield f"UNSAFE: who reaches {options.admin_host or 'this host'} may read the metrics (admin_secret is not set)"
    if not options.ping_interval:
        yield "UNSAFE: dead clients are never noticed (ping_interval is 0)"
