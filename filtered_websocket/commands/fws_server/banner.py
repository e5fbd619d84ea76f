"""What the server says of itself when it starts: where it listens, its pipelines as pipes, and what is unsafe."""

from collections.abc import Collection, Iterator

from filtered_websocket import __version__
from filtered_websocket.chain.events import EVENTS
from filtered_websocket.limits.addresses import is_loopback
from filtered_websocket.limits.options import ALLOWED_ORIGINS
from filtered_websocket.messages import accelerator
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.server.server import Server
from filtered_websocket.transport.descriptors import SELECT, SELECT_MOST, descriptors

SHORT = 16
"""Characters of a secret that nobody guesses, if it is random."""


def lines(server: Server, storage: str, reactor: str) -> Iterator[str]:
    """The banner, a line at a time."""
    options = server.options
    frames = "frames in Python" if accelerator.loaded is None else "frames in C"
    yield f"filtered_websocket {__version__}, storage {storage}, {reactor}, {frames}"
    for pipeline in server.pipelines:
        yield from draw(pipeline)
    yield (
        f"limits: {options.max_connections} connections, messages of {options.max_message_size} bytes, "
        f"{options.send_buffer} bytes or {options.send_timeout:g} s for a slow client"
    )
    yield from _few_descriptors(options.max_connections, reactor)
    off = list(_off(server.pipelines))
    if off:
        yield f"limits that are off: {', '.join(off)}"


def _few_descriptors(connections: int, reactor: str) -> Iterator[str]:
    """Whether fewer clients will find a descriptor than the limit on connections lets in, and what to do about it."""
    most = descriptors()
    if reactor == SELECT:
        yield (
            f"descriptors: --reactor select looks at those up to {min(most, SELECT_MOST) - 1:,} and no other; clients "
            "beyond them are refused"
        )
    elif most < connections:
        yield (
            f"descriptors: {most:,}, too few for max_connections: clients beyond them are refused "
            "(LimitNOFILE= of systemd, ulimit -Hn)"
        )


def _off(pipelines: Collection[Pipeline]) -> Iterator[str]:
    """The limits that are off, those of packs too, with the pipelines where they are if not in all."""
    without: dict[str, list[str]] = {}
    for pipeline in pipelines:
        for option, value, _ in pipeline.options:
            if option.limits and not value:
                without.setdefault(option.name, []).append(pipeline.name or "*")
    everywhere = len(pipelines)
    for name, names in without.items():
        yield name if len(names) == everywhere else f"{name} ({', '.join(names)})"


def dashboard(server: Server, address: str) -> str:
    """Where the dashboard is and what opens it, as far as the server knows.

    :param address: URL of what serves it; ``ws://`` and ``wss://`` are taken for what plain HTTP calls them
    """
    url = address.replace("ws", "http", 1) if address.startswith("ws") else address
    url = url.replace("//0.0.0.0:", "//localhost:").replace("//[::]:", "//localhost:")
    if server.options.admin_secret:
        reader = "with admin_secret"
    else:
        reader = "for this machine" if server.admin_site is None else "for all that reach that port"
    return f"dashboard on {url}/dashboard, {reader}"


def draw(pipeline: Pipeline) -> Iterator[str]:
    """One pipeline, each of its chains as a pipe."""
    yield " ".join(pipeline.patterns)
    for root in EVENTS:
        chain = pipeline.filters[root.event]  # type: ignore[attr-defined]
        if chain:
            yield f"    cat {root.event} | {' | '.join(_short(each) for each in chain)}"  # type: ignore[attr-defined]
    for root, chain in pipeline.further.items():
        if chain:
            yield f"    cat {root.__name__} | {' | '.join(_short(each) for each in chain)}"


def _short(filter_class: type) -> str:
    # A pack's are all in its module "filters", which says less than the pack's name.
    module = filter_class.__module__.removesuffix(".filters").rpartition(".")[2]
    return f"{module}.{filter_class.__name__}"


def _only_here(host: str) -> bool:
    return host.startswith("unix:") or is_loopback(host)


def unsafe(server: Server) -> Iterator[str]:
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
    if options.admin_port is not None and not options.admin_secret and not _only_here(options.admin_host):
        where = options.admin_host or "this host"
        yield f"UNSAFE: all that reach {where} may read the figures (admin_secret is not set)"
    for name, opens in (("publish_secret", "publish"), ("admin_secret", "read the figures")):
        if 0 < len(getattr(options, name)) < SHORT:
            yield f"UNSAFE: anyone can guess it and {opens} ({name} is shorter than {SHORT} characters)"
    for name in ("ping_interval", "ping_timeout"):
        if not getattr(options, name):
            yield f"UNSAFE: dead clients are never noticed ({name} is 0)"
