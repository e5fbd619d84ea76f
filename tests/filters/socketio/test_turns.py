"""One after the other, and not more than may wait."""

from twisted.internet.defer import Deferred

from filtered_websocket.filters.socketio.packets import Packet
from filtered_websocket.filters.socketio.turns import MAX_WAITING, Turns


class Slow:
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.waits: list[Deferred[None]] = []

    def obey(self, packet: Packet) -> Deferred[None] | None:
        self.begun.append(packet.namespace)
        if packet.data is None:
            return None
        self.waits.append(Deferred())
        return self.waits[-1]


def packet(name: str, slow: bool = False) -> Packet:
    return Packet(2, name, None, slow or None, 0)


def test_what_takes_time_holds_up_what_comes_behind_it() -> None:
    slow = Slow()
    turns = Turns(slow.obey)
    for one in (packet("a", slow=True), packet("b"), packet("c", slow=True), packet("d")):
        assert turns.take(one, 10) is None
    assert slow.begun == ["a"]
    slow.waits[0].callback(None)
    assert slow.begun == ["a", "b", "c"]
    assert [one.namespace for one in turns.waiting] == ["d"]
    slow.waits[1].callback(None)
    assert slow.begun == ["a", "b", "c", "d"]
    assert turns.size == 0


def test_when_too_much_waits_the_client_is_to_wait_until_there_is_room() -> None:
    slow = Slow()
    turns = Turns(slow.obey)
    turns.take(packet("a", slow=True), 10)
    turns.take(packet("b", slow=True), MAX_WAITING // 2)
    waits = turns.take(packet("c", slow=True), MAX_WAITING)
    assert waits is not None
    slow.waits[0].callback(None)
    assert waits.called
    slow.waits[1].callback(None)
    slow.waits[2].callback(None)
    assert turns.size == 0


def test_what_is_stopped_is_cancelled_and_nothing_begins_any_more() -> None:
    slow = Slow()
    turns = Turns(slow.obey)
    turns.take(packet("a", slow=True), 10)
    turns.take(packet("b"), 10)
    turns.stop()
    assert slow.waits[0].called
    assert slow.begun == ["a"]


def test_what_is_held_is_done_when_it_goes_on() -> None:
    slow = Slow()
    turns = Turns(slow.obey)
    turns.take(packet("a", slow=True), 10)
    turns.hold()
    turns.take(packet("b"), 10)
    slow.waits[0].callback(None)
    turns.take(packet("c"), 10)
    assert slow.begun == ["a"]
    assert [each.namespace for each in turns.waiting] == ["b", "c"]
    turns.go_on()
    assert slow.begun == ["a", "b", "c"]
