import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filtered_websocket.filters.centrifugo.json_writer import write as as_json
from filtered_websocket.filters.centrifugo.messages import (
    Command,
    ConnectRequest,
    Publication,
    Push,
    Reply,
    SubscribeRequest,
    UnsubscribeResult,
)
from filtered_websocket.filters.centrifugo.protobuf_codec import ProtobufCodec, read, write
from filtered_websocket.filters.centrifugo.wire import Malformed, asked
from tests.filters.centrifugo import strategies
from tests.support.fws_server import STARTING

CODEC = ProtobufCodec()
RAW = st.binary(max_size=20)


def framed(data):
    size, length = b"", len(data)
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return size + bytes([length]) + data


@given(strategies.of(Command, raw=RAW))
def test_what_is_written_is_read(command):
    assert read(Command, write(command)) == command


@settings(max_examples=20)
@given(st.lists(strategies.of(Command, raw=RAW), min_size=1, max_size=4))
def test_a_frame_holds_commands_behind_their_lengths(commands):
    frame = b"".join(framed(write(each)) for each in commands)
    assert strategies.until_malformed(CODEC.commands(frame)) == strategies.until_malformed(map(asked, commands))


def test_bytes_by_hand():
    """As protobuf writes them: id is field 1, connect field 4, and in that token field 1."""
    assert write(Command(id=1, connect=ConnectRequest(token="ab"))) == b'\x08\x01"\x04\x0a\x02ab'
    assert CODEC.reply(3, "unsubscribe", UnsubscribeResult()) == b"\x04\x08\x03:\x00"
    assert framed(write(Reply())) == CODEC.ping == b"\x00"
    assert CODEC.push(Push("a", pub=Publication(b"\xff"))) == b'\x08\x12\x01a"\x03"\x01\xff'
    assert CODEC.joined([CODEC.ping, b"\x01x"]) == b"\x00\x01x"


def test_the_empty_command_is_a_pong():
    assert list(CODEC.commands(b"\x00")) == [(0, "", None)]


def test_fields_that_are_not_known_are_ignored():
    assert read(Command, b"\x08\x01\xf8\x01\x05") == Command(id=1)


def test_large_messages_have_long_lengths():
    command = Command(id=1, subscribe=SubscribeRequest("a" * 70_000))
    assert list(CODEC.commands(framed(write(command)))) == [(1, "subscribe", command.subscribe)]


NO_FRAMES = [
    b"", b"\x01", b"\x02\x08", b"\x80", b"\x80\x80\x80\x80\x80\x01", b"\xff" * 9, b"\x02\xff\xff",
    b'\x04"\x02\xff\xff', b'\x05"\x03\x0a\x01\xff',
]  # fmt: skip


@pytest.mark.parametrize("frame", NO_FRAMES, ids=repr)
def test_what_is_no_frame_is_refused(frame):
    with pytest.raises(Malformed):
        list(CODEC.commands(frame))


def test_a_filter_without_end_is_refused():
    node = b""
    for _ in range(5000):
        node = b"\x32" + framed(node)
    with pytest.raises(Malformed):
        list(CODEC.commands(framed(b"\x2a" + framed(b"\x6a" + framed(node)))))


@given(st.binary(max_size=60))
def test_any_bytes_are_commands_or_refused(frame):
    try:
        assert all(len(each) == 3 for each in CODEC.commands(frame))
    except Malformed:
        pass


@settings(max_examples=30)
@given(strategies.of(Reply))
def test_any_reply_can_be_written_and_is_the_same_as_on_json(reply):
    data = framed(write(reply))
    size = 0
    while data[size] > 127:
        size += 1
    # Maps have no order in protobuf.
    assert json.loads(as_json(read(Reply, data[size + 1 :]))) == json.loads(as_json(reply))


def test_nothing_of_google_is_imported_where_the_pack_is_not_loaded():
    program = "import sys, filtered_websocket.commands.fws_server.__main__; print('google.protobuf' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=STARTING)
    assert ran.stdout == b"False\n"
