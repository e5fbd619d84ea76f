"""Commands in Redis's protocol, and scripts by their hash."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.storage_objects.redis.command import Script, command, parts_of


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
