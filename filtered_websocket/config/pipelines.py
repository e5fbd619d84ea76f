"""The pipelines that the options name: which paths each serves, with which filters and options."""

import re
from typing import Any, NamedTuple

from filtered_websocket.config.option import Options, Sourced
from filtered_websocket.config.uses import Use, uses
from filtered_websocket.errors import ConfigError


class PipelineConfig(NamedTuple):
    """One pipeline: ``name`` is its first pattern, "" for that of all other paths; ``options`` hold what its entry
    overrides."""

    name: str
    patterns: tuple[str, ...]
    uses: tuple[Use, ...]
    options: Options

    @property
    def filters(self) -> tuple[str, ...]:
        """The names of its filter modules, each once."""
        return tuple(dict.fromkeys(use.module for use in self.uses))


Entry = tuple[tuple[str, ...], tuple[Use, ...], dict[str, Any]]  # patterns, filters, what was written for them


def read_pipelines(filters: Sourced, pipelines: Sourced, faults: list[ConfigError]) -> list[Entry]:
    """The pipelines that the options ``filters`` and ``pipelines`` name, that of all other paths first."""
    (modules, source), (written, place) = filters, pipelines
    # Pipelines without "filters": there are no others, and 404 elsewhere.
    entries: list[Entry] = [] if written and source == "default" else [(("*",), tuple(uses(modules)), {})]
    seen: set[str] = set()
    for key, value in written.items():
        patterns = tuple(key.split())
        entry = value if isinstance(value, dict) else {"filters": value}
        try:
            if not patterns or not all(pattern.startswith(("/", "*")) for pattern in patterns):
                raise ValueError("paths are wanted that begin with / or *")
            if any(re.search("[?#]|%[0-9A-Fa-f]{2}", pattern) for pattern in patterns):
                raise ValueError("paths are wanted without ? and #, and decoded: é, not %C3%A9")
            if not seen.isdisjoint(patterns) or len(set(patterns)) < len(patterns):
                raise ValueError("a path is wanted that is not there already")
            seen.update(patterns)
            if "filters" not in entry:
                raise ValueError('"filters" are wanted, a list of modules')
            entries.append((patterns, tuple(uses(entry["filters"])), entry))
        except ValueError as error:
            faults.append(ConfigError(f"{place}: pipelines.{key}: {error}"))
    return entries
