"""The name that memory storage had in the original."""

from filtered_websocket.storage_objects import default, memory


def test_the_originals_default_module_is_memory():
    assert default.StorageObject is memory.StorageObject
