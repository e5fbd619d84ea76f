"""Sends of sockets: Python's function, the reference, and C's."""

import fcntl
import gc
import os
import socket
import sys
import threading

import pytest

from filtered_websocket.messages import accelerator
from filtered_websocket.transport import sends
from tests.support.accelerator import compiled
from tests.support.ledger.steady import steady

BLOB = b"b" * 3000


@pytest.fixture(params=["reference", "c"])
def bound_send(request):
    return compiled().bound_send if request.param == "c" else accelerator.references["bound_send"]


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


def taken_by(send, blob):
    """As who calls it sees it: failing is taking nothing."""
    try:
        return send(blob)
    except OSError:
        return 0


def test_one_of_both_is_in_use():
    assert sends.bound_send is getattr(accelerator.loaded, "bound_send", accelerator.references["bound_send"])


def test_what_is_taken_arrives(bound_send, pair):
    ours, peer = pair()
    send = bound_send(ours.fileno)
    for size in (0, 1, 125, 3000):
        assert send(b"x" * size) == size
    assert peer.recv(10_000) == b"x" * 3126


def test_a_socket_takes_as_much_as_it_has_room_for(bound_send, pair):
    small, reads_late = pair(small=True)
    send, blob = bound_send(small.fileno), BLOB * 100
    taken = taken_by(send, blob)
    assert 0 < taken < len(blob)
    assert taken_by(send, blob) == 0
    assert reads_late.recv(taken, socket.MSG_WAITALL) == blob[:taken]
    assert taken_by(send, BLOB) > 0


def test_a_socket_whose_peer_is_gone_takes_nothing(bound_send, pair):
    ours, peer = pair()
    peer.close()
    assert taken_by(bound_send(ours.fileno), BLOB) == 0


def test_a_closed_socket_takes_nothing_though_its_number_is_anothers(bound_send, pair):
    (open_, _), (after, hears) = pair(), pair()
    # So high that nothing that other threads of this process open meanwhile gets it.
    number = fcntl.fcntl(open_.fileno(), fcntl.F_DUPFD_CLOEXEC, 500)
    closed = socket.socket(fileno=number)
    send = bound_send(closed.fileno)
    closed.close()
    assert os.dup2(after.fileno(), number) == number
    try:
        assert taken_by(send, BLOB) == 0
        hears.setblocking(False)
        with pytest.raises(BlockingIOError):
            hears.recv(1)
    finally:
        os.close(number)


def test_a_socket_that_would_block_does_not_block_c(pair):
    small, _ = pair(small=True)
    small.setblocking(True)
    done = threading.Event()

    def fill():
        while compiled().bound_send(small.fileno)(BLOB * 100) != 0:
            pass
        done.set()

    threading.Thread(target=fill, daemon=True).start()
    assert done.wait(20)


def test_what_is_no_socket_and_what_are_no_bytes_are_errors_and_no_crash(pair):
    ours, _ = pair()
    bound_send = compiled().bound_send
    for wrong in (None, 3, ours, ours.send, ours.recv, socket, str, lambda: 3, b"x".hex):
        with pytest.raises(TypeError):
            bound_send(wrong)
    for wrong in (os.getcwd, "x".upper, (1 << 70).__reduce__, (1 << 70).conjugate):
        with pytest.raises((TypeError, OverflowError)):
            bound_send(wrong)(b"x")
    send = bound_send(ours.fileno)
    for wrong in ("text", None, 3, bytearray(b"x"), memoryview(b"x")):
        with pytest.raises(TypeError):
            send(wrong)
    with pytest.raises(TypeError):
        send()


def test_a_send_keeps_its_socket_and_nothing_else(pair):
    (ours, peer), (closed, _) = pair(), pair()
    closed.close()
    blob, bound_send = b"x" * 50, compiled().bound_send

    def use():
        assert bound_send(ours.fileno)(blob) == 50
        peer.recv(100)
        assert bound_send(closed.fileno)(blob) == 0
        try:
            bound_send(ours.fileno)("text")
        except TypeError:
            pass

    gc.collect()  # what garbage holds of None
    counts = [sys.getrefcount(each) for each in (ours, closed, blob, None)]
    steady(use)
    for each, before in zip((ours, closed, blob, None), counts, strict=True):
        assert abs(sys.getrefcount(each) - before) < 100
    before = sys.getrefcount(ours)
    send = bound_send(ours.fileno)
    assert sys.getrefcount(ours) == before + 1
    del send
    assert sys.getrefcount(ours) == before
