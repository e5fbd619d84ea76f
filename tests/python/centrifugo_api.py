"""PyPI's cent, as `calls.py` calls it."""

from typing import Any

import cent


class Api:
    def __init__(self, url: str, key: str) -> None:
        self._client = cent.Client(url, key)

    def ask(self, method: str, **request: Any) -> Any:
        """Have a method called, such as ``history_remove``."""
        kind = getattr(cent, "".join(word.title() for word in method.split("_")) + "Request")
        return getattr(self._client, method)(kind(**request)).model_dump()
