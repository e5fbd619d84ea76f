"""Fixtures of the core's tests."""

import signal

import pytest

from tests.rooms import Consumes

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # What a shell starts in the background ignores SIGINT, and so would the programs that tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Programs that tests run, with libraries of their own; doctest would import them.
collect_ignore = ["python", "node", "fuzz"]


@pytest.fixture
def consumes(monkeypatch):
    """Sets what the consumer filter does."""
    monkeypatch.setattr(Consumes, "items", [])
    return lambda function: monkeypatch.setattr(Consumes, "does", staticmethod(function))
