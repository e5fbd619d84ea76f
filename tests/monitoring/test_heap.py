"""The heap of a process of its own: what glibc does is that of the whole process."""

import json
import os
import platform
import subprocess
import sys

import pytest

from filtered_websocket.monitoring.heap import SECONDS, SETTINGS

MIB = 1 << 20

SCRIPT = f"""
import json, resource
from twisted.internet.task import Clock
from filtered_websocket.monitoring.heap import Heap, resident

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

clock = Clock()
heap = Heap(clock)
heap.start()
calls = len(clock.getDelayedCalls())
for _ in range(3):  # the heap grows to what is wanted at one time
    message = bytearray({MIB}) + b"a frame around it"
before = faults()
for _ in range(50):
    message = bytearray({MIB}) + b"a frame around it"
faulted = faults() - before
at_rest = resident()
burst, between = [], []
for _ in range(200):
    burst.append(bytearray({MIB}))
    between.append(bytes(100_000))
at_most = resident()
del burst, message
clock.advance({SECONDS})
left = resident() - at_rest - 200 * 100_000
burst = [bytearray({MIB}) for _ in range(200)]
del burst
clock.advance({SECONDS})
heap.stop()
print(json.dumps([calls, faulted, at_most - at_rest, left, resident() - at_rest - 200 * 100_000,
                  len(clock.getDelayedCalls())]))
"""


def figures(**environment: str) -> list[int]:
    inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(
        command, env={**inherited, **environment}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[int] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="nothing is done with another C library")
def test_large_messages_find_their_buffers_again_and_what_a_burst_has_left_is_given_back() -> None:
    calls, faulted, burst, left, left_again, calls_then = figures()
    assert calls == 1
    assert faulted < 50  # of 25,600 pages
    assert burst > 200 * MIB
    assert left < 40 * MIB
    assert left_again < 40 * MIB
    assert calls_then == 0


def test_an_operator_that_decides_about_the_heap_is_not_overruled() -> None:
    calls, faulted, *_ = figures(MALLOC_MMAP_THRESHOLD_="131072")
    assert calls == 0
    assert faulted > 50 * 256 or platform.libc_ver()[0] != "glibc"
