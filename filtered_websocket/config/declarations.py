"""The options that say what is served."""

from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import json_value, text
from filtered_websocket.config.uses import uses

DEFAULT_FILTERS = ["filtered_websocket.filters.broadcast_messages", "filtered_websocket.filters.stdout_messages"]


CONFIG = Option("config", text, None, "JSON file of options", flags=("-c",))


FILTERS = Option(
    "filters", uses, DEFAULT_FILTERS, "filter modules, in the order of their chain, of paths that no "
    "pipeline names; with options of its own one is written module?name=value&other=value",
    flags=("-f",), many=True, scope="pipeline",
)  # fmt: skip


PIPELINES = Option(
    "pipelines", json_value(dict), {}, 'JSON object: "/path /app/*" to a list of filter modules, or to an object with '
    '"filters" and values of options for these paths', secret=True,  # because an app's secret may stand in it
)  # fmt: skip
