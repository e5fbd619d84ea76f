"""What the pack keeps for one pipeline: `pipeline.wsps`."""

from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.filters.shared.state import PackState
from filtered_websocket.filters.wsps import settings
from filtered_websocket.filters.wsps.auth import NullAuthManager, SettingsAuthManager, manager_class
from filtered_websocket.filters.wsps.wire import matches

_log = Logger()


class State(PackState):
    """
    :ivar manager: the authorization manager
    """

    attribute = "wsps"
    manager: Any
    _patterns: tuple[str, ...] = ()

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline)
        self._stats = LoopingCall(self._tell)
        self._stats.clock = pipeline.server.reactor

    def follow(self, options: Options) -> None:
        try:
            self._choose(options)
        except Exception:
            if self.options is None:
                raise
            # A reload: the new manager cannot be made. Once told, not to each client.
            _log.failure("wsps: channels, keys and manager stay as they were")

    def _choose(self, options: Options) -> None:
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

    def allows(self, channel: str) -> bool:
        """Whether there may be a channel of this name."""
        return matches(channel, self._patterns) and self.pipeline.is_channel(channel)

    def _tell(self) -> None:
        _log.info("wsps: {clients} clients", clients=len(self.pipeline.users))

    def stop(self) -> None:
        if self._stats.running:
            self._stats.stop()
