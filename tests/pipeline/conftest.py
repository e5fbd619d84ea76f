import sys

import pytest

from filtered_websocket.pipeline.hub import Hub
from tests.pipeline.subscribers import OnSocket, Turn
from tests.support.module_files import Files


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Files(tmp_path)


@pytest.fixture
def turn():
    return Turn()


@pytest.fixture
def fanout(turn):
    return Hub(turn)


@pytest.fixture
def subscriber(fanout):
    made = []

    def make(name, *channels, **options):
        one = OnSocket(name, **options)
        one.hub = fanout
        made.append(one)
        for channel in channels:
            fanout.join(channel, one)
        return one

    yield make
    for each in made:
        each.close()
