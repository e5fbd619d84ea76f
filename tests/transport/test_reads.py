"""Reads of sockets: Python's function, the reference, and C's."""

import gc
import socket
import sys
import threading
from contextlib import ExitStack
from select import EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.messages import accelerator
from filtered_websocket.transport import reactor, reads
from tests.support.accelerator import compiled

LARGE = 16 * 1024
SIZE = 4 * LARGE


class Stream:
    """What is read from here; its peer has said this, and may have ended since.

    :param size: bytes that it has sent
    """

    def __init__(self, size=0, end=""):
        self.socket, self.peer = socket.socketpair()
        self.socket.setblocking(False)
        for each in (self.socket, self.peer):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 * SIZE)
        self.peer.settimeout(20)
        self.peer.sendall(bytes(number % 251 for number in range(size)))
        if end == "reset":
            self.socket.send(b"unread")  # what a Unix socket that closes has not read makes it a reset
        if end:
            self.peer.close()

    def close(self):
        self.socket.close()
        self.peer.close()


class Other(Stream):
    """What is not."""


class ReadHere(Stream):
    """What is."""


def pairs(some):
    return list(zip(some[::2], some[1::2], strict=True))


def received(read_ready, made, events, size=SIZE):
    """What comes of one call after the other, in order: the number of a stream and what was read, or an event."""
    streams = {each.socket.fileno(): each for each in made if each is not None}
    numbers = {each: number for number, each in enumerate(made)}
    all_ = [(99_999 if made[at] is None else made[at].socket.fileno(), what) for at, what in events]
    found, at = [], 0
    while at < len(events):
        some, before = [], at
        at = read_ready(all_, at, streams, ReadHere, size, some)
        found += [(numbers[stream], data) for stream, data in pairs(some)]
        assert [data for data in some[1:-2:2] if data is not None and len(data) == size] == []
        if at == before:
            assert not some
            found.append(events[at])
            at += 1
    assert at == len(events)
    return found


@pytest.fixture(params=["reference", "c"])
def read_ready(request):
    return compiled().read_ready if request.param == "c" else accelerator.references["read_ready"]


@pytest.fixture
def stream():
    with ExitStack() as stack:

        def make(*arguments, kind=ReadHere):
            made = kind(*arguments)
            stack.callback(made.close)
            return made

        yield make


def test_one_of_both_is_in_use():
    wanted = getattr(accelerator.loaded, "read_ready", accelerator.references["read_ready"])
    assert reads.read_ready is reactor.read_ready is wanted


def test_streams_are_read_in_order_and_an_end_a_reset_and_nothing_are_told_apart(read_ready, stream):
    made = [stream(3), stream(), stream(0, "end"), stream(0, "reset"), stream(125)]
    wanted = [(0, b"\0\1\2"), (2, b""), (3, None), (4, bytes(range(125)))]
    assert received(read_ready, made, [(at, EPOLLIN) for at in range(5)]) == wanted
    assert received(read_ready, made, [(4, EPOLLIN)]) == []


def test_what_is_no_stream_or_can_do_more_than_be_read_is_left_to_others(read_ready, stream):
    made = [stream(1), stream(1, kind=Other), stream(1), None]
    events = [(1, EPOLLIN), (3, EPOLLIN), (2, EPOLLIN | EPOLLRDHUP), (0, EPOLLIN), (2, EPOLLOUT)]
    assert received(read_ready, made, events) == [*events[:3], (0, b"\0"), (2, EPOLLOUT)]
    assert made[1].socket.recv(2) == made[2].socket.recv(2) == b"\0"


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 200, LARGE - 1, LARGE, LARGE + 1, SIZE - 1, SIZE, SIZE + 1]),
            st.sampled_from(["", "", "end", "reset"]),
            st.sampled_from([ReadHere, ReadHere, ReadHere, Other, None]),
            st.sampled_from([EPOLLIN, EPOLLIN, EPOLLIN, EPOLLIN | EPOLLRDHUP, EPOLLIN | EPOLLOUT, EPOLLHUP, EPOLLET]),
        ),
        max_size=6,
    ),
    st.sampled_from([LARGE, SIZE]),
)
def test_c_reads_what_the_reference_reads(said, size):
    found = []
    for read_ready in (accelerator.references["read_ready"], compiled().read_ready):
        with ExitStack() as stack:
            made = [None if kind is None else kind(bytes_, end) for bytes_, end, kind, _ in said]
            for each in made:
                if each is not None:
                    stack.callback(each.close)
            events = [(at, what) for at, (*_, what) in enumerate(said)]
            found.append([received(read_ready, made, events, size), received(read_ready, made, events, size)])
    assert found[0] == found[1]


def test_a_socket_that_would_block_does_not_block_c(stream):
    waits = stream()
    waits.socket.setblocking(True)
    done = threading.Event()

    def read():
        assert received(compiled().read_ready, [waits], [(0, EPOLLIN)]) == []
        done.set()

    threading.Thread(target=read, daemon=True).start()
    assert done.wait(20)


def test_what_is_no_event_is_an_error_and_no_crash(stream):
    here = stream(3)
    events, streams, read_ready = [(here.socket.fileno(), EPOLLIN)], {here.socket.fileno(): here}, compiled().read_ready
    wrongs = (None, {}, iter([])), ("x", 2.5, None, -1, 1 << 70), (None, [], 3), (), ("x", 2.5, 1 << 70)
    for place, each in enumerate(wrongs):
        for wrong in each:
            given = [events, 0, streams, ReadHere, SIZE, []]
            given[place] = wrong
            with pytest.raises((TypeError, SystemError, IndexError, OverflowError)):
                read_ready(*given)
    for wrong in (Other, None, 3, here):
        assert read_ready(events, 0, streams, wrong, SIZE, []) == 0
    for wrong in (3, None, (), (1,), ("x", 1), (1, "x"), (1, 2, 3), [1, 2]):
        with pytest.raises((TypeError, SystemError)):
            read_ready([wrong], 0, streams, ReadHere, SIZE, [])
    with pytest.raises(TypeError):
        read_ready()
    assert read_ready(events, 1, streams, ReadHere, SIZE, []) == 1
    assert read_ready(events, sys.maxsize, streams, ReadHere, SIZE, []) == sys.maxsize
    assert here.socket.recv(9) == b"\0\1\2"
    for wrong in (None, (), 3):
        here.peer.send(b"x")
        with pytest.raises(SystemError):
            read_ready(events, 0, streams, ReadHere, SIZE, wrong)


def test_nothing_is_kept_of_what_is_read(stream):
    made, ended = stream(), stream(0, "end")
    streams = {each.socket.fileno(): each for each in (made, ended)}
    events = [(fd, EPOLLIN) for fd in streams] + [(99_999, EPOLLIN)]
    read_ready = compiled().read_ready

    def use():
        for size in (1, 200, LARGE + 7, SIZE) * 50:
            some, at = [], 0
            made.peer.sendall(b"x" * size)
            for _ in range(3):
                at = read_ready(events, at, streams, ReadHere, SIZE, some)
            assert at == 2
            assert [len(data) for data in some[1::2]] == [size, 0]
            try:
                read_ready([("x", 1)], 0, streams, ReadHere, SIZE, some)
            except TypeError:
                pass

    kept = (made, ended, events[-1], None, b"")
    use()
    gc.collect()
    blocks, counts = sys.getallocatedblocks(), [sys.getrefcount(each) for each in kept]
    use()
    gc.collect()
    assert sys.getallocatedblocks() - blocks < 50
    for each, before in zip(kept, counts, strict=True):
        assert abs(sys.getrefcount(each) - before) < 50
