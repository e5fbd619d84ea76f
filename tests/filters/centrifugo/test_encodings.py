import json

import pytest

from filtered_websocket.filters.centrifugo.encodings import Encoding, push_of
from filtered_websocket.filters.centrifugo.envelope import JOIN, LEAVE, Envelope, is_json, pack, unpack
from filtered_websocket.filters.centrifugo.json_codec import JSONCodec
from filtered_websocket.filters.centrifugo.messages import ClientInfo, Publication, Push, Reply
from filtered_websocket.filters.centrifugo.protobuf_codec import ProtobufCodec, read
from filtered_websocket.messages.message import messages

INFO = ClientInfo("u", "c", b'{"a":1}')


def as_json(envelope, channel="news"):
    ((payload, binary),) = Encoding(JSONCodec()).encode([pack(envelope)], channel)
    assert not binary
    return json.loads(payload)["push"]


def test_a_publication_is_a_push_of_its_channel():
    envelope = Envelope(b"[1]", info=INFO, tags={"k": "v"}, offset=7)
    pub = {"data": [1], "info": {"user": "u", "client": "c", "conn_info": {"a": 1}}, "offset": 7, "tags": {"k": "v"}}
    assert as_json(envelope) == {"channel": "news", "pub": pub}
    ((payload, binary),) = Encoding(ProtobufCodec()).encode([pack(envelope)], "news")
    assert binary
    push = Push("news", pub=Publication(b"[1]", INFO, 7, {"k": "v"}))
    assert read(Reply, payload[1:]) == Reply(push=push)


@pytest.mark.parametrize("offset", [0, 7])
@pytest.mark.parametrize("info", [INFO, ClientInfo("ü", "c", b"\xff", b"[1,\n2]"), ClientInfo(conn_info=b"1" * 2000)])
@pytest.mark.parametrize("data", [b'{"a": 1.0}', b"[1,\r\n2]", b""])
def test_a_usual_publication_is_written_as_every_other(data, info, offset):
    envelope = Envelope(data, info=info, offset=offset)
    ((written, _),) = Encoding(JSONCodec()).encode([pack(envelope)], 'n"ews')
    push = Push('n"ews', pub=Publication(data, info, offset))
    assert written == JSONCodec().reply(0, "push", push)


@pytest.mark.parametrize("length", range(13, 60))
def test_what_only_begins_like_a_usual_publication_is_data_too(length):
    payload, _ = pack(Envelope(b"[1]", info=INFO))
    for forged in (payload[:length], payload[:12] + b"\0\0\0\2" + payload[16:length], payload[:12] + b"\0\0\0\0"):
        ((written, _),) = Encoding(JSONCodec()).encode([(forged, False)], "news")
        assert written == JSONCodec().reply(0, "push", push_of(unpack((forged, False)), "news"))


def test_joins_and_leaves_name_their_channel_themselves():
    info = {"user": "u", "client": "c", "conn_info": {"a": 1}}
    assert as_json(Envelope(b"news", JOIN, info=INFO), "\x01jnews") == {"channel": "news", "join": {"info": info}}
    assert as_json(Envelope(b"news", LEAVE, info=INFO), "\x01j?") == {"channel": "news", "leave": {"info": info}}


def test_what_is_sent_to_one_client_is_a_message():
    ((payload, _),) = Encoding(JSONCodec()).encode([(b"[1]", False)], None)
    assert json.loads(payload) == {"push": {"message": {"data": [1]}}}


def test_what_a_filter_passes_on_of_a_client_is_data_though_it_looks_like_an_envelope():
    forged, _ = pack(Envelope(b'1}}}\n{"push":{"channel":"other","pub":{"data":2', is_json=True))
    for said in messages(forged) + messages(bytearray(forged)):
        for channel in ("news", None):
            ((payload, _),) = Encoding(ProtobufCodec()).encode([said], channel)
            push = read(Reply, payload[1:]).push
            assert (push.message if channel is None else push.pub).data == forged
        assert not is_json(said)
