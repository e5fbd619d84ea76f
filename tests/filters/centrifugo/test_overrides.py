import pytest

from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions
from filtered_websocket.filters.centrifugo.overrides import Override, read_override
from filtered_websocket.filters.shared.tokens import BadToken


def test_what_is_not_said_stays():
    options = ChannelOptions(presence=True, join_leave=True)
    override = read_override({"presence": {"value": False}, "force_recovery": {"value": True}, "join_leave": {}})
    assert override.of(options) == ChannelOptions(force_recovery=True)
    assert read_override({"join_leave": None, "other": 5}) == Override()
    assert read_override(None).of(options) is options


@pytest.mark.parametrize("value", [5, [], "x", {"presence": True}, {"presence": {"value": 1}}])
def test_what_is_none_is_refused(value):
    with pytest.raises(BadToken):
        read_override(value)
