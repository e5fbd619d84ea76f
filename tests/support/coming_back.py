"""Clients that come and go on nodes that share a history, and what must be true of all they are told.

`Truth` knows what was published. Each `Client` checks everything that reaches it: never a double, never out of order,
nothing of the channel before the answer, and no hole that it was not told of.
"""

from typing import Any

from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.publication import Position
from filtered_websocket.messages.recovery import LEFT, Recovery


class Truth:
    """What was published to one channel: numbers, in order.

    :ivar published: how many
    :ivar lost: those that storage has confirmed and lost: a client that has not heard them cannot know of them
    :ivar faults: what was not as it must be
    :ivar dropped: those that a consumer chain has dropped somewhere
    """

    def __init__(self) -> None:
        self.published = 0
        self.lost: set[int] = set()
        self.dropped: set[int] = set()
        self.faults: list[str] = []
        self._at: dict[Position, int] = {}

    def note(self, position: Position, number: int) -> None:
        self._at[position] = number

    def carry_over(self, before: str, after: str, upto: int) -> None:
        """An epoch goes on in another one, up to this offset."""
        for (epoch, offset), number in list(self._at.items()):
            if epoch == before and offset <= upto:
                self._at[Position(after, offset)] = number

    def number_at(self, position: Position) -> int | None:
        """The number that stands there; None if it is not known yet."""
        return self._at.get(position)

    def is_there(self, number: int) -> bool:
        return number not in self.lost and number not in self.dropped

    def missing(self, after: int, before: int) -> list[int]:
        """What must come between two numbers."""
        return [number for number in range(after + 1, before) if self.is_there(number)]


class Client:
    """
    :ivar position: from which it will come back
    :ivar at: the number that it knows it stands at; None if it knows nothing
    :ivar told: the reasons of all answers
    """

    direct = None

    def __init__(self, name: str, truth: Truth) -> None:
        self.id, self.truth = name, truth
        self.channels: set[str] = set()
        self.position: Position | None = None
        self.at: int | None = None
        self.highest = 0
        self.pipeline: Any = None
        self.is_in = False
        self.told: list[str] = []
        self._recovery: Any = None

    def come(self, pipeline: Any, last: int | None = None) -> None:
        """Come to a node, from where it stands."""
        self.pipeline = pipeline
        if self.at is None and self.position is not None:  # it was told before anybody knew what stands there
            self.at = self.truth.number_at(self.position)
        if self.position is None and last is None:
            last = 0
        self._recovery = pipeline.recover(
            "x", self, self.position, last=last, answer=self._answered, insufficient=self._is_insufficient
        )
        self._recovery.addCallbacks(self._fired, self._failed)

    def go(self) -> None:
        """Leave, or be cut off."""
        if self.pipeline is not None:
            pipeline, self.pipeline = self.pipeline, None
            pipeline.unsubscribe("x", self)  # what was published before still comes
            self.is_in = False

    def expect(self, is_so: bool, fault: str) -> None:
        """Faults are written down: the server goes on when one of its subscribers fails."""
        if not is_so:
            self.truth.faults.append(f"{self.id} {fault}")

    # What the server calls.

    def deliver(self, batch: Any, policy: str) -> None:
        self.expect(self.is_in, "got something live before the answer")
        for payload, _ in batch.messages:
            self._take(payload.decode())

    def finish(self, blob: bytes, sent: int) -> None:
        raise AssertionError("it has no socket")

    def _answered(self, recovery: Recovery) -> None:
        self.expect(self.pipeline is not None, "was answered when it had left")
        self.expect(not self.is_in, "was answered twice")
        self.is_in = True
        self.told.append("recovered" if recovery.recovered else recovery.reason)
        if not recovery.recovered:
            # What comes now may have come before.
            self.at, self.highest = None, 0
        for each in recovery.publications:
            self.expect(self._take(each.payload.decode()) == each.position, "got another position")
        if recovery.position is None:
            self.expect(not recovery.recovered, "was recovered to nowhere")
            return
        stands = self.truth.number_at(recovery.position)
        if recovery.recovered and stands is not None and self.at is not None:
            missing = self.truth.missing(self.at, stands + 1)
            self.expect(not missing, f"was recovered without {missing}")
        if stands is not None:
            self.at = max(stands, self.at or 0)
        self.position = recovery.position

    def _fired(self, recovery: Recovery) -> None:
        self.expect(self.is_in or recovery.reason == LEFT, "has joined without an answer")

    def _failed(self, failure: Any) -> None:
        failure.trap(StorageAway)
        self.told.append("failed")
        self.pipeline = None

    def _is_insufficient(self, position: Position | None) -> None:
        self.expect(self.is_in, "was told of a gap when it had left")
        self.told.append("insufficient")
        self.go()

    def _take(self, text: str) -> Position:
        where, _, payload = text.partition(" ")
        number, position = int(payload), Position.read(where)
        self.expect(number > self.highest, f"got {number} behind {self.highest}")
        if self.at is not None:
            missing = self.truth.missing(self.at, number)
            self.expect(not missing, f"got {number} without {missing}")
        self.highest = self.at = number
        self.position = position
        return position


def numbered(publication: Any) -> Any:
    """For a consumer filter: where a publication stands is in front of it."""
    return publication.with_payload(f"{publication.position} {publication.payload.decode()}")
