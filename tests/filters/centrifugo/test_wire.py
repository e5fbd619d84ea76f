import pytest

from filtered_websocket.filters.centrifugo.messages import Command, ConnectRequest, PublishRequest, SendRequest
from filtered_websocket.filters.centrifugo.wire import Malformed, asked, asked_for


@pytest.mark.parametrize(
    ("protocols", "params", "asked"),
    [
        ([], {}, ("json", None)),
        (["centrifuge-json"], {}, ("json", "centrifuge-json")),
        (["other", "centrifuge-protobuf", "centrifuge-json"], {}, ("protobuf", "centrifuge-protobuf")),
        ([], {"format": ["protobuf"]}, ("protobuf", None)),
        ([], {"format": ["json"]}, ("json", None)),
        (["centrifuge-json"], {"cf_protocol": ["protobuf"]}, ("protobuf", "centrifuge-json")),
        (["centrifuge-protobuf"], {"format": ["json"]}, ("protobuf", "centrifuge-protobuf")),
        (["wamp"], {"format": ["PROTOBUF"]}, ("json", None)),
    ],
)
def test_the_encoding_is_chosen_by_subprotocol_or_query(protocols, params, asked):
    assert asked_for(protocols, params) == asked


def test_what_is_malformed_closes_with_3501_and_does_not_say_why():
    malformed = Malformed("there is no such field: secret")
    assert (malformed.code, malformed.reason) == (3501, "bad request")
    assert malformed.why == "there is no such field: secret"


def test_what_a_command_asks_for():
    assert asked(Command()) == (0, "", None)
    assert asked(Command(1, connect=ConnectRequest())) == (1, "connect", ConnectRequest())
    assert asked(Command(send=SendRequest(b"1"))) == (0, "send", SendRequest(b"1"))


@pytest.mark.parametrize(
    "command", [Command(1), Command(connect=ConnectRequest()), Command(1, publish=PublishRequest("", b"1"))]
)
def test_no_command_is_without_a_request_an_id_or_a_channel(command):
    with pytest.raises(Malformed):
        asked(command)
