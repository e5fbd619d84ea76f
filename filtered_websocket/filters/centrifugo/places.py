"""What is in the hub for a subscription that wants its publications otherwise than all: fewer, or as differences.

It stands in the channel in place of the client's connection, and hands on what is left to that.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from filtered_websocket.filters.centrifugo.delta import Delta
from filtered_websocket.filters.centrifugo.envelope import PUBLICATION, Envelope, unpack
from filtered_websocket.filters.centrifugo.tags_filter import Fits
from filtered_websocket.messages.batch import Batch, Rest


class Taker(Protocol):
    """A client's connection, or its stream."""

    id: str

    def deliver(self, batch: Batch, policy: str) -> None: ...


class Place:
    """
    :ivar centrifugo: the session, as with a connection
    """

    direct = None

    def __init__(self, client: Any) -> None:
        self.centrifugo = client
        self.id: str = client.connection.id
        self.channels: set[str] = set()
        self._taker: Taker = client.connection

    def given(self, envelopes: Sequence[Envelope]) -> list[Envelope]:
        """What the client gets of what it missed."""
        raise NotImplementedError

    def deliver(self, batch: Batch, policy: str) -> None:
        raise NotImplementedError

    def finish(self, blob: bytes, sent: int) -> None:
        """Nothing is ever sent directly."""


class FilteredPlace(Place):
    """Of a client that wants some publications, by their tags. Frames are still made once for all."""

    def __init__(self, client: Any, fits: Fits) -> None:
        super().__init__(client)
        self._fits = fits

    def given(self, envelopes: Sequence[Envelope]) -> list[Envelope]:
        return [each for each in envelopes if self._fits(each.tags)]

    def deliver(self, batch: Batch, policy: str) -> None:
        tags = batch.encoded("centrifugo tags", _tags)
        missed = [place for place, each in enumerate(tags) if each is not None and not self._fits(each)]
        if not missed:
            self._taker.deliver(batch, policy)
        elif len(missed) < len(batch.groups):
            self._taker.deliver(Rest(batch, missed), policy)


def _tags(batch: Batch) -> list[Any]:
    """The tags of each group's publication; None for what is none."""
    envelopes = [unpack(group[0]) for group in batch.groups]
    return [each.tags if each.kind == PUBLICATION else None for each in envelopes]


class DeltaPlace(Place):
    """Of a client that wants differences. They are made once for all that have had the same before."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self._delta = Delta(client.encoding.codec.binary)

    def given(self, envelopes: Sequence[Envelope]) -> list[Envelope]:
        made, self._delta = self._delta.of(envelopes)
        return made

    def deliver(self, batch: Batch, policy: str) -> None:
        changed, self._delta = batch.encoded(("centrifugo delta", self._delta), self._delta.of_batch)
        # None of them may be lost, whatever the channel's policy: the next is made against this one.
        self._taker.deliver(changed, "disconnect")
