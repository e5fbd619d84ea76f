"""Publications that are lost on their way from the storage object to one node, because a test says so."""

from collections import Counter

from filtered_websocket.messages.publication import Publication
from filtered_websocket.server.server import Server


class Losses:
    """What a node is to lose; it stands between the storage object and the node.

    :param server: the node, whose pipelines are settled
    """

    def __init__(self, server: Server) -> None:
        self._next: Counter[str] = Counter()
        self._deliver = server.consume
        server.consume = self._consume

    def expect(self, channel: str, count: int) -> None:
        """Lose so many more publications to a channel, by its name in storage."""
        self._next[channel] += count

    def _consume(self, publication: Publication) -> None:
        if self._next[publication.channel] > 0:
            self._next[publication.channel] -= 1
        else:
            self._deliver(publication)
