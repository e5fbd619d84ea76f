"""Options: declared once; read from flags, the environment and JSON; all faults told at once."""

from filtered_websocket.config.configuration import Configuration
from filtered_websocket.config.documentation import documentation
from filtered_websocket.config.option import Option, Options, Original
from filtered_websocket.config.parsers import (
    bearer,
    boolean,
    choice,
    integer,
    json_value,
    listening_address,
    seconds,
    size,
    text,
    words,
)
from filtered_websocket.config.pipelines import PipelineConfig
from filtered_websocket.errors import UsageError

__all__ = [
    "Configuration",
    "Option",
    "Options",
    "Original",
    "PipelineConfig",
    "UsageError",
    "bearer",
    "boolean",
    "choice",
    "documentation",
    "integer",
    "json_value",
    "listening_address",
    "seconds",
    "size",
    "text",
    "words",
]
