"""Sends called one after another: Python's function, the reference, and C's."""

import gc
import os
import socket
import sys
import threading

import pytest

from filtered_websocket.messages import accelerator
from filtered_websocket.transport import sends
from tests.support.accelerator import compiled

BLOB = b"b" * 3000


@pytest.fixture(params=["reference", "c"])
def send_all(request):
    if request.param == "c":
        return compiled().send_all
    return accelerator.references["send_all"]


@pytest.fixture
def pair():
    """Makes a socket that does not block, and its peer; one with a small buffer is full after a few sends."""
    made = []

    def make(small=False):
        ours, peer = socket.socketpair()
        made.extend((ours, peer))
        if small:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        ours.setblocking(False)
        peer.settimeout(20)
        return ours, peer

    yield make
    for each in made:
        each.close()


def taken_by(send_all, road, blob):
    """As who calls it sees it: failing is taking nothing."""
    try:
        return send_all(road, blob)
    except OSError:
        return 0


def test_one_of_both_is_in_use():
    assert sends.send_all is getattr(accelerator.loaded, "send_all", accelerator.references["send_all"])


def test_all_take_all(send_all, pair):
    pairs = [pair() for _ in range(5)]
    assert send_all(iter([ours.send for ours, _ in pairs]), BLOB) is None
    assert [peer.recv(10_000) for _, peer in pairs] == [BLOB] * 5


def test_what_a_socket_does_not_take_all_of_is_told_and_the_next_goes_on_behind_it(send_all, pair):
    (small, reads_late), (after, peer) = pair(small=True), pair()
    blob = BLOB * 100
    road = iter([small.send, after.send])
    taken = taken_by(send_all, road, blob)
    assert 0 < taken < len(blob)
    assert taken_by(send_all, iter([small.send]), blob) == 0
    assert taken_by(send_all, road, BLOB) is None
    assert peer.recv(10_000) == BLOB
    assert reads_late.recv(taken, socket.MSG_WAITALL) == blob[:taken]


def test_a_socket_whose_peer_is_gone_and_a_closed_one_take_nothing(send_all, pair):
    (gone, peer), (closed, _), (after, hears) = pair(), pair(), pair()
    peer.close()
    number, send = closed.fileno(), closed.send
    closed.close()
    # Its number is another's now.
    assert os.dup2(after.fileno(), number) == number
    try:
        road = iter([gone.send, send, after.send])
        assert [taken_by(send_all, road, BLOB) for _ in range(3)] == [0, 0, None]
        assert hears.recv(10_000) == BLOB
        hears.setblocking(False)
        with pytest.raises(BlockingIOError):
            hears.recv(1)
    finally:
        os.close(number)


def test_what_is_no_socket_is_called(send_all, pair):
    ours, peer = pair()
    said = []

    def whole(blob):
        said.append(blob)
        return len(blob)

    def failing(_):
        raise ConnectionResetError

    class Odd(socket.socket):
        def send(self, blob):
            return whole(blob)

    with Odd(socket.AF_UNIX) as odd:
        road = iter([whole, ours.send, odd.send, lambda blob: 7, failing, whole])
        assert [taken_by(send_all, road, BLOB) for _ in range(3)] == [7, 0, None]
    assert said == [BLOB] * 3
    assert peer.recv(10_000) == BLOB
    assert send_all(iter([]), BLOB) is None
    with pytest.raises(ZeroDivisionError):
        send_all(iter([lambda blob: 1 // 0]), BLOB)


def test_sends_that_are_added_meanwhile_are_called_too(send_all):
    road, called = [], []

    def adds(blob):
        called.append(blob)
        if len(called) < 50:
            road.append(adds)
        return len(blob)

    road.append(adds)
    assert send_all(iter(road), BLOB) is None
    assert len(called) == 50


def test_a_socket_that_would_block_does_not_block_c(pair):
    small, _ = pair(small=True)
    small.setblocking(True)
    done = threading.Event()

    def fill():
        while compiled().send_all(iter([small.send]), BLOB * 100) != 0:
            pass
        done.set()

    threading.Thread(target=fill, daemon=True).start()
    assert done.wait(20)


def test_what_is_no_iterator_of_sends_is_an_error_and_no_crash(pair):
    ours, _ = pair()
    send_all = compiled().send_all
    for wrong in ((), (iter([]),), ([ours.send], BLOB), (iter([ours.send]), "text"), (iter([ours.send]), None)):
        with pytest.raises(TypeError):
            send_all(*wrong)
    for send in (None, 3, lambda blob: "all", ours.fileno):
        with pytest.raises(TypeError):
            send_all(iter([send]), BLOB)


def test_nothing_is_kept_of_what_is_sent(pair):
    (ours, peer), (closed, _) = pair(), pair()
    closed.close()
    road, blob, send_all = [ours.send, lambda blob: len(blob)], b"x" * 50, compiled().send_all

    def use():
        for _ in range(1000):
            assert send_all(iter(road), blob) is None
            peer.recv(100)
            assert send_all(iter([closed.send]), blob) == 0
            assert send_all(iter([lambda blob: 1000]), blob) == 1000

    use()
    gc.collect()
    blocks, counts = sys.getallocatedblocks(), [sys.getrefcount(each) for each in (ours, closed, road[0], blob, None)]
    use()
    gc.collect()
    assert sys.getallocatedblocks() - blocks < 100
    for each, before in zip((ours, closed, road[0], blob, None), counts, strict=True):
        assert abs(sys.getrefcount(each) - before) < 100
