from filtered_websocket.filters.centrifugo.messages import (
    ClientInfo,
    ConnectRequest,
    FilterNode,
    HistoryRequest,
    Publication,
    StreamPosition,
    SubscribeRequest,
)
from filtered_websocket.filters.centrifugo.schema import Field, fields_of


def test_what_a_field_is_stands_in_its_annotation():
    fields = {field.name: field for field in fields_of(Publication)}
    assert fields["data"] == Field("data", 4, "bytes")
    assert fields["info"] == Field("info", 5, "message", "", ClientInfo)
    assert fields["offset"] == Field("offset", 6, "uint64")
    assert fields["tags"] == Field("tags", 7, "string", "map")
    assert fields["delta"] == Field("delta", 8, "bool")
    assert fields_of(ClientInfo)[0] == Field("user", 1, "string", "", None, True)
    assert fields_of(ConnectRequest)[2] == Field("subs", 3, "message", "map", SubscribeRequest)
    assert fields_of(HistoryRequest)[2] == Field("since", 8, "message", "", StreamPosition)


def test_a_message_may_hold_others_of_its_kind():
    fields = {field.name: field for field in fields_of(FilterNode)}
    assert fields["nodes"] == Field("nodes", 6, "message", "list", FilterNode)
    assert fields["vals"] == Field("vals", 5, "string", "list")
