"""What pipelines store under equal names never meets."""

import pytest

from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.storage_objects.prefixed import PrefixedStorageObject
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
