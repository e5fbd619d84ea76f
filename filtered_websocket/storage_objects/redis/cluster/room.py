"""How much may wait in all partitions of a cluster together."""

MOST_BYTES = 64 * 1024 * 1024
EACH_BYTES = 1024
"""What one that waits takes beside its data, about."""


class Room:
    """
    :param bytes: how much there is
    """

    def __init__(self, bytes: int = MOST_BYTES) -> None:
        self._left = bytes

    def take(self, bytes: int) -> bool:
        """Whether there was so much left, which is taken."""
        if bytes > self._left:
            return False
        self._left -= bytes
        return True

    def give(self, bytes: int) -> None:
        """So much is free again."""
        self._left += bytes
