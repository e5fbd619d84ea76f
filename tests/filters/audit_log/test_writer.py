"""The thread that writes: in order, to the end, and no more waits for it than may."""

import threading

from filtered_websocket.filters.audit_log.writer import Writer
from tests.support.reactor_thread import DEADLINE, call


class Disk:
    """A sink that hangs until it is let go, takes seven lines at a time, and so many in all."""

    def __init__(self, room=10_000):
        self.written, self.closed, self.room = [], False, room
        self.asked, self.goes = threading.Event(), threading.Event()

    def write(self, lines):
        self.asked.set()
        assert self.goes.wait(DEADLINE)
        if len(self.written) >= self.room:
            raise OSError(28, "No space left on device")
        taken = [each.rstrip(b"\n") for each in lines[:7]]
        self.written += taken
        return len(taken)

    def close(self):
        self.closed = True


def test_a_stop_waits_for_all_that_is_to_be_written():
    disk = Disk()
    writer = Writer(disk, 10_000, lambda *_: None)
    assert all(writer.put({"size": number}) for number in range(2500))
    disk.goes.set()
    call(writer.stop)
    assert disk.written == [b'{"size":%d}' % number for number in range(2500)]
    assert disk.closed


def test_a_disk_that_hangs_holds_nobody_up_and_so_many_wait_for_it():
    disk = Disk()
    writer = Writer(disk, 3, lambda *_: None)
    assert writer.put({"size": 0})
    assert disk.asked.wait(DEADLINE)
    assert [writer.put({"size": number}) for number in range(1, 6)] == [True, True, True, False, False]
    disk.goes.set()
    call(writer.stop)
    assert disk.written == [b'{"size":%d}' % number for number in range(4)]


def test_what_cannot_be_written_is_told():
    disk, lost = Disk(room=7), []
    writer = Writer(disk, 20, lambda *what: lost.append(what))
    writer.put({"size": 0})
    assert disk.asked.wait(DEADLINE)
    for number in range(1, 11):
        writer.put({"size": number})
    disk.goes.set()
    call(writer.stop)
    assert len(disk.written) == 8
    assert lost == [(3, "No space left on device")]
