"""The rules of channels."""

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.limits.channel_rules import rule_for
from tests.support.limit_options import resolve


def test_the_first_pattern_that_matches_says_what_a_channel_keeps_and_loses():
    rules = resolve(channels={"chat:*": {"history": "5", "slow": "latest"}, "*": {"history_seconds": 3}}).channels
    assert rule_for("chat:1", rules) == {"history": 5, "slow": "latest"}
    assert rule_for("Chat:1", rules) == {"history_seconds": 3.0}
    assert rule_for("anything", {}) == {}
    assert rule_for("anything", {"other": {"history": 1}}) == {}


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ([], "a JSON object is wanted"),
        ({"a": 5}, 'an object is wanted for "a", such as {"history": 100}'),
        (
            {"a": {"histroy": 5}},
            '"a" knows history, history_seconds, history_bytes, history_meta_seconds, slow, not "histroy"',
        ),
        ({"a": {"slow": "wait"}}, "one of disconnect, drop-new, drop-old, latest is wanted"),
        ({"a": {"history": -1}}, "an integer from 0 to 1000000 is wanted"),
    ],
)
def test_what_is_wrong_with_the_channels_is_said_in_a_line(rules, fault):
    with pytest.raises(ConfigError) as error:
        resolve(channels=rules)
    assert len(error.value.faults) == 1
    assert fault in str(error.value)
    assert "channels" in str(error.value)
