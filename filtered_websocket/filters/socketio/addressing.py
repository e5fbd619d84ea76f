"""Which pipeline an order on the bus is for: all of them hear the channels that programs write to.

What our own servers write names its pipeline. Other programs, such as Flask-SocketIO, know no pipelines: what they
write is for the only pipeline with the pack. Where there are several, the option ``PACK_pipeline`` names the one;
without it there is none, since none is less wrong than all.
"""

from collections.abc import Sequence
from typing import Protocol

from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.errors import ConfigError

_PACKS = __name__.removesuffix("socketio.addressing")


class Named(Protocol):
    """A pipeline, or its configuration."""

    @property
    def name(self) -> str: ...
    @property
    def patterns(self) -> tuple[str, ...]: ...


class Addressing:
    """
    :param pack: its name, with which its option begins
    """

    def __init__(self, pack: str) -> None:
        self._modules, self._option = f"{_PACKS}{pack}.", f"{pack}_pipeline"

    def _has_pack(self, pipeline: Pipeline) -> bool:
        # By name: a reload makes the filters anew. A pipeline without patterns has left the configuration.
        filters = pipeline.filters["consumer"]
        return bool(pipeline.patterns) and any(each.__module__.startswith(self._modules) for each in filters)

    def is_heard_here_only(self, pipeline: Pipeline) -> bool:
        """Whether what this pipeline emits is heard by this pack alone: by no other process, and by no consumer filter
        of a user, which would see the bus message."""
        if not pipeline.storage_object.private_bus:
            return False
        for other in pipeline.server.pipelines:
            for each in other.filters["consumer"]:
                if not each.__module__.startswith(self._modules):
                    return False
        return True

    def is_for(self, pipeline: Pipeline, named: object) -> bool:
        """Whether an order is for this pipeline.

        :param named: the pipeline that the order names; None if it names none
        """
        if named is not None:
            return bool(named == pipeline.name)
        chosen = getattr(pipeline.server.options, self._option)
        if chosen:
            return chosen in _names(pipeline)
        return all(each is pipeline for each in pipeline.server.pipelines if self._has_pack(each))

    def check(self, options: Options, pipelines: Sequence[Named]) -> None:
        """Whether the option names one of the pipelines with this pack.

        :param pipelines: their configurations
        :raises ConfigError: it names none of them
        """
        chosen = getattr(options, self._option)
        if chosen and not any(chosen in _names(each) for each in pipelines):
            raise ConfigError(f"{self._option}: {chosen} is no pipeline with this pack; there is {_called(pipelines)}")

    def warning(self, pipeline: Pipeline) -> str:
        """What is to be said at the start of this pipeline; it is said once, by the first of them."""
        having = [each for each in pipeline.server.pipelines if self._has_pack(each)]
        if getattr(pipeline.server.options, self._option) or len(having) < 2 or having[0] is not pipeline:
            return ""
        return (
            "programs that know no pipelines, such as Flask-SocketIO, reach no client: "
            f"say with {self._option} which of {_called(having)} they are to emit to"
        )


def _names(pipeline: Named) -> tuple[str, ...]:
    """What the option may call it; that of ``filters`` has the pattern ``*``."""
    return (pipeline.name, *pipeline.patterns)


def _called(pipelines: Sequence[Named]) -> str:
    return ", ".join(each.name or "*" for each in pipelines)
