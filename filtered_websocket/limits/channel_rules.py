"""What channels keep, and what their slow clients lose: the option `channels`."""

from fnmatch import fnmatchcase
from typing import Any

from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import DAY, GIB, choice, integer, json_value, seconds, size

Rules = dict[str, dict[str, Any]]
"""What is kept and lost, by pattern of channel names."""

POLICIES = ("disconnect", "drop-new", "drop-old", "latest")
"""What a client loses that reads too slowly: its connection; what comes while its buffer is full; the oldest of what it
was not yet sent; or of each channel all but the newest message."""


def _rules(value: Any) -> Rules:
    rules: Rules = json_value(dict)(value)
    known = {
        "history": integer(0, 1_000_000),
        "history_seconds": seconds(0, DAY),
        "history_bytes": size(0, 1024 * GIB),
        "history_meta_seconds": seconds(1, 366 * DAY),
        "slow": choice(*POLICIES),
    }
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
    """The first pattern that fits a channel counts. A later one that fits no channel of its own is a mistake."""
    for number, later in enumerate(patterns):
        for earlier in patterns[:number]:
            # One with stars alone fits a later one, read as a name, if it fits all channels that the later one fits.
            if not set(earlier) & {"?", "["} and fnmatchcase(later, earlier):
                raise ValueError(
                    f'"{later}" never counts: "{earlier}" before it fits the same channels; write it first'
                )


CHANNELS = Option(
    "channels",
    _rules,
    {},
    'JSON object: a pattern of channel names to {"history": publications kept, "history_seconds": their age, '
    '"history_bytes": their size, "history_meta_seconds": how long positions outlive them, '
    '"slow": what slow clients lose}',
    scope="pipeline",
)


def rule_for(channel: str, rules: Rules) -> dict[str, Any]:
    """What the option `channels` says of one channel: the rule of the first pattern that fits it."""
    for pattern, rule in rules.items():
        if fnmatchcase(channel, pattern):
            return rule
    return {}
