"""What the pack keeps for one pipeline: `pipeline.philote`, put there by its start filter."""

import time
from typing import Any

from twisted.logger import Logger

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.philote.channels import Exact, Wildcards
from filtered_websocket.filters.philote.keys import SHORT_SECRET, Keys

_log = Logger()
_DAY = 86400.0


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
    :ivar started: the reactor's time
    """

    def __init__(self, pipeline: Any) -> None:
        options = pipeline.options
        self.keys = keys_of(options)
        self.channels: Exact = Wildcards() if options.philote_wildcards else Exact()
        self._reactor = pipeline.server.reactor
        self.started: float = self._reactor.seconds()
        self._expiring: dict[str, Any] = {}
        public = options.philote_public_key or options.philote_jwks
        if not options.philote_secret and not public:
            _log.warn("UNSAFE: anybody can make tokens (philote_secret is empty)")
        elif len(options.philote_secret.encode()) < SHORT_SECRET and not (public and not options.philote_secret):
            _log.warn("UNSAFE: tokens can be forged by guessing (philote_secret is shorter than 32 bytes)")

    @property
    def uptime(self) -> int:
        """Seconds."""
        return int(self._reactor.seconds() - self.started)

    def close_at(self, connection: Any, expires: float) -> None:
        """Close a connection when its token ends."""
        left = expires - time.time()
        if left <= 0:
            self._expiring.pop(connection.id, None)
            connection.close(1008, "the token has expired")
        else:
            # No timer of a reactor goes on for the years that a token may.
            later = self._reactor.callLater(min(left, _DAY), self.close_at, connection, expires)
            self._expiring[connection.id] = later

    def forget(self, connection: Any) -> None:
        """The connection has ended."""
        later = self._expiring.pop(connection.id, None)
        if later is not None:
            later.cancel()
