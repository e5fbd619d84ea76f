"""The original's base class of subscribers, for those that were written for it."""

from typing import Any


class BaseSubscriber:
    """``listener`` runs in a thread of its own, for as long as it likes; ``kill`` is to end it."""

    data_producer: Any = None

    def listener(self, web_socket_instance: Any) -> None:
        """Put what is heard into ``web_socket_instance.queue``."""
        raise NotImplementedError
