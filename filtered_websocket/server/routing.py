"""Which pipeline serves a path."""

from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.web.head import path_of_line

MAX_KNOWN, MAX_KNOWN_PATH = 1024, 256
"""Paths whose pipeline is remembered, and their characters: clients choose them."""


class Routing:
    """The paths of a server.

    :ivar pipelines: those of the configuration, and former ones that still have connections
    :ivar only_pipeline: the pipeline that serves every path; None if there are several. Its data filters see the first
        bytes of a connection at once, before there is a path
    :ivar unnamed: the pipeline whose channels have in storage the names that they have here
    :ivar has_data_filters: whether any pipeline has some
    """

    pipelines: list[Pipeline]
    only_pipeline: Pipeline | None
    unnamed: Pipeline | None
    has_data_filters: bool
    _known: dict[str, Pipeline | None]
    """Of paths that were asked for."""

    def route(self) -> None:
        """Derive from the pipelines what is asked for often."""
        pipelines = self.pipelines
        self._known = {}
        self.unnamed = next((pipeline for pipeline in pipelines if not pipeline.prefix), None)
        everywhere = len(pipelines) == 1 and "*" in pipelines[0].patterns
        self.only_pipeline = pipelines[0] if everywhere else None
        self.has_data_filters = any(pipeline.chains["data"] for pipeline in pipelines)

    def pipeline_for(self, path: str) -> Pipeline | None:
        """The pipeline whose pattern fits best, None if none fits."""
        if self.only_pipeline is not None:
            return self.only_pipeline
        known = self._known
        if path in known:
            return known[path]
        found = self._best_for(path)
        if len(path) <= MAX_KNOWN_PATH:
            if len(known) >= MAX_KNOWN:
                known.clear()
            known[path] = found
        return found

    def _best_for(self, path: str) -> Pipeline | None:
        fitting = [(fit, pipeline) for pipeline in self.pipelines if (fit := pipeline.fit(path))]
        return max(fitting, key=lambda each: each[0])[1] if fitting else None

    def pipeline_of_line(self, data: bytes) -> Pipeline | None:
        """The pipeline that a connection's first bytes ask for: that of all other paths where they are no HTTP."""
        path = path_of_line(data)
        return self.unnamed if path is None else self.pipeline_for(path)
