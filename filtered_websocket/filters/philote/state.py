"""What the pack keeps for one pipeline: `pipeline.philote`, put there by its start filter."""

from twisted.logger import Logger

from filtered_websocket.chain.clock import Clock
from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.philote.auth import Access
from filtered_websocket.filters.philote.channels import Exact, Wildcards
from filtered_websocket.filters.shared.expiries import Expiries
from filtered_websocket.filters.shared.signing_keys import SHORT_SECRET, Keys
from filtered_websocket.filters.shared.state import PackState

_log = Logger()


def keys_of(options: Options) -> Keys:
    """The keys that the options name.

    :raises ConfigError: a previous secret without its end, or the other way round
    """
    previous, until = options.philote_previous_secret, options.philote_previous_secret_until
    if bool(previous) != (until is not None):
        raise ConfigError("philote_previous_secret and philote_previous_secret_until go together")
    public = (*options.philote_public_key, *options.philote_jwks)
    return Keys(options.philote_secret, (previous, until) if previous else None, public)


class State(PackState):
    """
    :ivar keys: what tokens are signed with
    :ivar channels: how the names in tokens are read
    :ivar expiries: the connections that end with their tokens
    """

    attribute = "philote"
    keys: Keys
    channels: Exact

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline)
        self._clock: Clock = pipeline.server.reactor
        self._started = self._clock.seconds()
        self.expiries = Expiries(self._clock)

    def follow(self, options: Options) -> None:
        self.keys = keys_of(options)
        self.channels = Wildcards() if options.philote_wildcards else Exact()
        secret = options.philote_secret
        if not secret and not options.philote_public_key and not options.philote_jwks:
            _log.warn("UNSAFE: anybody can make tokens (philote_secret is empty)")
        elif secret and len(secret.encode()) < SHORT_SECRET:
            _log.warn("UNSAFE: the key of tokens can be guessed (philote_secret is shorter than 32 bytes)")
        if "*" in options.allowed_origins and not options.philote_check_origin:
            paths = " ".join(self.pipeline.patterns)
            _log.warn("UNSAFE: any web page may connect to {paths} (philote_check_origin is off)", paths=paths)

    def fault(self, access: Access) -> str:
        """What keeps the channels that a token reads from being joined, "" for nothing."""
        if len(access.read) > self.pipeline.options.max_channels:
            return f"it reads more than {self.pipeline.options.max_channels} channels"
        if not all(map(self.pipeline.is_channel, access.read)):
            return "the name of a channel is too long"
        return self.channels.fault(access.read)

    @property
    def uptime(self) -> int:
        """Seconds."""
        return int(self._clock.seconds() - self._started)
