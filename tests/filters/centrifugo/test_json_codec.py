import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filtered_websocket.filters.centrifugo.json_codec import JSONCodec
from filtered_websocket.filters.centrifugo.json_writer import write
from filtered_websocket.filters.centrifugo.messages import Command, ConnectResult, Publication, Push, RPCRequest
from filtered_websocket.filters.centrifugo.wire import Malformed, asked
from tests.filters.centrifugo import strategies

CODEC = JSONCodec()


@settings(max_examples=20)
@given(st.lists(strategies.of(Command), min_size=1, max_size=4), st.sampled_from([b"", b"\n"]))
def test_a_frame_holds_a_command_on_each_line(commands, end):
    frame = b"\n".join(map(write, commands)) + end
    assert strategies.until_malformed(CODEC.commands(frame)) == strategies.until_malformed(map(asked, commands))


def test_the_commands_before_a_malformed_one_are_good():
    commands = CODEC.commands(b'{"id":1,"rpc":{}}\n{}\n[]\n{"id":3,"rpc":{}}')
    assert [next(commands), next(commands)] == [(1, "rpc", RPCRequest()), (0, "", None)]
    with pytest.raises(Malformed):
        next(commands)


@pytest.mark.parametrize("frame", [b"", b"\n", b"\n{}", b"{}\n\n{}", b"{}\n\n", b"{}{}"])
def test_there_are_no_blank_lines_and_no_two_commands_on_one(frame):
    with pytest.raises(Malformed):
        list(CODEC.commands(frame))


def test_commands_come_by_requests_in_a_text():
    body = b'{"node":"n","session":"s","data":"{\\"id\\":1}","more":1}'
    assert CODEC.emulation(body) == ("n", "s", b'{"id":1}')
    assert CODEC.emulation(b'{"node":null}') == ("", "", b"")
    for other in (
        b"",
        b"[]",
        b"5",
        b'{"node":"n","session":"s","data":{}}',
        b'{"node":1,"session":"s","data":""}',
    ):
        with pytest.raises(Malformed):
            CODEC.emulation(other)


@given(strategies.of(ConnectResult), st.text('ab"é', min_size=1))
def test_a_usual_answer_to_connect_is_written_as_every_other(result, name):
    for each in (result._replace(client=name), ConnectResult(name, "v", ping=25, pong=True), ConnectResult(name)):
        assert CODEC.reply(7, "connect", each) == b'{"id":7,"connect":%b}' % write(each)


def test_replies_and_pushes_are_lines():
    push = Push("a", pub=Publication(b"1"))
    assert CODEC.push(push) == b'{"channel":"a","pub":{"data":1}}'
    assert CODEC.joined([CODEC.reply(0, "push", push), CODEC.ping]) == (
        b'{"push":{"channel":"a","pub":{"data":1}}}\n{}'
    )
