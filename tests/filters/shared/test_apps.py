"""The look-up of apps, over a storage object that counts what it is asked."""

import json
from typing import NamedTuple

import pytest
from twisted.internet.defer import succeed

from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.shared.apps import REFRESH_SECONDS, Apps, check_secrets, read_apps, read_fields


class App(NamedTuple):
    id: str
    key: str
    secret: str = "s"


def read(value):
    return App(**read_fields(value, App._fields, "{}"))


class Storage:
    def __init__(self):
        self.stored, self.asked = {}, 0

    def fields(self, name):
        assert name == "apps"
        self.asked += 1
        return succeed(self.stored)


class Clock:
    now = 100.0

    def seconds(self):
        return self.now


def result_of(coroutine):
    found = []
    start(coroutine).addCallback(found.append)
    return found[0]


@pytest.fixture
def world():
    storage, clock = Storage(), Clock()
    return storage, clock, Apps("apps", read, (App("1", "given"),), storage, clock)


def test_a_given_app_is_found_without_asking(world):
    storage, _, apps = world
    assert apps.get("1") == result_of(apps.of_id("1")) == result_of(apps.of_key("given")) == App("1", "given")
    assert storage.asked == 0


def test_an_app_put_into_storage_is_found_at_the_next_look(world):
    storage, clock, apps = world
    assert result_of(apps.of_key("k")) is None
    storage.stored = {"2": json.dumps({"id": "2", "key": "k"})}
    assert result_of(apps.of_key("k")) is None
    assert storage.asked == 1
    clock.now += REFRESH_SECONDS
    assert result_of(apps.of_key("k")) == result_of(apps.of_id("2")) == apps.get("2") == App("2", "k")
    assert (storage.asked, apps.count) == (2, 2)


def test_given_apps_win_and_what_is_no_app_is_left_out(world):
    storage, _, apps = world
    storage.stored = {"1": '{"id": "1", "key": "other"}', "3": "no JSON", "4": '{"id": "4", "colour": "red"}'}
    assert result_of(apps.of_id("4")) is None
    assert (apps.get("1"), apps.count) == (App("1", "given"), 1)


def test_an_app_that_was_made_here_is_known_at_once(world):
    storage, _, apps = world
    apps.know(App("5", "made"))
    assert result_of(apps.of_key("made")) == result_of(apps.of_id("5")) == App("5", "made")
    assert storage.asked == 0


@pytest.mark.parametrize("twice", [{"id": "1", "key": "b"}, {"id": "2", "key": "a"}])
def test_two_apps_of_one_id_or_key_are_refused(twice):
    with pytest.raises(ValueError, match="two apps have the same"):
        read_apps([{"id": "1", "key": "a"}, twice], read)


@pytest.mark.parametrize(("key", "secret"), [("k" * 9, "s"), ("k", "é"), ("/", "s")])
def test_keys_and_secrets_are_short_ascii_and_keys_stand_in_urls(key, secret):
    with pytest.raises(ValueError, match="app 1"):
        check_secrets("1", {"key": key, "secret": secret}, longest=8)
