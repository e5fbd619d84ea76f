"""What pipelines store under equal names never meets."""

import pytest

from filtered_websocket.messages.publication import Position
from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.storage_objects.prefixed import PrefixedStorageObject
from filtered_websocket.storage_objects.wrapped import wrap
from tests.support.backends import message
from tests.support.chains import results


@pytest.fixture
def views():
    storage = StorageObject()
    return [PrefixedStorageObject(storage, prefix) for prefix in ("/chat ", "/news ")] + [storage]


def test_members_are_those_of_the_pipelines_own_channel(views):
    chat, news, whole = views
    chat.join("room", "ada", "1", "info")

    def asked(view, channel):
        questions = view.member(channel, "ada"), view.member_count(channel), view.members(channel)
        return [results(question)[0] for question in questions]

    assert asked(chat, "room") == ["info", 1, {"ada": "info"}]
    assert asked(news, "room") == [None, 0, {}]
    assert asked(whole, "/chat room") == ["info", 1, {"ada": "info"}]


def test_records_names_and_limits_are_those_of_the_pipelines_own(views):
    chat, news, whole = views
    for view, owner in ((chat, "a"), (news, "b")):
        assert results(view.store("pid", "x", 60, owner, only_if=("",))) == [True]
    assert results(chat.take("pid", "c")) == [("x", "a")]
    assert [results(view.load(name))[0] for view, name in ((news, "pid"), (whole, "/chat pid"), (whole, "pid"))] == [
        ("x", "b"),
        ("x", "c"),
        None,
    ]
    (first,), (again,), (other,) = [
        results(view.send(message("room", "x"), Keep(5), once="1")) for view in (chat, chat, news)
    ]
    assert (first == again, other.epoch == first.epoch) == (True, False)
    chat.send(message("room", "y"), Keep(5))
    chat.send(message("room", "z"), Keep(5))
    assert [each.payload for each in results(chat.since("room", first, 1))[0]] == [b"y"]


def test_a_users_own_storage_object_is_asked_as_it_was_before_there_were_names_and_limits():
    class Old:
        def send(self, publication, keep=None):
            return publication.channel

        def since(self, channel, position):
            return [channel]

    view = PrefixedStorageObject(wrap(Old()), "/chat ")
    assert results(view.send(message("room", "x"), Keep(5))) == ["/chat room"]
    assert results(view.since("room", Position("epoch", 1))) == [["/chat room"]]
