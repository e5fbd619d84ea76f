"""Bring what the original kept in MongoDB: python import_mongo.py FOLDER [arguments of fws_server]

FOLDER holds what ``mongoexport`` has written, one file for each collection. The arguments say which storage object:
``-c config.json``, or ``-f filtered_websocket.filters.pushi --storage sqlite --sqlite_file events.sqlite``. Stop the
server before it if the storage is SQLite.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred, ensureDeferred

from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.pushi import mongo
from filtered_websocket.storage_objects.prefixed import PrefixedStorageObject

PUSHI = "filtered_websocket.filters.pushi"


class Nobody:
    """The consumer of a storage object that has nothing to deliver."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return nothing


def nothing(*_: object) -> None:
    pass


async def bring(storage: Any, pipeline: Any, documents: dict[str, list[mongo.Document]]) -> Counter[str]:
    await storage.start(Nobody())
    try:
        view = PrefixedStorageObject(storage, f"{pipeline.name} ") if pipeline.name else storage
        return await mongo.bring(view, documents, pipeline.options)
    finally:
        await storage.stop()


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.path.append(os.getcwd())
    try:
        documents = mongo.read(Path(sys.argv[1]))
        assembly = Assembly(sys.argv[2:])
        assembly.load()
        options = assembly.options()
        pipeline = next((each for each in options.pipelines if PUSHI in each.filters), None)
        if pipeline is None:
            sys.exit(f"no pipeline has {PUSHI}")
    except (ConfigError, ValueError, KeyError) as error:
        sys.exit(f"import_mongo: {error}")

    async def run() -> None:
        brought = await bring(assembly.storage_object(options), pipeline, documents)
        print(", ".join(f"{count} {name}" for name, count in brought.items()))

    def begin(reactor: object) -> Deferred[None]:
        return ensureDeferred(run())

    task.react(begin, [])


if __name__ == "__main__":
    main()
