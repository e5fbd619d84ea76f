import importlib
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.wsps import auth
from filtered_websocket.filters.wsps.auth import NullAuthManager, SettingsAuthManager, manager_class


def manager(subscribe=(), publish=()):
    return SettingsAuthManager(SimpleNamespace(SUBSCRIBE_KEYS=dict(subscribe), PUBLISH_KEYS=dict(publish)))


def test_the_null_manager_allows_everything():
    assert NullAuthManager(None).authenticate("publish", "any", None)


def test_the_first_pattern_in_order_decides():
    keys = manager({"user/1": "one", "user/*": "many"})
    assert keys.authenticate("subscribe", "user/1", "one")
    assert not keys.authenticate("subscribe", "user/1", "many")
    assert keys.authenticate("subscribe", "user/2", "many")
    assert not keys.authenticate("subscribe", "user/2", None)


def test_a_channel_that_no_pattern_matches_is_open():
    assert manager({"user/*": "k"}).authenticate("subscribe", "news", None)


def test_keys_of_one_event_do_not_count_for_the_other():
    keys = manager(subscribe={"a": "s"}, publish={"a": "p"})
    assert keys.authenticate("publish", "a", "p")
    assert not keys.authenticate("publish", "a", "s")


@given(st.none() | st.booleans() | st.integers() | st.lists(st.text()) | st.dictionaries(st.text(), st.text()))
def test_what_is_no_text_equals_no_key(given_key):
    assert manager({"a": "1"}).authenticate("subscribe", "a", given_key) is False


@given(st.text(st.characters()))
def test_any_text_equals_itself_and_nothing_longer(key):
    assert manager({"a": key}).authenticate("subscribe", "a", key)
    assert not manager({"a": key}).authenticate("subscribe", "a", f"{key}x")


def test_a_key_that_is_none_wants_none():
    assert manager({"a": None}).authenticate("subscribe", "a", None)
    assert not manager({"a": None}).authenticate("subscribe", "a", "x")


@pytest.mark.parametrize("package", ["wspsserver", "wpsserver"])
def test_managers_have_the_names_of_the_original_while_the_pack_is_loaded(package):
    module = importlib.import_module(f"{package}.auth")
    assert module is auth
    assert importlib.import_module(package).auth is auth
    assert manager_class(f"{package}.auth:NullAuthManager") is NullAuthManager
    assert manager_class(f"{package}.auth.settings") is SettingsAuthManager


def test_a_managers_module_may_say_what_the_originals_users_wrote(tmp_path, monkeypatch):
    (tmp_path / "my_managers.py").write_text(
        "from wspsserver.auth import BaseAuthManager\n"
        "class Mine(BaseAuthManager):\n"
        "    def authenticate(self, event, channel, key):\n"
        "        return key == self.settings.WORD\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_managers", raising=False)
    mine = manager_class("my_managers:Mine")(SimpleNamespace(WORD="x"))
    assert mine.authenticate("publish", "a", "x")
    assert not mine.authenticate("publish", "a", "y")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nonsense", 'as "module:Class"'),
        (":Class", 'as "module:Class"'),
        ("no.such.module:Class", "no.such.module cannot be imported: ModuleNotFoundError"),
        ("json:Nothing", "json has none called Nothing"),
        ("json:JSONEncoder", "a method authenticate is wanted"),
        ("json:dumps", "a method authenticate is wanted"),
    ],
)
def test_a_name_that_is_no_managers_is_refused_with_the_reason(name, says):
    with pytest.raises(ValueError) as refused:
        manager_class(name)
    assert says in str(refused.value)
