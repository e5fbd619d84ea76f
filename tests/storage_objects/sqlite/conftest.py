import pytest

from tests.support.backends import Backend

MODULE = "filtered_websocket.storage_objects.sqlite"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "storage.sqlite"


@pytest.fixture
def files(file):
    files = Backend(MODULE, sqlite_file=str(file))
    yield files
    files.close()
