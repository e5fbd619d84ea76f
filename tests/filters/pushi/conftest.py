import pytest

from tests.filters.pushi.clients import Http, serving


@pytest.fixture
def server():
    with serving() as server:
        yield server


@pytest.fixture
def http(server):
    return Http(server)
