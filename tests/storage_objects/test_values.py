"""Values as storage objects keep them."""

import pytest

from filtered_websocket.storage_objects.base import as_bytes, as_text
from filtered_websocket.storage_objects.values import as_value


def test_text_and_bytes_survive_storing():
    for text in ("", "plain", "ä€😀", "\ud800 alone"):
        assert as_text(as_bytes(text)) == text
    assert as_value(b"\xff\x00") == b"\xff\x00"
    assert as_value(b"abc") == "abc"
    assert as_text(b"\xff")
    with pytest.raises(TypeError, match="int"):
        as_bytes(7)
