"""What the pack keeps for one pipeline: `pipeline.wsps`."""

from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from filtered_websocket.filters.wsps import settings
from filtered_websocket.filters.wsps.auth import NullAuthManager, SettingsAuthManager, manager_class
from filtered_websocket.filters.wsps.wire import matches

_log = Logger()


class State:
    """
    :ivar manager: the authorization manager
    """

    manager: Any
    _options: Any = None
    _patterns: tuple[str, ...] = ()

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._stats = LoopingCall(self._tell)
        self._stats.clock = pipeline.server.reactor

    @classmethod
    def of(cls, pipeline: Any) -> "State":
        """The state of a pipeline, in keeping with its options: a reload gives it others, and starts no pack anew."""
        state: State = pipeline.__dict__.get("wsps") or cls(pipeline)
        if state._options is not pipeline.options:
            try:
                state._take(pipeline.options)
            except Exception:
                if state._options is None:
                    raise
                # A reload: the new manager cannot be made. Once told, not to each client.
                _log.failure("wsps: channels, keys and manager stay as they were")
                state._options = pipeline.options
            pipeline.wsps = state
        return state

    def _take(self, options: Any) -> None:
        keys = options.wsps_subscribe_keys or options.wsps_publish_keys
        name = options.wsps_authorization_manager
        chosen = manager_class(name) if name else SettingsAuthManager if keys else NullAuthManager
        if keys and chosen is NullAuthManager:
            _log.warn("UNSAFE: wsps has keys and a manager that does not look at them (wsps_authorization_manager)")
        self.manager = chosen(settings.for_managers(options))
        self._patterns = options.wsps_allowed_channels
        self.stop()
        if options.wsps_stats_seconds:
            self._stats.start(options.wsps_stats_seconds, now=False)
        self._options = options

    def allows(self, channel: str) -> bool:
        """Whether there may be a channel of this name."""
        return matches(channel, self._patterns) and self._pipeline.is_channel(channel)

    def _tell(self) -> None:
        _log.info("wsps: {clients} clients", clients=len(self._pipeline.users))

    def stop(self) -> None:
        if self._stats.running:
            self._stats.stop()
