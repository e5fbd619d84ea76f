"""Lines of standard input, read by a program of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import dedent

from filtered_websocket.commands.fws_client.standard_input import MOST, WAITING
from tests.support.deadlines import limited
from tests.support.fws_server import STARTING

READS = """
    import asyncio, gc, sys, threading
    from filtered_websocket.commands.fws_client.standard_input import StandardInput

    async def main():
        lines = StandardInput()
        for wanted in map(int, sys.argv[1:]):
            batch = await lines.batch()
            while 0 < len(batch) < wanted:
                batch += await lines.batch()
            print(len(batch), batch[0] if batch else None, batch[-1] if batch else None, flush=True)

    asyncio.run(main())
    print("the loop is closed", flush=True)
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join()
    gc.collect()
"""


@contextmanager
def reading(*batches: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that reads batches of at least so many lines each, and then lets go of its input's thread."""
    command = [sys.executable, "-c", dedent(READS), *map(str, batches)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, bufsize=0) as process:
        try:
            yield process
        finally:
            process.kill()


def test_what_comes_while_the_loop_ends_is_nobodys_and_nothing_is_said_of_it() -> None:
    with reading(1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"a\n")
        with limited(process):
            assert process.stdout.readline() == b"1 b'a' b'a'\n"
            assert process.stdout.readline() == b"the loop is closed\n"
        process.stdin.write(b"b\n")
        rest, errors = process.communicate(timeout=STARTING)
        assert (rest, errors, process.returncode) == (b"", b"", 0)


def test_lines_come_in_order_and_batches_and_the_end_is_told_again_and_again() -> None:
    count = 3 * WAITING + 7
    with reading(count, 1, 1) as process:
        out, errors = process.communicate(b"\n".join(b"%d" % number for number in range(count)), timeout=STARTING)
        assert errors == b""
        assert out.splitlines()[:3] == [b"%d b'0' b'%d'" % (count, count - 1), b"0 None None", b"0 None None"]


def test_a_batch_is_no_larger_than_it_may_be() -> None:
    with reading(0) as process:
        out, errors = process.communicate(b"x\n" * WAITING, timeout=STARTING)
        assert errors == b""
        assert 1 <= int(out.split()[0]) <= MOST
