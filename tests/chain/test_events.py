"""The eight events."""

from filtered_websocket.chain.events import EVENTS


def test_the_roots_are_in_no_chain_and_know_their_event():
    assert [root.event for root in EVENTS] == [
        "start", "handshake", "connect", "data", "message", "disconnect", "consumer", "stop",
    ]  # fmt: skip
    assert not [root for root in EVENTS for other in EVENTS if root in other._filters]
    assert len({id(root._filters) for root in EVENTS}) == len(EVENTS)
