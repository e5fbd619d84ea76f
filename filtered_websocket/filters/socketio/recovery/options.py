"""The options of recovery, which every pack that has it names by its own."""

from typing import Any

from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import boolean, integer, seconds, size


def declare(pack: str) -> tuple[Option, ...]:
    """The options of a pack."""
    return (
        Option(
            f"{pack}_recovery",
            seconds(0, 86400),
            0.0,
            "how long a client may be away and go on as if it had not been; 0: off. The same on all nodes",
            unit="seconds",
            scope="pipeline",
            at_start=True,
        ),
        Option(
            f"{pack}_recovery_events",
            integer(1, 1_000_000),
            1000,
            "most events that are replayed to a client; one that has missed more begins anew",
            scope="pipeline",
        ),
        Option(
            f"{pack}_recovery_bytes",
            size(1024, 1 << 30),
            1_000_000,
            "most that these may have",
            unit="bytes",
            scope="pipeline",
        ),
        Option(
            f"{pack}_recovery_log",
            size(64 << 10, 64 << 30),
            32 << 20,
            "most that the log keeps, in storage and on each node",
            unit="bytes",
            scope="pipeline",
        ),
        Option(
            f"{pack}_recovery_asked",
            boolean,
            False,
            "only clients that say recovery=1 in their query get offsets: handlers of others see no argument more",
            scope="pipeline",
            switch=True,
        ),
    )


class RecoveryOptions:
    """What these options say now: a reload may change them.

    :param pack: what their names begin with
    """

    def __init__(self, pipeline: Pipeline, pack: str) -> None:
        self._pipeline, self._pack = pipeline, pack

    def _value(self, name: str) -> Any:
        options: Options = self._pipeline.options
        return getattr(options, f"{self._pack}_recovery{name}")

    @property
    def seconds(self) -> float:
        return float(self._value(""))

    @property
    def events(self) -> int:
        return int(self._value("_events"))

    @property
    def bytes(self) -> int:
        return int(self._value("_bytes"))

    @property
    def log(self) -> int:
        return int(self._value("_log"))

    @property
    def asked(self) -> bool:
        return bool(self._value("_asked"))
