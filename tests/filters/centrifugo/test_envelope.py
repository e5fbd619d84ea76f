import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.centrifugo.envelope import (
    JOIN,
    LEAVE,
    PUBLICATION,
    Envelope,
    begin_of_usual,
    info_as_text,
    info_of_text,
    is_json,
    pack,
    placed,
    unpack,
)
from filtered_websocket.filters.centrifugo.messages import ClientInfo
from filtered_websocket.messages.publication import Position

TEXTS = st.text(st.characters(codec="utf-8"), max_size=10)
INFOS = st.builds(ClientInfo, TEXTS, TEXTS, st.binary(max_size=10), st.binary(max_size=10))
ENVELOPES = st.builds(
    Envelope,
    st.binary(max_size=40),
    st.sampled_from([PUBLICATION, JOIN, LEAVE]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**63),
    st.none() | INFOS,
    st.dictionaries(TEXTS, TEXTS, max_size=3),
    st.just(""),
)


@given(ENVELOPES)
def test_what_is_packed_is_unpacked(envelope):
    message = pack(envelope)
    assert unpack(message) == envelope
    assert is_json(message) == envelope.is_json


@given(st.binary(max_size=40), st.booleans(), st.booleans(), INFOS)
def test_a_usual_publication_is_packed_as_every_other(data, json, delta, info):
    packed = begin_of_usual(json, delta, info) + data
    assert (packed, False) == pack(Envelope(data, is_json=json, delta=delta, info=info))


@given(ENVELOPES, st.integers(1, 2**63 - 1), st.text("abc123", min_size=1, max_size=20))
def test_an_offset_is_put_in_and_the_first_has_its_epoch(envelope, offset, epoch):
    (message,), are_json = placed([pack(envelope)], Position(epoch, offset))
    assert unpack(message) == envelope._replace(offset=offset, epoch=epoch if offset == 1 else "")
    assert are_json == envelope.is_json


@pytest.mark.parametrize(
    ("message", "data", "json"),
    [
        ((b'{"a": 1}', False), b'{"a": 1}', True),
        ((b"[1,\n2]", True), b"[1,2]", True),
        ((b"hello", False), b'"hello"', True),
        ((b"", False), b'""', True),
        ((b"\xff\x00", True), b"\xff\x00", False),
        ((b"\xc1\xf6", True), b"\xc1\xf6", False),
        ((b"\xc1\xf6\x00\x01" + bytes(8) + b"1", True), b"\xc1\xf6\x00\x01" + bytes(8) + b"1", False),
    ],
)
def test_what_other_programs_publish_is_data(message, data, json):
    found = unpack(message)
    assert found.data == data
    assert found.is_json == json
    assert is_json(message) == json
    (in_place, other), are_json = placed([message, (b"1", False)], Position("e", 7))
    assert unpack(in_place) == found._replace(offset=7)
    assert unpack(other) == Envelope(b"1", offset=7)
    assert are_json == json


@given(st.binary(max_size=60), st.booleans())
def test_any_message_is_some_envelope(payload, mark):
    payload = b"\xc1\xf6" + payload if mark else payload
    for binary in (True, False):
        assert isinstance(unpack((payload, binary)), Envelope)
        (message,), _ = placed([(payload, binary)], Position("e", 1))
        assert isinstance(unpack(message), Envelope)


@given(INFOS)
def test_presence_keeps_an_info_as_text(info):
    assert info_of_text(info_as_text(info)) == info


@pytest.mark.parametrize("text", ["", "x", "[]", "5", '["a"]', "[1,2,3,4]", "{}"])
def test_what_another_program_keeps_there_is_nobody_in_particular(text):
    assert info_of_text(text) == ClientInfo()


def test_tags_that_no_protobuf_can_hold_are_made_such_as_it_can():
    tags = {"a\ud800": "\udfff", "\N{GRINNING FACE}": "b"}
    assert unpack(pack(Envelope(b"1", tags=tags))).tags == {"a\ufffd": "\ufffd", "\N{GRINNING FACE}": "b"}
