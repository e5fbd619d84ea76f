"""SQLite storage beyond what all storage objects promise: its file."""

import pytest

from filtered_websocket.errors import ConfigError


def test_a_second_storage_object_on_one_file_is_refused(files):
    files.node()
    with pytest.raises(ConfigError, match=r"storage\.sqlite: another server uses it"):
        files.node()
