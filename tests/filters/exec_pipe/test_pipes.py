"""The ends of pipes in the reactor."""

import os

from filtered_websocket.filters.exec_pipe.pipes import MAX_READ, Reading, Writing
from tests.support.reactor_thread import call, until


def made(kind, file, call_back):
    def make():
        from twisted.internet import reactor

        return kind(reactor, file, call_back)

    return call(make)


def test_what_is_written_is_counted_until_it_is_taken():
    mine, ours = os.pipe()
    taken = []
    writing = made(Writing, ours, lambda: taken.append(1))
    call(writing.write, b"x" * 300_000)
    assert call(lambda: writing.waiting) > 0
    size = 0
    while size < 300_000:
        size += len(os.read(mine, 65536))
    until(lambda: taken == [1])
    assert call(lambda: writing.waiting) == 0
    os.close(mine)
    call(writing.write, b"nobody reads")
    until(lambda: not writing.connected)
    call(writing.write, b"no more")
    call(writing.close)


def test_reading_ends_with_the_other_end_and_reads_what_is_left():
    ours, mine = os.pipe()
    said = []
    reading = made(Reading, ours, said.append)
    os.write(mine, b"a")
    until(lambda: b"".join(said) == b"a")
    call(reading.stopReading)
    os.write(mine, b"b")
    call(reading.read_rest)
    assert b"".join(said) == b"ab"
    os.close(mine)
    call(reading.start)


def test_what_is_said_without_end_is_read_no_further_than_a_pipe_holds():
    ours = os.open("/dev/zero", os.O_RDONLY)
    sizes = []

    def make():
        from twisted.internet import reactor

        reading = Reading(reactor, ours, lambda data: sizes.append(len(data)))
        reading.stopReading()
        reading.read_rest()

    call(make)
    assert sum(sizes) == MAX_READ
