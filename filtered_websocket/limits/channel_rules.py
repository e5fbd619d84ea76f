"""What channels keep, and what their slow readers lose: the option `channels`."""

from fnmatch import fnmatchcase
from typing import Any

from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import DAY, choice, integer, json_value, seconds

POLICIES = ("disconnect", "drop-new", "drop-old", "latest")
"""What a slow reader loses: its connection; what comes while its buffer is full; the oldest of what it has not yet
been sent; or of each channel all but the newest message."""


def _channel_policies(value: Any) -> Any:
    rules = json_value(dict)(value)
    known = {"history": integer(0, 1_000_000), "history_seconds": seconds(0, DAY), "slow": choice(*POLICIES)}
    for pattern, rule in rules.items():
        if not isinstance(rule, dict):
            raise ValueError(f'an object is wanted for "{pattern}", such as {{"history": 100}}')
        for key, entry in rule.items():
            if key not in known:
                raise ValueError(f'"{pattern}" knows {", ".join(known)}, not "{key}"')
            rule[key] = known[key](entry)
    _check_order(list(rules))
    return rules


def _check_order(patterns: list[str]) -> None:
    """The first pattern that fits counts: one behind another that fits all that it does never would."""
    for number, later in enumerate(patterns):
        for earlier in patterns[:number]:
            # Of one with stars alone it can be told: what fits the later pattern, its own signs included, fits it too.
            if not set(earlier) & {"?", "["} and fnmatchcase(later, earlier):
                raise ValueError(
                    f'"{later}" never counts: "{earlier}" before it fits the same channels; write it first'
                )


CHANNELS = Option(
    "channels",
    _channel_policies,
    {},
    'JSON object: a pattern of channel names to {"history": publications kept, "history_seconds": their age, '
    '"slow": what slow clients lose}',
    scope="pipeline",
)


def rule_for(channel: str, rules: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What the option "channels" says of one channel: the first pattern in the order written that matches."""
    for pattern, rule in rules.items():
        if fnmatchcase(channel, pattern):
            return rule
    return {}
