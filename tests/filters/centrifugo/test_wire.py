import pytest

from filtered_websocket.filters.centrifugo.wire import Malformed, asked_for


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
