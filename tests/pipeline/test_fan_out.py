"""Sockets that do not take it all, or are gone."""

from twisted.logger import capturedLogs, formatEvent

from tests.pipeline.subscribers import text


def test_what_the_kernel_refuses_is_finished_by_its_owner_and_nobody_else_is_disturbed(fanout, turn, subscriber):
    before = subscriber("before", "room")
    slow = subscriber("slow", "room", send_buffer=4096)
    after = subscriber("after", "room")
    wanted = []
    for number in range(40):
        payload = f"{number:05}" + "x" * 2000
        wanted.append(payload.encode())
        fanout.publish("room", text(payload))
        turn.end()
    assert slow.waiting, "the kernel has taken it all: the test tests nothing"
    sent = len(slow.sent)
    assert before.received() == after.received() == slow.received() == wanted
    assert slow.direct is not None
    fanout.refresh(slow)
    fanout.publish("room", text("at last"))
    turn.end()
    assert len(slow.sent) == sent + 1
    assert slow.received() == [b"at last"]


def test_a_partial_send_to_the_first_and_the_last_subscriber_is_attributed_to_them(fanout, turn, subscriber):
    everybody = [subscriber(name, "room", send_buffer=4096 if name in "ad" else 0) for name in "abcd"]
    fanout.publish("room", text("x" * 100_000, "end"))
    turn.end()
    assert [bool(each.waiting) for each in everybody] == [True, False, False, True]
    for each in everybody:
        assert each.received() == [b"x" * 100_000, b"end"]


def test_a_socket_that_is_gone_ends_nobody_elses_turn(fanout, turn, subscriber):
    everybody = [subscriber(name, "room") for name in "abcde"]
    finished = []
    for broken in (everybody[1], everybody[4]):
        broken.finish = lambda blob, sent, broken=broken: finished.append((broken.id, len(blob), sent))
    fanout.publish("room", text("x"))
    turn.end()
    everybody[1].peer.close()  # EPIPE
    everybody[4].socket.close()  # EBADF
    fanout.publish("room", text("y"))
    turn.end()
    assert finished == [("b", 3, 0), ("e", 3, 0)]
    assert [each.received() for each in (everybody[0], everybody[2], everybody[3])] == [[b"x", b"y"]] * 3


def test_a_blocked_socket_takes_nothing_and_its_owner_gets_all(fanout, turn, subscriber):
    a, b = subscriber("a", "room", send_buffer=4096), subscriber("b", "room")
    filler = b""
    try:
        while True:
            filler += b"x" * a.socket.send(b"x" * 1024)
    except BlockingIOError:
        pass
    fanout.publish("room", text("y"))
    turn.end()
    assert a.waiting == b"\x81\x01y"
    assert b.received() == [b"y"]


def test_a_subscriber_that_cannot_finish_keeps_no_other_from_its_copy_and_is_logged(fanout, turn, subscriber):
    everybody = [subscriber(name, "room", send_buffer=4096 if name == "b" else 0) for name in "abc"]
    everybody[1].finish = lambda blob, sent: 1 / 0
    with capturedLogs() as log:
        fanout.publish("room", text("x" * 50_000))
        turn.end()
    assert [len(each.received()[0]) for each in (everybody[0], everybody[2])] == [50_000] * 2
    assert "ZeroDivisionError" in str(log[0]["log_failure"])
    assert "its socket did not take" in formatEvent(log[0])
