"""What /metrics says of a use."""

from collections.abc import Callable, Iterator

from filtered_websocket.chain.counters import Figure
from filtered_websocket.filters.http_callback.backend import Backend
from filtered_websocket.filters.http_callback.departures import Departures
from filtered_websocket.filters.http_callback.events import EVENTS

COUNTED = {
    "asked": "Questions for backends",
    "refused": "Questions that backends answered with no",
    "failed": "Questions without a good answer, those that were not put among them",
}


class Figures:
    """
    :param pipeline: its name
    :param backend: gives it as it is now
    """

    def __init__(self, pipeline: str, backend: Callable[[], Backend], departures: Departures) -> None:
        self._pipeline, self._backend, self._departures = pipeline, backend, departures

    def read(self) -> Iterator[Figure]:
        backend = self._backend()
        of = (("pipeline", self._pipeline), ("backend", backend.name))
        for what, text in COUNTED.items():
            for event in EVENTS:
                count = backend.figures[event, what]
                yield Figure("counter", f"http_callback_{what}", text, (*of, ("event", event)), count)
        for name, text, value in (
            ("breaker_open", "1 while a backend is not asked, or asked once", int(backend.breaker.is_open)),
            ("under_way", "Requests to backends that are under way", backend.under_way),
            ("disconnects_waiting", "Disconnects that backends are yet to be told", len(self._departures)),
        ):
            yield Figure("gauge", f"http_callback_{name}", text, of, value)
