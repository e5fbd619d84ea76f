"""Options: declared once; read from flags, the environment and JSON; all faults told at once."""

from filtered_websocket.config.configuration import (
    Configuration,
    Option,
    Options,
    Original,
    PipelineConfig,
    UsageError,
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
from filtered_websocket.config.documentation import documentation

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
