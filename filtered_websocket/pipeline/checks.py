"""What filter modules declare beside their options: functions that look at the values of these."""

from collections.abc import Callable, Iterator
from typing import Any

from filtered_websocket.config.option import Options
from filtered_websocket.config.pipelines import PipelineConfig
from filtered_websocket.errors import ConfigError
from filtered_websocket.pipeline.declared import checks_of
from filtered_websocket.pipeline.order import out_of_order


def checks(pipeline: PipelineConfig, what: str) -> Iterator[tuple[Any, Options]]:
    """What a pipeline's modules declare by this name, each with the options of its use."""
    found: list[tuple[Any, Options]] = []
    for use in pipeline.uses:
        its = pipeline.options if use.options is None else use.options
        found += [(each, its) for each in checks_of(use.module, what) if (each, its) not in found]
    yield from found


def declared_faults(options: Options) -> Iterator[ConfigError]:
    """What ``CHECK`` and ``CHECK_PIPELINES`` of all modules find wrong, and their order."""
    together: dict[Any, list[PipelineConfig]] = {}
    for pipeline in options.pipelines:
        yield from out_of_order(pipeline.filters)
        for check in dict.fromkeys(each for name in pipeline.filters for each in checks_of(name, "CHECK_PIPELINES")):
            together.setdefault(check, []).append(pipeline)
        for check, its in checks(pipeline, "CHECK"):
            where = f"pipelines.{pipeline.name}: " if pipeline.name else ""
            for error in raised(check, its):
                yield ConfigError(*(f"{where}{fault}" for fault in error.faults))
    for check, pipelines in together.items():
        yield from raised(check, options, pipelines)


def raised(check: Callable[..., object], *arguments: Any) -> Iterator[ConfigError]:
    """The ConfigError that a check raises, if it does."""
    try:
        check(*arguments)
    except ConfigError as error:
        yield error
