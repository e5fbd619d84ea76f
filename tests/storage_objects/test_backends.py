"""Storage objects by name."""

from importlib import import_module

import pytest

from filtered_websocket.storage_objects.backends import BACKENDS, STORAGE
from filtered_websocket.storage_objects.base import BaseStorageObject


@pytest.mark.parametrize("name", BACKENDS)
def test_each_name_is_a_module_with_a_storage_object(name):
    assert issubclass(import_module(BACKENDS[name]).StorageObject, BaseStorageObject)


def test_the_default_is_a_name_and_the_option_lists_all():
    assert STORAGE.default in BACKENDS
    assert all(name in STORAGE.help for name in BACKENDS)
