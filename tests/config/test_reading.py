"""Files that the values of options are read from."""

import zlib
from pathlib import Path

import pytest

from filtered_websocket.config.reading import READ, read


def test_what_was_read_of_a_file_is_known_and_that_it_was_not(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    try:
        with pytest.raises(FileNotFoundError):
            read(file)
        assert READ[str(file)] is None
        file.write_bytes(b"{}")
        assert read(str(file)) == b"{}"
        assert READ[str(file)] == zlib.crc32(b"{}")
    finally:
        del READ[str(file)]
