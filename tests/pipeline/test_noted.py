"""What was collected, as notes: sent to those that get the same in one loop, behind what each holds back."""

from filtered_websocket.messages import frames
from filtered_websocket.pipeline import noted
from filtered_websocket.pipeline.noted import MAX_NOTED, Noted
from tests.pipeline.subscribers import text


def frame(payload):
    return frames.make(payload, False)


def test_those_that_get_the_same_are_sent_it_in_one_loop_and_the_bytes_are_joined_once(fanout, subscriber, monkeypatch):
    one, two, three, four, five = [subscriber(name) for name in "abcde"]
    loops = []
    fan_out = noted.fan_out

    def seen(sends, owners, blob):
        loops.append(([each.id for each in owners], blob))
        fan_out(sends, owners, blob)

    monkeypatch.setattr(noted, "fan_out", seen)
    notes = Noted()

    def note(owners, payload):
        assert notes.note([each.direct for each in owners], owners, frame(payload))

    note([one, two], b"1")
    note([one, two, three], b"2")
    note([three, four], b"3")
    note([five], b"4")
    both, other, third, last = frame(b"1") + frame(b"2"), frame(b"2") + frame(b"3"), frame(b"3"), frame(b"4")
    assert notes.release(()) == 2 * len(both) + len(other) + len(third) + len(last)
    assert loops == [(["d"], third), (["e"], last), (["a", "b"], both), (["c"], other)]
    assert one.received() == two.received() == [b"1", b"2"]
    assert [each.received() for each in (three, four, five)] == [[b"2", b"3"], [b"3"], [b"4"]]
    assert notes.notes == []
    assert notes.release(()) == 0


def test_what_is_noted_follows_what_a_connection_holds_back(fanout, turn, subscriber):
    one, other = subscriber("a", "x", "y"), subscriber("b", "x", "y")
    one.reply(frame(b"reply"))
    for number in range(4):
        fanout.publish("xy"[number % 2], text(f"{number}"))
    assert fanout.noted.notes
    fanout.flush()
    assert one.received() == [b"reply", b"0", b"1", b"2", b"3"]
    assert other.received() == [b"0", b"1", b"2", b"3"]
    assert [len(each.sent) for each in (one, other)] == [1, 1]
    turn.end()
    assert one.received() == []


def test_what_comes_behind_what_is_noted_stays_behind(fanout, turn, subscriber):
    one, other = subscriber("a", "x", "y"), subscriber("b", "x", "y")
    for number in range(4):
        fanout.publish("xy"[number % 2], text(f"{number}"))
    one.reply(frame(b"reply"))
    fanout.publish("x", text("4"))
    fanout.publish("y", text("5"))
    other.uncork()  # as before whatever else is written to it
    assert other.received() == [b"0", b"1", b"2", b"3", b"4"]
    turn.end()
    assert one.received() == [b"0", b"1", b"2", b"3", b"reply", b"4", b"5"]
    assert other.received() == [b"5"]


def test_one_that_has_become_slow_and_one_that_fails_keep_nothing_from_others(fanout, turn, subscriber):
    slow, gone, failing, last = everybody = [subscriber(name, "x", "y") for name in "abcd"]
    for number in range(4):
        fanout.publish("xy"[number % 2], text(f"{number}"))
    slow.waiting = frame(b"waits")
    fanout.refresh(slow)
    gone.peer.close()
    failing.finish = lambda blob, sent: 1 / 0
    failing.socket.close()
    turn.end()
    assert slow.received() == [b"waits", b"0", b"1", b"2", b"3"]
    assert last.received() == [b"0", b"1", b"2", b"3"]
    assert [each.corked for each in everybody] == [b""] * 4


def test_more_than_a_connection_may_hold_is_not_noted(fanout, turn, subscriber):
    one, most = subscriber("a", "x", "y"), 0
    for number in range(400):
        fanout.publish("xy"[number % 2], text("x" * 500))
        most = max(most, sum(len(note.blob) for note in fanout.noted.notes))
    assert MAX_NOTED - 600 < most <= MAX_NOTED
    turn.end()
    assert len(one.received()) == 400
    assert fanout.noted.notes == []


def test_what_has_left_its_road_before_a_turn_does_not_make_it_look_at_each(fanout, turn, subscriber):
    everybody = [subscriber(f"{number}", "x", "y") for number in range(5)]
    for number in range(4):
        fanout.refresh(everybody[0])
        fanout.publish("xy"[number % 2], text(f"{number}"))
    assert fanout.noted.stale
    turn.end()
    fanout.refresh(everybody[0])
    for number in range(4):
        fanout.publish("xy"[number % 2], text(f"{number}"))
    assert not fanout.noted.stale
    turn.end()
    assert [each.received() for each in everybody] == [[b"0", b"1", b"2", b"3"] * 2] * 5
