"""What a token, an API call or a filter says of one subscription in place of the channel's own options."""

from typing import Any, NamedTuple

from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions
from filtered_websocket.filters.shared.tokens import BadToken

NAMES = ("presence", "join_leave", "force_push_join_leave", "force_recovery", "force_positioning")


class Override(NamedTuple):
    """None leaves the channel's own."""

    presence: bool | None = None
    join_leave: bool | None = None
    force_push_join_leave: bool | None = None
    force_recovery: bool | None = None
    force_positioning: bool | None = None

    def of(self, options: ChannelOptions) -> ChannelOptions:
        """The options with what is overridden."""
        if self == Override():
            return options
        said: dict[str, Any] = {name: value for name, value in self._asdict().items() if value is not None}
        return options._replace(**said)


def read_override(value: Any) -> Override:
    """From ``{"presence": {"value": true}}``.

    :raises BadToken: it is none
    """
    if value is None:
        return Override()
    if not isinstance(value, dict):
        raise BadToken("override is to be an object")
    found: dict[str, bool] = {}
    for name in NAMES:
        entry = value.get(name)
        if entry is None:
            continue
        said = entry.get("value", False) if isinstance(entry, dict) else None
        if not isinstance(said, bool):
            raise BadToken(f'override\'s {name} is to be {{"value": true}} or {{"value": false}}')
        found[name] = said
    return Override(**found)
