"""What was given and takes no effect beside what else was: warned of by ``--check``, a start and a reload."""

import re
import resource
import sys
from collections.abc import Iterator

from filtered_websocket.config.option import Options
from filtered_websocket.pipeline.checks import checks
from filtered_websocket.pipeline.order import in_vain


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
        yield from in_vain(pipeline.filters)
        for pattern, rule in pipeline.options.channels.items():
            if "history_seconds" in rule and not rule.get("history"):
                yield f'channels: history_seconds of "{pattern}" takes no effect without history'
            if len(re.sub(r"\[[^]]+\]|\?", "x", pattern).replace("*", "")) > options.max_channel_name:
                yield f'channels: "{pattern}" fits none of at most {options.max_channel_name} characters'


def _without(options: Options) -> Iterator[tuple[Options, str, str]]:
    """Options that take no effect now: whose they are, their names, and why."""
    yield from ((options, *each) for each in _without_others(options))
    for pipeline in options.pipelines:
        for no_effect, its in checks(pipeline, "NO_EFFECT"):
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
