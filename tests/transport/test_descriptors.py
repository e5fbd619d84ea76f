"""The limit of descriptors. Tried in processes of their own: a limit that was lowered stays."""

import subprocess
import sys

import pytest

TRY = """
import resource
from filtered_websocket.transport.descriptors import descriptors, raise_descriptors
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
before = descriptors()
raise_descriptors({reactor!r})
print(before, descriptors(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("reactor", "soft", "hard", "taken"),
    [
        ("LeanEPollReactor", 100, 2000, 2000),
        ("LeanEPollReactor", 2000, 2000, 2000),
        ("SelectReactor", 100, 2000, 1024),
        ("SelectReactor", 2000, 2000, 1024),
        ("SelectReactor", 100, 500, 500),
    ],
)
def test_a_process_takes_what_the_system_lets_it_have_and_its_reactor_can_look_at(
    reactor: str, soft: int, hard: int, taken: int
) -> None:
    words = [sys.executable, "-c", TRY.format(reactor=reactor, soft=soft, hard=hard)]
    said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert [int(each) for each in said] == [soft, taken, taken, hard]
