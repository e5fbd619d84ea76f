"""A storage object of the user's own that has only some methods, or synchronous ones."""

import pytest
from twisted.internet.defer import fail

from filtered_websocket.storage_objects.base import BaseStorageObject
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.storage_objects.wrapped import make, wrap
from tests.support.chains import results


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


def test_one_member_and_a_count_are_asked_of_the_users_object_too():
    class Own:
        def members(self, channel):
            return {"ada": channel}

    storage = make(Own, None)
    assert storage.member("room", "ada").result == "room"
    assert storage.member("room", "bob").result is None
    assert storage.member_count("room").result == 1

    class More(Own):
        def member(self, channel, member):
            return "its own"

        def member_count(self, channel):
            return 7

    storage = make(More, None)
    assert (storage.member("room", "bob").result, storage.member_count("room").result) == ("its own", 7)


def test_a_class_that_derives_from_the_base_is_asked_for_its_members_too():
    class Own(BaseStorageObject):
        def members(self, channel):
            return {"ada": channel}

    storage = make(Own, None)
    assert (storage.member("room", "ada").result, storage.member_count("room").result) == ("room", 1)
