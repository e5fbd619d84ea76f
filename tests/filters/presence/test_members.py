"""What clients are told is the difference to what they were told: in as few messages as the limit allows."""

import json
from random import Random

import pytest

from filtered_websocket.filters.presence.members import Members
from tests.filters.presence.clients import Watcher


def news(members, limit=100, shows="users", anonymous="count"):
    return [json.loads(each) for each in members.changes(limit, shows, anonymous)]


def short(messages):
    return [(each["presence"], each["users"], each["count"], each["anonymous"]) for each in messages]


@pytest.fixture
def members():
    found = Members()
    for each in ("uann", "c1", "ubob"):
        found.add(each)
    news(found)
    return found


def test_nothing_is_told_twice(members):
    members.add("uann")
    members.remove("ueve")
    assert not members.changed
    assert news(members) == []


def test_what_has_left_and_come_back_is_not_told(members):
    members.remove("uann")
    members.add("uann")
    members.add("ueve")
    members.remove("ueve")
    assert news(members) == []


def test_leaves_come_first_and_counts_fit_each_message(members):
    for each in ("udan", "c2", "ueve"):
        members.add(each)
    members.remove("uann")
    members.remove("c1")
    assert short(news(members, limit=1)) == [
        ("left", ["ann"], 1, 0), ("joined", ["dan"], 2, 0), ("joined", ["eve"], 3, 1),
    ]  # fmt: skip


def test_a_flood_is_cut_into_messages_of_so_many_names(members):
    for number in range(250):
        members.add(f"u{number}")
        members.add(f"cx{number}")
    told = news(members)
    assert [len(each["users"]) for each in told] == [100, 100, 50]
    assert (told[-1]["count"], told[-1]["anonymous"]) == (252, 251)
    for number in range(250):
        members.remove(f"cx{number}")
    assert short(news(members)) == [("left", [], 252, 1)]


def test_the_list_is_cut_and_says_how_many_there_are(members):
    assert json.loads(members.here(1, "users", "count")) == {
        "presence": "here", "users": ["ann"], "count": 2, "anonymous": 1
    }  # fmt: skip
    shown = json.loads(members.here(3, "users", "id"))
    assert (shown["users"], shown["connections"]) == (["ann", "bob"], ["1"])


def test_numbers_alone(members):
    members.add("ueve")
    assert news(members, shows="count") == [{"presence": "count", "count": 3, "anonymous": 1}]
    assert json.loads(members.here(9, "count", "count")) == {"presence": "count", "count": 3, "anonymous": 1}


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_list_that_is_kept_by_what_is_told_is_right(limit):
    random = Random(limit)
    members, watcher = Members(), Watcher()
    watcher.hear(members.here(100, "users", "count").decode())
    here: set[str] = set()
    for _ in range(2000):
        each = random.choice("uc") + str(random.randrange(8))
        if random.random() < 0.02:
            here = {f"u{number}" for number in range(8) if random.random() < 0.5}
            members.become(here)
        elif random.random() < 0.5:
            here.add(each)
            members.add(each)
        else:
            here.discard(each)
            members.remove(each)
        if random.random() < 0.4:
            for text in members.changes(limit, "users", "count"):
                watcher.hear(text.decode())
            assert watcher.users is not None
            users = [name[1:] for name in here if name[0] == "u"]
            assert sorted(watcher.users) == sorted(users)
            assert watcher.anonymous == len(here) - len(users)
