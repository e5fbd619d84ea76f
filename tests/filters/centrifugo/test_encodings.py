import json

from filtered_websocket.filters.centrifugo.encodings import Encoding
from filtered_websocket.filters.centrifugo.envelope import JOIN, LEAVE, Envelope, pack
from filtered_websocket.filters.centrifugo.json_codec import JSONCodec
from filtered_websocket.filters.centrifugo.messages import ClientInfo, Publication, Push, Reply
from filtered_websocket.filters.centrifugo.protobuf_codec import ProtobufCodec, read

INFO = ClientInfo("u", "c", b'{"a":1}')


def as_json(envelope, channel="news"):
    ((payload, binary),) = Encoding(JSONCodec()).encode([(pack(envelope), True)], channel)
    assert not binary
    return json.loads(payload)["push"]


def test_a_publication_is_a_push_of_its_channel():
    envelope = Envelope(b"[1]", info=INFO, tags={"k": "v"}, offset=7)
    pub = {"data": [1], "info": {"user": "u", "client": "c", "conn_info": {"a": 1}}, "offset": 7, "tags": {"k": "v"}}
    assert as_json(envelope) == {"channel": "news", "pub": pub}
    ((payload, binary),) = Encoding(ProtobufCodec()).encode([(pack(envelope), True)], "news")
    assert binary
    push = Push("news", pub=Publication(b"[1]", INFO, 7, {"k": "v"}))
    assert read(Reply, payload[1:]) == Reply(push=push)


def test_joins_and_leaves_name_their_channel_themselves():
    info = {"user": "u", "client": "c", "conn_info": {"a": 1}}
    assert as_json(Envelope(b"news", JOIN, info=INFO), "\x01jnews") == {"channel": "news", "join": {"info": info}}
    assert as_json(Envelope(b"news", LEAVE, info=INFO), "\x01j?") == {"channel": "news", "leave": {"info": info}}


def test_what_is_sent_to_one_client_is_a_message():
    assert as_json(Envelope(b"[1]"), None) == {"message": {"data": [1]}}
