"""Fixtures of the core's tests."""

import pytest

from tests.rooms import Consumes

# Programs that tests run, with libraries of their own; doctest would import them.
collect_ignore = ["python", "node", "fuzz"]


@pytest.fixture
def consumes(monkeypatch):
    """Sets what the consumer filter does."""
    monkeypatch.setattr(Consumes, "items", [])
    return lambda function: monkeypatch.setattr(Consumes, "does", staticmethod(function))
