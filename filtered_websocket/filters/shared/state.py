"""What a pack keeps for one pipeline."""

from typing import ClassVar, Self

from filtered_websocket.chain.interfaces import Options, Pipeline


class PackState:
    """What a pack keeps for one pipeline, as the pipeline's attribute: ``pipeline.pusher``, say. Each pack has its own
    subclass.

    :cvar attribute: the attribute's name
    :ivar options: the options that it follows; None as long as it has not begun
    """

    attribute: ClassVar[str]
    options: Options = None

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    @classmethod
    def of(cls, pipeline: Pipeline) -> Self:
        """The state of a pipeline, in keeping with its options: a reload gives it others, and starts no pack anew."""
        state: Self = pipeline.__dict__.get(cls.attribute) or cls(pipeline)
        if state.options is not pipeline.options:
            state.follow(pipeline.options)
            state.options = pipeline.options
            setattr(pipeline, cls.attribute, state)
        return state

    @classmethod
    def end(cls, pipeline: Pipeline) -> None:
        """The pipeline ends, maybe before this pack's start filter has had its turn."""
        state: Self | None = pipeline.__dict__.get(cls.attribute)
        if state is not None:
            state.stop()

    def follow(self, options: Options) -> None:
        """Take the options, at the start and after a reload. What this raises stops the start."""

    def stop(self) -> None:
        """Close what is open, forget what is to come."""
