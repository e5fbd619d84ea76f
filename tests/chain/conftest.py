import pytest

from tests.support.chains import new_chain


@pytest.fixture
def chain():
    return new_chain()
