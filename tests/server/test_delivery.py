"""What the storage object and other threads tell a server, and the pipeline that each of it belongs to."""

import threading
from typing import Any

from filtered_websocket.filters.base import (
    WebSocketConsumerFilter,
)
from tests.support.serving import Events, serving


def test_what_any_thread_puts_into_the_queue_reaches_consumer_filters_in_order() -> None:
    events = Events()

    class Consumes(WebSocketConsumerFilter):
        @classmethod
        def filter(cls, pipeline: Any, data: Any) -> None:
            events.tell((data, threading.current_thread().name))

    with serving(Consumes) as served:
        for number in range(100):
            served.server.queue.put({"number": number})
        assert [events.next() for _ in range(100)] == [({"number": number}, "reactor") for number in range(100)]
