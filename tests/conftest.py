"""Fixtures of the core's tests."""

import pytest

from tests.rooms import Consumes


@pytest.fixture
def consumes(monkeypatch):
    """Sets what the consumer filter does."""
    monkeypatch.setattr(Consumes, "items", [])
    return lambda function: monkeypatch.setattr(Consumes, "does", staticmethod(function))
