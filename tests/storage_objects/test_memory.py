"""What only memory promises: delivery in the same turn, one order also when consuming publishes."""

from filtered_websocket.storage_objects import memory
from filtered_websocket.storage_objects.base import DONE, Keep
from tests.support.backends import Recorder, message


def started(consumer=None):
    storage = memory.StorageObject()
    storage.start(consumer or Recorder())
    return storage


def test_send_delivers_before_it_returns_and_costs_no_deferred():
    recorder = Recorder()
    storage = started(recorder)
    storage.subscribe("a")
    assert storage.send(message("a", "one")) is DONE
    assert storage.send(message("b", "nobody here")) is DONE
    assert recorder.payloads == [b"one"]


def test_what_is_published_while_an_item_is_consumed_follows_it():
    class Answering(Recorder):
        def consume(self, publication):
            if publication.payload == b"ask":
                storage.send(message("a", "answer"))
                storage.publish("raw", "bus")
            super().consume(publication)

    recorder = Answering()
    storage = started(recorder)
    storage.subscribe("a")
    storage.listen("raw")
    storage.send(message("a", "ask"))
    assert recorder.payloads == [b"ask", b"answer"]
    assert [item["data"] for item in recorder.bus] == [b"bus"]


def test_a_consumer_that_fails_loses_that_item_only():
    class Failing(Recorder):
        def consume(self, publication):
            if publication.payload == b"bad":
                raise RuntimeError("a filter")
            super().consume(publication)

    recorder = Failing()
    storage = started(recorder)
    storage.subscribe("a")
    for payload in ("bad", "good"):
        assert storage.send(message("a", payload)) is DONE
    assert recorder.payloads == [b"good"]


def test_histories_that_ended_do_not_stay_in_memory(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("filtered_websocket.storage_objects.history.time.monotonic", lambda: now[0])
    storage = started()
    for number in range(100):
        storage.send(message(f"room {number}", "x"), Keep(10, 60))
    now[0] += 60 + 86400 + 1
    for _ in range(102):
        storage.send(message("still here", "x"), Keep(10, 60))
    assert list(storage._histories._histories) == ["still here"]
