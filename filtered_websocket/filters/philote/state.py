"""What the pack keeps for one pipeline: `pipeline.philote`, put there by its start filter."""

import time
from typing import Any

from twisted.logger import Logger

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.philote.auth import Access
from filtered_websocket.filters.philote.channels import Exact, Wildcards
from filtered_websocket.filters.philote.signing_keys import SHORT_SECRET, Keys

_log = Logger()
_LOOK_SECONDS = 60.0
"""How often the wall clock is looked at, which alone knows when a token ends: it may be set while one waits."""


def keys_of(options: Any) -> Keys:
    """The keys that the options name.

    :raises ConfigError: a previous secret without its end, or the other way round
    """
    previous, until = options.philote_previous_secret, options.philote_previous_secret_until
    if bool(previous) != (until is not None):
        raise ConfigError("philote_previous_secret and philote_previous_secret_until go together")
    public = (*options.philote_public_key, *options.philote_jwks)
    return Keys(options.philote_secret, (previous, until) if previous else None, public)


class State:
    """
    :ivar keys: what tokens are signed with
    :ivar channels: how the names in tokens are read
    """

    keys: Keys
    channels: Exact
    _options: Any = None

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._reactor = pipeline.server.reactor
        self._started: float = self._reactor.seconds()
        self._expiring: dict[Any, Any] = {}

    @classmethod
    def of(cls, pipeline: Any) -> "State":
        """The state of a pipeline, in keeping with its options: a reload gives it others, and starts no pack anew."""
        state: State = pipeline.__dict__.get("philote") or cls(pipeline)
        if state._options is not pipeline.options:
            state._take(pipeline.options)
            pipeline.philote = state
        return state

    def _take(self, options: Any) -> None:
        self.keys = keys_of(options)
        self.channels = Wildcards() if options.philote_wildcards else Exact()
        secret = options.philote_secret
        if not secret and not options.philote_public_key and not options.philote_jwks:
            _log.warn("UNSAFE: anybody can make tokens (philote_secret is empty)")
        elif secret and len(secret.encode()) < SHORT_SECRET:
            _log.warn("UNSAFE: the key of tokens can be guessed (philote_secret is shorter than 32 bytes)")
        if "*" in options.allowed_origins and not options.philote_check_origin:
            paths = " ".join(self._pipeline.patterns)
            _log.warn("UNSAFE: any web page may connect to {paths} (philote_check_origin is off)", paths=paths)
        self._options = options

    def fault(self, access: Access) -> str:
        """What keeps the channels that a token reads from being joined, "" for nothing."""
        if len(access.read) > self._pipeline.options.max_channels:
            return f"it reads more than {self._pipeline.options.max_channels} channels"
        if not all(map(self._pipeline.is_channel, access.read)):
            return "the name of a channel is too long"
        return self.channels.fault(access.read)

    @property
    def uptime(self) -> int:
        """Seconds."""
        return int(self._reactor.seconds() - self._started)

    def close_at(self, connection: Any, expires: float) -> None:
        """Close a connection when its token ends."""
        left = expires - time.time()
        if left <= 0:
            self._expiring.pop(connection, None)
            connection.close(1008, "the token has expired")
        else:
            later = self._reactor.callLater(min(left, _LOOK_SECONDS), self.close_at, connection, expires)
            self._expiring[connection] = later

    def forget(self, connection: Any) -> None:
        """The connection has ended."""
        later = self._expiring.pop(connection, None)
        if later is not None:
            later.cancel()
