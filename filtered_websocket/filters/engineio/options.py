"""The options of a pack that serves Engine.IO, and what its engine sees of them."""

from typing import Any, Protocol

from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import boolean, integer, seconds, size, text, words
from filtered_websocket.limits import origins

TRANSPORTS = ("polling", "websocket")
PING_INTERVAL, PING_TIMEOUT = 25.0, 20.0
"""Seconds."""
MAX_PAYLOAD = 1_000_000
"""Bytes of the largest polling payload."""
MAX_PACKETS = 10_000


class EngineOptions(Protocol):
    """As they stand now: a reload may change them."""

    @property
    def pack(self) -> str:
        """The pack that serves, whose name counters, texts and its options begin with."""

    @property
    def ping_interval(self) -> float:
        """Seconds between pings."""

    @property
    def ping_timeout(self) -> float:
        """Seconds until a client that does not answer is gone."""

    @property
    def max_payload(self) -> int:
        """Bytes of the largest polling payload."""

    @property
    def max_packets(self) -> int:
        """Packets of the largest polling payload."""

    @property
    def transports(self) -> list[str]:
        """Those of `TRANSPORTS` that are served."""

    @property
    def is_strict(self) -> bool:
        """Whether upgrades are as the protocol's suites have them: a GET behind one comes too late, and another
        WebSocket is let in and closed. Filters see one connection. WS-Emit has always answered that GET,
        refused the WebSocket, and told filters of two connections."""

    @property
    def eio3(self) -> bool:
        """Whether clients of Engine.IO 3 are served too."""

    @property
    def cors(self) -> list[str]:
        """The origins whose pages may connect."""

    @property
    def polling_buffer(self) -> int:
        """Bytes that may wait in all for clients that poll."""


def _origins(value: Any) -> list[str]:
    return origins.read(words(value))


def _path(value: Any) -> str:
    path = text(value).rstrip("/")
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or not set(path).isdisjoint("?#*% "):
        raise ValueError("a path is wanted, such as /engine.io")
    return f"{path}/"


def _transports(value: Any) -> list[str]:
    names = list(dict.fromkeys(words(value)))
    if not names or not set(names).issubset(TRANSPORTS):
        raise ValueError(f"one or both of {' and '.join(TRANSPORTS)} are wanted")
    return names


def declare(pack: str, path: str, eio3: str) -> tuple[Option, ...]:
    """The options of a pack that serves Engine.IO.

    :param path: where, if nothing is said
    :param eio3: the clients that are served by that option
    """
    return (
        Option(
            f"{pack}_path",
            _path,
            f"{path}/",
            "path of the sessions, with or without a slash at its end",
            scope="pipeline",
        ),
        Option(
            f"{pack}_ping_interval",
            seconds(0.1, 3600),
            PING_INTERVAL,
            "time between pings of a session",
            unit="seconds",
            scope="pipeline",
        ),
        Option(
            f"{pack}_ping_timeout",
            seconds(0.1, 3600),
            PING_TIMEOUT,
            "time in which a client answers a ping, else its session ends",
            unit="seconds",
            scope="pipeline",
        ),
        Option(
            f"{pack}_max_payload",
            size(1024, 1 << 30),
            MAX_PAYLOAD,
            "largest body that a client which polls may send",
            unit="bytes",
            scope="pipeline",
        ),
        Option(
            f"{pack}_max_packets",
            integer(1, 1_000_000),
            MAX_PACKETS,
            "packets in one body of a client that polls; a session that sends more ends",
            scope="pipeline",
        ),
        Option(f"{pack}_eio3", boolean, False, f"serve clients of {eio3} too", scope="pipeline", switch=True),
        Option(
            f"{pack}_cors",
            _origins,
            [origins.SAME_HOST],
            "origins whose pages may connect, * for all",
            many=True,
            scope="pipeline",
        ),
        Option(
            f"{pack}_transports",
            _transports,
            [*TRANSPORTS],
            "what a session may be carried by: polling, websocket",
            many=True,
            scope="pipeline",
        ),
        Option(
            f"{pack}_polling_buffer",
            size(1024, 64 << 30),
            64 << 20,
            "most that may wait in all for clients that poll, between their GETs; what waits for several counts once, "
            "and the largest not at all",
            unit="bytes",
            scope="pipeline",
        ),
    )


OPTIONS = declare("engineio", "/engine.io", "Engine.IO 3")

DEFAULTS = {"allowed_origins": ["*"]}  # engineio_cors decides, and refuses with 400


class PackOptions:
    """What the options that `declare` has made say to an engine.

    :param pack: what their names begin with
    """

    is_strict = True

    def __init__(self, pipeline: Pipeline, pack: str) -> None:
        self._pipeline, self.pack = pipeline, pack

    def _value(self, name: str) -> Any:
        options: Options = self._pipeline.options
        return getattr(options, f"{self.pack}_{name}")

    @property
    def path(self) -> str:
        return str(self._value("path"))

    @property
    def ping_interval(self) -> float:
        return float(self._value("ping_interval"))

    @property
    def ping_timeout(self) -> float:
        return float(self._value("ping_timeout"))

    @property
    def max_payload(self) -> int:
        return int(self._value("max_payload"))

    @property
    def max_packets(self) -> int:
        return int(self._value("max_packets"))

    @property
    def transports(self) -> list[str]:
        return list(self._value("transports"))

    @property
    def eio3(self) -> bool:
        return bool(self._value("eio3"))

    @property
    def cors(self) -> list[str]:
        return list(self._value("cors"))

    @property
    def polling_buffer(self) -> int:
        return int(self._value("polling_buffer"))
