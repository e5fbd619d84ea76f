"""What subscribers hold back of what was collected for them: limits, and memory."""

from filtered_websocket.messages import frames
from filtered_websocket.pipeline import hub
from filtered_websocket.pipeline.corks import MAX_CORKED
from tests.pipeline.subscribers import text


def test_a_subscriber_holds_back_so_much_and_no_more(fanout, turn, subscriber):
    busy, quiet = subscriber("busy", "x", "y"), subscriber("quiet", "y", "z")
    most, size = 0, len(frames.make(b"x" * 1000, False))
    for number in range(200):
        fanout.publish("xy"[number % 2], text("x" * 1000) if number % 2 == 0 else text("y"))
        most = max(most, len(busy.corked))
    assert MAX_CORKED - size < most <= MAX_CORKED
    assert quiet.sent == []
    turn.end()
    assert max(map(len, busy.sent)) <= MAX_CORKED + size
    assert (len(busy.received()), len(quiet.received())) == (200, 100)


def test_what_is_too_large_is_not_held_back(fanout, turn, subscriber):
    one = subscriber("a", "x", "y")
    fanout.publish("x", text("1"))
    fanout.publish("y", text("2" * (MAX_CORKED + 1)))
    fanout.publish("x", text("3"))
    assert [len(blob) for blob in one.sent] == [3, MAX_CORKED + 5]
    assert one.corked == b""
    turn.end()
    assert [len(each) for each in one.received()] == [1, MAX_CORKED + 1, 1]


def test_messages_of_nothing_are_held_back_with_their_heads(fanout, turn, subscriber):
    one, most = subscriber("a", "x", "y"), 0
    for count in (3000, 9000):
        for _ in range(count):
            fanout.publish("x", text(""))
        fanout.publish("y", text(""))
        most = max(most, len(one.corked))
    turn.end()
    assert 6000 <= most <= MAX_CORKED
    assert len(one.received()) == 12_002


def test_subscribers_of_the_same_channels_hold_back_the_same_bytes(fanout, turn, subscriber):
    everybody = [subscriber(f"s{number}", "x", "y") for number in range(10)]
    for number in range(6):
        fanout.publish("xy"[number % 2], text(f"{number}"))
    assert len(everybody[0].corked) == 5 * 3
    assert len({id(each.corked) for each in everybody}) == 1
    turn.end()


def test_all_subscribers_together_hold_back_so_much_and_no_more(fanout, turn, subscriber, monkeypatch):
    monkeypatch.setattr(hub, "MAX_COLLECTED", 10_000)
    everybody = [subscriber(f"s{number}", "all", f"own {number}") for number in range(10)]
    most = 0
    for number in range(100):
        fanout.publish(f"own {number % 10}", text("x" * 100))
        fanout.publish("all", text("y" * 100))
        most = max(most, sum({id(each.corked): len(each.corked) for each in everybody}.values()))
    assert 2_000 < most <= 12_000
    turn.end()
    assert [len(each.received()) for each in everybody] == [110] * 10


def test_what_connections_hold_back_goes_out_at_the_end_of_the_turn_whatever_their_sockets_take(
    fanout, turn, subscriber
):
    one, slow, gone, failing, last = [subscriber(name, send_buffer=4096) for name in ("a", "b", "c", "d", "e")]
    held = frames.make(b"x" * 50_000, False)
    for connection in (one, slow, gone, failing, last):
        connection.corked = frames.make(b"hello", False)
        fanout.cork(connection)
    slow.corked = held
    gone.peer.close()
    failing.corked = held
    failing.finish = lambda blob, sent: 1 / 0
    turn.end()
    assert fanout.corked == []
    assert [each.corked for each in (one, slow, gone, failing, last)] == [b""] * 5
    assert 0 < len(slow.waiting) < len(held)
    assert (one.received(), slow.received(), last.received()) == ([b"hello"], [b"x" * 50_000], [b"hello"])
    assert fanout.bytes_out == 3 * len(frames.make(b"hello", False)) + 2 * len(held)
