"""Where the pack is served: its paths, wherever in the server its pipeline is."""

from filtered_websocket.chain.interfaces import Pipeline


def is_at(pipeline: Pipeline, path: str, wanted: str) -> bool:
    """Whether a path is the one wanted, behind what the pipeline's patterns fix; a slash at its end is another path."""
    return path == wanted or (path.endswith(wanted) and path.removesuffix(wanted) in pipeline.prefixes(path))
