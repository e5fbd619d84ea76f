"""A configuration of Centrifugo 6 as it is: its file, in JSON, YAML or TOML, and its environment names."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from filtered_websocket.config import reading

PREFIX = "CENTRIFUGO_"
_FORMATS = ".json .yaml .yml .toml"


class Document(NamedTuple):
    """
    :ivar place: what faults call it
    :ivar content: what it holds, under the names of the file
    :ivar from_file: whether it is a whole configuration; else names of the environment
    :ivar unknown: names of the environment that stand for nothing
    """

    place: str
    content: Mapping[str, Any]
    from_file: bool = True
    unknown: tuple[str, ...] = ()

    def __repr__(self) -> str:
        # Secrets stand in it.
        return f"<Document {self.place}>"

    def get(self, path: str) -> Any:
        """What stands under a path of names, such as ``client.token.audience``; None for nothing."""
        found: Any = self.content
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return found


def read(value: Any) -> Document:
    """The configuration in a file.

    :raises ValueError: a sentence that says why not
    """
    if isinstance(value, Document):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("the path of a configuration file of Centrifugo 6 is wanted")
    path = Path(value)
    try:
        content = _parsed(path.suffix.lower(), reading.read(path))
    except OSError as error:
        raise ValueError(f"a configuration file of Centrifugo 6 is wanted ({error.strerror})") from None
    if not isinstance(content, dict):
        raise ValueError("the configuration of Centrifugo 6 is an object")
    return Document(value, content)


def _parsed(kind: str, data: bytes) -> Any:
    if kind not in _FORMATS.split():
        raise ValueError(f"a configuration file of Centrifugo ends in one of {_FORMATS}")
    try:
        if kind == ".json":
            return json.loads(data)
        if kind == ".toml":
            return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{kind[1:].upper()} is wanted ({' '.join(str(error).split())})") from None
    try:
        import yaml
    except ImportError:
        raise ValueError("YAML takes a library: pip install filtered_websocket[yaml]") from None
    try:
        return yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"YAML is wanted ({' '.join(str(error).split())})") from None
