import pytest

from tests.filters.pusher.clients import serving


@pytest.fixture
def server():
    with serving() as server:
        yield server
