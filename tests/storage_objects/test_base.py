"""DONE, the words of the interface, and a user's own storage object wrapped."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, fail, inlineCallbacks, succeed

from filtered_websocket.storage_objects.base import DONE, as_bytes, as_text
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.storage_objects.values import as_value
from filtered_websocket.storage_objects.wrapped import wrap


def results(deferred):
    collected = []
    deferred.addBoth(collected.append)
    return collected


def unchanged():
    return DONE.called and DONE.result is None and not DONE._callbacks and not DONE.paused


def test_done_runs_callbacks_on_a_fresh_deferred_and_stays_as_it_is():
    first = DONE.addCallback(lambda _: 1)
    assert first is not DONE
    assert results(first) == [1]
    assert results(DONE.addCallbacks(lambda _: 2, lambda _: 3)) == [2]
    assert results(DONE.addBoth(lambda value: value)) == [None]
    assert results(DONE.addErrback(lambda _: 4)) == [None]
    failed = DONE.addCallback(lambda _: 1 // 0)
    assert results(failed)[0].check(ZeroDivisionError)
    failed.addErrback(lambda _: None)
    assert unchanged()


def test_done_can_be_awaited_yielded_chained_returned_and_cancelled():
    async def awaits():
        return await DONE, await DONE

    @inlineCallbacks
    def yields():
        return (yield DONE), (yield DONE)

    assert results(Deferred.fromCoroutine(awaits())) == [(None, None)]
    assert results(yields()) == [(None, None)]
    follower = Deferred()
    DONE.chainDeferred(follower)
    assert results(follower) == [None]
    assert results(succeed(1).addCallback(lambda _: DONE)) == [None]
    DONE.cancel()
    DONE.pause()
    DONE.unpause()
    assert results(DONE.addTimeout(1, None)) == [None]
    assert unchanged()


def test_done_becomes_a_future():
    async def main():
        return await DONE.asFuture(asyncio.get_running_loop())

    assert asyncio.run(main()) is None
    assert unchanged()


def test_text_and_bytes_survive_storing():
    for text in ("", "plain", "ä€😀", "\ud800 alone"):
        assert as_text(as_bytes(text)) == text
    assert as_value(b"\xff\x00") == b"\xff\x00"
    assert as_value(b"abc") == "abc"
    assert as_text(b"\xff")
    with pytest.raises(TypeError, match="int"):
        as_bytes(7)


class Original:
    """What a storage object had to be for the original."""

    def __init__(self):
        self.data = {}
        self.published = []

    def get(self, key):
        return self.data.get(key)

    def __getitem__(self, key):
        return self.data[key]

    def add(self, key, value):
        self.data.setdefault(key, set()).add(value)

    def remove(self, key, value):
        self.data[key].remove(value)

    def publish(self, channel, data):
        self.published.append((channel, data))

    def of_my_own(self):
        return "mine"


def test_a_users_storage_object_is_asked_for_what_it_has_and_memory_does_the_rest():
    original = Original()
    storage = wrap(original)
    assert results(storage.add("room", "ada")) == [None]
    assert results(storage.get("room")) == [{"ada"}]
    assert results(storage["room"]) == [{"ada"}]
    assert results(storage.get("nowhere")) == [None]
    storage.publish("news", b"x")
    assert original.published == [("news", b"x")]
    assert results(storage.put("map", "field", "value")) == [True]
    assert results(storage.fields("map")) == [{"field": "value"}]
    assert storage.of_my_own() == "mine"
    with pytest.raises(AttributeError):
        _ = storage.not_there


def test_an_exception_of_a_users_storage_object_becomes_a_failed_deferred():
    failed = results(wrap(Original()).remove("room", "nobody"))
    assert failed[0].check(KeyError)


def test_a_users_storage_object_may_be_asynchronous_and_need_only_getitem():
    class Own:
        def __getitem__(self, key):
            return {key}

        async def add(self, key, value):
            return value

        def remove(self, key, value):
            return fail(LookupError(key))

    storage = wrap(Own())
    assert results(storage.get("a")) == [{"a"}]
    assert results(storage.add("a", "b")) == ["b"]
    assert results(storage.remove("a", "b"))[0].check(LookupError)


def test_a_users_start_is_called_with_the_consumer_only_if_it_takes_one():
    calls = []

    class Thread:
        def start(self):
            calls.append("started")

        def stop(self):
            calls.append("stopped")

    class Full:
        def start(self, consumer):
            calls.append(consumer)

    wrap(Thread()).start("consumer")
    wrap(Thread()).stop()
    wrap(Full()).start("consumer")
    assert calls == ["started", "stopped", "consumer"]


def test_a_full_storage_object_is_not_wrapped():
    storage = StorageObject()
    assert wrap(storage) is storage


def test_importing_a_backend_does_not_install_the_reactor():
    names = ", ".join(f"filtered_websocket.storage_objects.{name}" for name in ("memory", "redis", "sqlite"))
    program = f"import sys, {names}; sys.exit('twisted.internet.reactor' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])
