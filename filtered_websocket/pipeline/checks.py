"""What filter modules declare beside their options: functions that look at the values of these."""

from collections.abc import Iterator
from typing import Any

from filtered_websocket.config.option import Options
from filtered_websocket.config.pipelines import PipelineConfig
from filtered_websocket.pipeline.modules import checks_of


def checks(pipeline: PipelineConfig, what: str) -> Iterator[tuple[Any, Options]]:
    """What a pipeline's modules declare by this name, each with the options of its use."""
    found: list[tuple[Any, Options]] = []
    for use in pipeline.uses:
        its = pipeline.options if use.options is None else use.options
        found += [(each, its) for each in checks_of(use.module, what) if (each, its) not in found]
    yield from found
