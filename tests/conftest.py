"""Fixtures of the core's tests."""

import signal

import pytest
from hypothesis import settings

from tests.rooms import Consumes

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # What a shell starts in the background ignores SIGINT, and so would the programs that tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's affair, not the code's.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Programs that tests run, with libraries of their own; doctest would import them.
collect_ignore = ["python", "node", "fuzz"]


@pytest.fixture
def consumes(monkeypatch):
    """Sets what the consumer filter does."""
    monkeypatch.setattr(Consumes, "items", [])
    return lambda function: monkeypatch.setattr(Consumes, "does", staticmethod(function))
