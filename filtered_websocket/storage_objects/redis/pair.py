"""The two connections to one Redis, both or nothing: one that asks, and one that hears."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from filtered_websocket.errors import ConfigError
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.command_connection import CommandConnection
from filtered_websocket.storage_objects.redis.connection import RedisConnection
from filtered_websocket.storage_objects.redis.link import Link

log = Logger()
Asks = TypeVar("Asks", bound=CommandConnection)
Hears = TypeVar("Hears", bound=RedisConnection)


class Pair(Generic[Asks, Hears]):
    """
    :param address: where it is, and what it takes to get in
    :param kinds: the class of each
    :param prefix: of all keys
    :param patience: seconds to connect in, and again to greet in
    :param up: called when one more of them can be used
    :param down: called when one is lost
    :param impossible: called when one can never be used; whether that ends the attempts
    :ivar asking, hearing: what makes them, again and again
    :ivar is_ending: it is of no matter any more why they are lost
    """

    def __init__(
        self,
        address: Address,
        kinds: tuple[type[Asks], type[Hears]],
        prefix: bytes,
        patience: float,
        *,
        up: Callable[[], None],
        down: Callable[[], None],
        impossible: Callable[[ConfigError], bool],
    ) -> None:
        self.name = address.name
        self.is_ending = False
        self._told: set[str] = set()
        told: dict[str, Any] = {"up": up, "down": down, "tell": self.tell, "impossible": impossible}
        self.asking: Link[Asks] = Link(address, kinds[0], prefix, patience, **told)
        self.hearing: Link[Hears] = Link(address, kinds[1], prefix, patience, **told)

    @property
    def is_up(self) -> bool:
        return self.asking.connection is not None and self.hearing.connection is not None

    def start(self) -> None:
        """Begin to connect."""
        self.asking.start()
        self.hearing.start()

    def stop(self) -> Deferred[Any]:
        """Close both; fires when they are."""
        self.is_ending = True
        return gatherResults([self.asking.stop(), self.hearing.stop()])

    def give_up(self, reason: str) -> None:
        """Throw both away; others are made."""
        self.tell(reason)
        self.asking.abort()
        self.hearing.abort()

    def settled(self) -> None:
        """All is well."""
        if self._told:
            self._told.clear()
            log.info("Redis at {name}: connected", name=self.name)
        self.asking.settled()
        self.hearing.settled()

    def look_home(self) -> None:
        """Throw both away if this Redis is in another reign than it was greeted in."""
        if self.asking.connection is not None:
            self.asking.connection.look_home().addCallbacks(self._looked_home, lambda _: None)

    def _looked_home(self, there: bool) -> None:
        if not there:
            self.give_up("it was made a replica, or a master anew")

    def tell(self, reason: str) -> None:
        """Say why it is of no use: each reason once, until it is."""
        if reason not in self._told and not self.is_ending:
            self._told.add(reason)
            reason = reason.strip().rstrip(".")
            log.error("Redis at {name}: {reason}. It is tried until it works.", name=self.name, reason=reason)
