import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.centrifugo.codes import Error
from filtered_websocket.filters.centrifugo.namespaces import (
    ChannelOptions,
    Namespaces,
    is_private,
    namespace_of,
    read_namespaces,
    read_options,
    seconds,
    users_of,
)


@pytest.mark.parametrize(
    ("channel", "name"),
    [("news:a", "news"), ("news:a:b", "news"), ("$news:a", "news"), ("a", ""), (":a", ""), ("$:a", ""), ("$a", "")],
)
def test_what_stands_before_the_first_colon_names_the_namespace(channel, name):
    assert namespace_of(channel) == name


def test_there_are_namespaces_that_are_not_there():
    found = Namespaces({"": ChannelOptions(), "news": ChannelOptions(presence=True)})
    assert found.of("news:a").presence
    assert not found.of("a").presence
    with pytest.raises(Error) as error:
        found.of("other:a")
    assert error.value.code == 102


@pytest.mark.parametrize(
    ("channel", "users"),
    [("a", None), ("a#1", ["1"]), ("a#1,2", ["1", "2"]), ("a#b#3", ["3"]), ("a#", []), ("a#1,", ["1"]), ("#1", ["1"])],
)
def test_behind_the_last_hash_stand_the_users_and_nobody_is_none(channel, users):
    assert users_of(channel) == users


def test_a_dollar_takes_a_token():
    assert [is_private(each) for each in ("$a", "a$", "", "$")] == [True, False, False, True]


@pytest.mark.parametrize(
    ("channel", "regex", "good"),
    [
        ("a b~", "", True), ("é", "", False), ("\x01ja", "", False), ("x" * 20, "", True), ("x" * 21, "", False),
        ("news:abc", "^[a-c]+$", True), ("news:abd", "^[a-c]+$", False), ("news:é", "^é$", True),
        ("é" * 10, "^é+$", True), ("é" * 11, "^é+$", False), ("news:a\n", "^a$", False), (":a", "^a$", True),
    ],
)  # fmt: skip
def test_names_are_ascii_or_as_a_namespace_wants_them(channel, regex, good):
    options = ChannelOptions(channel_regex=regex)
    found = Namespaces({"": options, "news": options}, longest=20)
    if good:
        assert found.checked(channel) == options
    else:
        with pytest.raises(Error) as error:
            found.checked(channel)
        assert error.value.code == 107


def test_who_may():
    options = read_options({"allow_publish_for_subscriber": True, "allow_presence_for_client": True})
    assert options.may("publish", "u", subscribed=True)
    assert not options.may("publish", "u", subscribed=False)
    assert options.may("presence", "u", subscribed=False)
    assert not options.may("presence", "", subscribed=True)
    assert not options.may("history", "u", subscribed=True)


def test_options_are_read_as_centrifugo_writes_them():
    options = read_options({"history_size": 10, "history_ttl": "1h30m", "force_recovery": True})
    assert (options.history_size, options.history_ttl, options.history_meta_ttl) == (10, 5400, 720 * 3600)
    assert options.keeps_history
    named = read_namespaces([{"name": "news", "presence": True}, {"name": "chat"}])
    assert named == {"news": ChannelOptions(presence=True, history_meta_ttl=720 * 3600)} | {"chat": read_options({})}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], "a JSON object of channel options"),
        ({"presense": True}, "no channel option 'presense'"),
        ({"presence": 1}, "presence is to be true or false"),
        ({"history_size": -1, "history_ttl": 5}, "history_size is to be an integer"),
        ({"history_size": True, "history_ttl": 5}, "history_size is to be an integer"),
        ({"history_size": 1}, "go together"),
        ({"history_ttl": 5}, "go together"),
        ({"history_size": 1, "history_ttl": "soon"}, "a time is wanted"),
        ({"history_size": 1, "history_ttl": "5h", "history_meta_ttl": "1h"}, "not to be shorter"),
        ({"force_recovery": True}, "wants history"),
        ({"force_positioning": True}, "wants history"),
        ({"force_recovery_mode": "fast"}, "one of stream, cache"),
        ({"publication_data_format": "xml"}, "publication_data_format"),
        ({"channel_regex": "("}, "no regular expression"),
        ({"channel_regex": 5}, "is to be a text"),
    ],
)
def test_what_no_option_says_is_refused(value, says):
    with pytest.raises(ValueError, match=says):
        read_options(value)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({}, "a JSON list of namespaces"), ([5], "wants a name"), ([{}], "wants a name"), ([{"name": "a b"}], "a name"),
        ([{"name": "x"}], "two or more"), ([{"name": "ab"}, {"name": "ab"}], "two namespaces are called ab"),
        ([{"name": "ab", "presence": "yes"}], "true or false"),
    ],
)  # fmt: skip
def test_what_names_no_namespaces_is_refused(value, says):
    with pytest.raises(ValueError, match=says):
        read_namespaces(value)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("300s", 300), ("1h30m", 5400), ("1.5s", 1.5), ("250ms", 0.25), (5, 5), (0.5, 0.5), ("0s", 0),
        ("250000us", 0.25), ("500000000ns", 0.5), ("1s500000µs", 1.5),
    ],
)  # fmt: skip
def test_times_are_written_as_in_go(value, found):
    assert seconds(value) == found


@given(st.text(max_size=8) | st.none() | st.booleans() | st.floats() | st.lists(st.integers(), max_size=1))
def test_any_other_time_is_refused(value):
    try:
        assert 0 <= seconds(value) <= 100 * 365 * 86400
    except ValueError:
        pass
