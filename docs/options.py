"""Writes docs/options.md from the declarations of options: ``make docs``. A test checks that it is current."""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from filtered_websocket import filters
from filtered_websocket.commands.fws_server import assembly
from filtered_websocket.config import Option, documentation
from filtered_websocket.config.declarations import CONFIG, FILTERS, PIPELINES
from filtered_websocket.monitoring import logs
from filtered_websocket.server.options import DECLARED
from filtered_websocket.storage_objects.backends import BACKENDS

OPTIONS_MD = Path(__file__).with_suffix(".md")
HEAD = """# Options

Written by `make docs` from where the options are declared; `fws_server -h` says the same of those that are loaded.

An option may be given as a flag, in the environment, or in the JSON file of `-c`. A flag counts more than the
environment, the environment more than the file. In the JSON file, numbers may be numbers or text, `flags` is a list of
options without a value, and lines that begin with `#` are comments. Sizes are bytes, or `64k`, `1M`, `2G`. What is
marked so may have another value in each entry of `pipelines`. A reload (SIGHUP) takes what has changed, but for what is
marked as well, and the options of storage. A wrong value ends the start where it would count; where another overrules
it, it is a warning.

`fws_server --check` says all that is wrong with the options and exits, without opening a port: what is good to it
starts, unless a port is in use or a start filter fails.

"""


def declarations() -> Mapping[str, Sequence[Option]]:
    """Every option there is, by owner: the server's, those of the storage objects, those of the packs."""
    own = {"fws_server": (CONFIG, FILTERS, PIPELINES, *assembly.OPTIONS), "logs": logs.OPTIONS}
    owners: dict[str, Sequence[Option]] = {**own, **dict(DECLARED)}
    for name, module in BACKENDS.items():
        owners[f"storage {name}"] = importlib.import_module(module).StorageObject.OPTIONS
    for each in pkgutil.iter_modules(filters.__path__, f"{filters.__name__}."):
        owners[each.name] = getattr(importlib.import_module(each.name), "OPTIONS", ())
    return {owner: options for owner, options in owners.items() if options}


def text() -> str:
    """The whole page."""
    return HEAD + documentation(declarations())


if __name__ == "__main__":
    OPTIONS_MD.write_text(text())
