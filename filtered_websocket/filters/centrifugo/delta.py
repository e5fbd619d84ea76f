"""Publications as differences from what a client has had before."""

from collections.abc import Sequence
from typing import NamedTuple

from filtered_websocket.filters.centrifugo.envelope import PATCH, PUBLICATION, Envelope, pack, unpack
from filtered_websocket.filters.centrifugo.fossil import delta
from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.strict_json import quote


class Delta(NamedTuple):
    """What some clients have had: all for which it is the same get the same.

    :ivar binary: whether they speak protobuf; to those of JSON data is a text
    :ivar base: the data that they have had last; None: none
    """

    binary: bool
    base: bytes | None = None

    def of(self, envelopes: Sequence[Envelope]) -> tuple[list[Envelope], "Delta"]:
        """Publications as these clients get them, and what they have had then."""
        made, base = [], self.base
        for each in envelopes:
            if each.kind == PUBLICATION:
                made.append(self._changed(each, base))
                base = each.data
            else:
                made.append(each)
        return made, Delta(self.binary, base)

    def of_batch(self, batch: Batch) -> tuple[Batch, "Delta"]:
        """The same for what is delivered."""
        groups: list[Sequence[Message]] = []
        after = self
        for group in batch.groups:
            made, after = after.of([unpack(each) for each in group])
            groups.append([pack(each) for each in made])
        return Batch(batch.channel, groups), after

    def _changed(self, envelope: Envelope, base: bytes | None) -> Envelope:
        if envelope.delta and base is not None:
            patch = delta(base, envelope.data)
            if len(patch) < len(envelope.data):
                return envelope._replace(kind=PATCH, data=self._as_data(patch))
        return envelope._replace(data=self._as_data(envelope.data))

    def _as_data(self, data: bytes) -> bytes:
        return data if self.binary else quote(data.decode("utf-8", "replace")).encode()
