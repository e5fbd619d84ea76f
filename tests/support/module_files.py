"""Modules of filters, written for a test."""

import importlib
import itertools
from textwrap import dedent

from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.pipeline.modules import filters_of, load, modules_of

_numbers = itertools.count()
HEAD = "from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter\n"


class Files:
    """Modules in a directory of the Python path: ``pack__part`` is ``pack/part.py``.

    ``{p}`` in a source stands for a prefix that all their names have and no other test's.
    """

    def __init__(self, path):
        self.path, self.prefix = path, f"fws{next(_numbers)}_"

    def write(self, **sources):
        for name, source in sources.items():
            *packages, module = (self.prefix + name).split("__")
            directory = self.path.joinpath(*packages)
            directory.mkdir(exist_ok=True)
            file = directory / f"{'__init__' if module == 'init' else module}.py"
            file.write_text(HEAD + dedent(source).replace("{p}", self.prefix))
        importlib.invalidate_caches()
        return self

    def load(self, *names):
        for name in names:
            load(self.prefix + name)

    def filters(self, name, root=WebSocketMessageFilter):
        return [each.__name__ for each in filters_of(self.prefix + name, root)]

    def modules(self, name):
        return [each.removeprefix(self.prefix) for each in modules_of(self.prefix + name)]
