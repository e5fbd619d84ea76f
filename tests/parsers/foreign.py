"""Modules of packages in build/python (tests/python/install.sh), of several versions side by side in one process."""

import importlib
import sys
import types
import warnings
from pathlib import Path
from typing import Any

PLACE = Path(__file__).parents[2] / "build" / "python"


def modules(folder: str, *names: str) -> list[Any]:
    """These modules, and none that their packages import for other purposes; no other import will find them.

    :param folder: in build/python
    """
    place = PLACE / folder
    assert place.is_dir(), f"{place} is missing; `make test-tools` makes it"
    packages = {name.partition(".")[0] for name in names}
    if "socketio.packet" in names:
        packages.add("engineio")
    before, path = sys.modules.copy(), sys.path[:]
    for name in [each for each in sys.modules if each.partition(".")[0] in packages]:
        del sys.modules[name]
    for name in packages:
        # In the place of the package's own, which imports all there is of it.
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(place / name)]
    sys.path.append(str(place))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [importlib.import_module(name) for name in names]
    finally:
        sys.path[:] = path
        for name in [each for each in sys.modules if each.partition(".")[0] in packages]:
            del sys.modules[name]
        sys.modules.update({name: each for name, each in before.items() if name.partition(".")[0] in packages})
