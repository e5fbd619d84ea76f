"""The names of a pipeline's channels: which there may be, and what the option channels says of each."""

from collections.abc import Collection
from typing import Any

from filtered_websocket.chain.interfaces import Options, Server
from filtered_websocket.errors import NotAllowed
from filtered_websocket.limits.channel_rules import rule_for
from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.storage_objects.base import Keep

OWN = "\0"
"""What the names of channels begin with that a pack has for itself."""
MAX_KNOWN = 1024
"""Channels of which it is remembered what they keep: clients may choose their names."""


class Names:
    """
    :param options: of the pipeline
    :param prefix: in front of this pipeline's names in storage
    :ivar rules: pattern of names -> what the option channels says of them
    """

    def __init__(self, options: Options, prefix: str, server: Server) -> None:
        self._options, self._prefix, self._server = options, prefix, server
        self._longest: int = options.max_channel_name
        self.rules: dict[str, dict[str, Any]] = options.channels
        # Of channels that were asked for, which is with each publication.
        self._kept: dict[str, Keep | None] = {}

    def check(self, channel: str) -> None:
        """
        :raises TypeError: no name
        :raises NotAllowed: a name that is too long, another pipeline's, or a pack's own
        """
        if not isinstance(channel, str):
            raise TypeError(f"a channel's name is a str, not {type(channel).__name__}")
        if len(channel) > self._longest:
            text = f"a channel's name has at most {self._longest} characters, not {len(channel)}"
            raise NotAllowed("max_channel_name", text)
        if channel.startswith(OWN):
            raise NotAllowed("channel of a pack", "a channel's name does not begin with NUL")
        if not self._prefix and channel.startswith(self._server.foreign):
            raise NotAllowed("channel of another pipeline", "this channel's name begins like those of another pipeline")

    def policy(self, channel: str) -> str:
        """What is lost for a client that reads a channel too slowly."""
        policy: str = rule_for(channel, self.rules).get("slow", self._options.slow_client)
        return policy

    def kept(self, channel: str) -> Keep | None:
        """What a channel keeps by its rule."""
        known = self._kept
        if channel in known:
            return known[channel]
        if len(known) >= MAX_KNOWN:
            known.clear()
        kept = known[channel] = Keep.by_rule(rule_for(channel, self.rules), self._pool(self._prefix + "channels"))
        return kept

    def keep(self, count: int, seconds: float = 0, of: str = "channels") -> Keep:
        """What a channel keeps, within the limits of the pipeline.

        :param of: what these limits hold for
        """
        return Keep(count, seconds, self._pool(of))

    def _pool(self, name: str) -> Pool:
        return Pool(name, self._options.history_bytes, self._options.history_channels)


def ids(exclude: str | Collection[str]) -> Collection[str]:
    """Ids as they are now: what holds them may change before they are needed."""
    if isinstance(exclude, str):
        return {exclude}
    found = frozenset(exclude)
    for each in found:
        if not isinstance(each, str):
            raise TypeError(f"exclude takes ids, which are str, not {type(each).__name__}")
    return found
