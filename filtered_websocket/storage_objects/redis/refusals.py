"""What a blocking connection fails with, and what it says of the reasons that redis-py gives."""

from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from filtered_websocket.errors import StorageAway


class NotDone(StorageAway):
    """What was asked was surely not done."""


class Refused(NotDone):
    """The server has said no.

    :ivar said: in its own words
    """

    def __init__(self, name: str, reply: RedisError) -> None:
        self.said = reason_of(reply)
        super().__init__(f"Redis at {name} refused: {self.said}: not done")


def is_reply(error: RedisError) -> bool:
    """Whether Redis itself has said so. Of some replies, such as LOADING, redis-py makes a lost connection."""
    return isinstance(error, ResponseError) or error.status_code is not None


def reason_of(error: Exception) -> str:
    if isinstance(error, TimeoutError | RedisTimeoutError):
        return "no answer in time"
    if isinstance(error, RedisError):
        if error.status_code is not None:  # which redis-py takes off the text
            return f"{error.status_code} {error}"
        if isinstance(error.__context__, OSError):
            return reason_of(error.__context__)
    return getattr(error, "strerror", None) or str(error).rstrip(".")
