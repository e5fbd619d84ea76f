"""Commands in Redis's protocol, and scripts by their hash."""

import hashlib
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.blocking import BlockingConnection
from filtered_websocket.storage_objects.redis.command import Script, command, parts_of, pattern_of
from tests.support.raw_client import DEADLINE


def read(data):
    """The parts of a command (RESP: an array of bulk strings), and what follows it."""
    head, _, data = data.partition(b"\r\n")
    assert head[:1] == b"*"
    parts = []
    for _ in range(int(head[1:])):
        size, _, data = data.partition(b"\r\n")
        assert size[:1] == b"$"
        count = int(size[1:])
        parts.append(data[:count])
        assert data[count : count + 2] == b"\r\n"
        data = data[count + 2 :]
    return parts, data


words = st.lists(st.binary(max_size=20), max_size=5)


@given(words.filter(bool))
def test_any_bytes_are_a_part(parts):
    assert read(command(*parts)) == (parts, b"")


@given(words, words)
def test_a_script_is_called_by_its_hash_and_where_redis_does_not_know_it_by_its_source(keys, values):
    script = Script("local x = 1", "return x")
    request = script.request(keys, values)
    arguments = [b"%d" % len(keys), *keys, *values]
    assert read(request) == ([b"EVALSHA", hashlib.sha1(script.source).hexdigest().encode(), *arguments], b"")
    assert read(script.in_full(request)) == ([b"EVAL", b"local x = 1\nreturn x", *arguments], b"")


@given(words.filter(bool))
def test_the_parts_of_a_command_can_be_had_back(parts):
    assert parts_of(command(*parts)) == parts


@pytest.mark.parametrize("name", [b"plain", b"a*", b"a?b", b"[x]", b"back\\slash", b"\xff"])
def test_a_pattern_is_of_all_names_that_begin_with_its_text(redis_server, name):
    with closing(BlockingConnection(Address("redis", path=redis_server.path), DEADLINE)) as connection:
        connection.ask(b"FLUSHALL")
        for key in (name, name + b"more", name[:-1] + b"!"):
            connection.ask(b"SET", key, b"")
        assert sorted(connection.ask(b"KEYS", pattern_of(name))) == [name, name + b"more"]
