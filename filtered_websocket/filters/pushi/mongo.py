"""What the original kept in MongoDB, as ``mongoexport`` writes it, brought into a storage object.

One file for each collection, named like it: ``app.json subscription.json pushievent.json association.json web.json``, a
document on each line or one array of them. Doing it twice doubles the events, and nothing else.
"""

import json
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from filtered_websocket.chain.interfaces import Options
from filtered_websocket.chain.storage import Storage
from filtered_websocket.filters.pushi import events, keys, subscriptions, wire
from filtered_websocket.filters.pushi.apps import NAMES, STORED, App, read_app
from filtered_websocket.storage_objects.base import Keep

Document = dict[str, Any]
COLLECTIONS = ("app", "subscription", "pushievent", "association", "web")


def read(folder: Path) -> dict[str, list[Document]]:
    """The documents of each collection; a file that is not there holds none.

    :raises ValueError: a file that mongoexport did not write, with its name and line
    """
    return {name: _documents(folder / f"{name}.json") for name in COLLECTIONS}


def _documents(path: Path) -> list[Document]:
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    if text.lstrip().startswith("["):
        return [_plain(each) for each in json.loads(text)]
    documents = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            document = _plain(json.loads(line)) if line.strip() else {}
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
        if document:
            documents.append(document)
    return documents


def _plain(value: Any) -> Any:
    """MongoDB's extended JSON as plain JSON: ``{"$numberLong": "3"}`` is 3."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, inner),) = value.items()
        if name in ("$numberLong", "$numberInt"):
            return int(inner)
        if name in ("$numberDouble", "$numberDecimal"):
            return float(inner)
        if name in ("$oid", "$date"):
            return _plain(inner)
    return {name: _plain(each) for name, each in value.items()}


async def bring(storage: Storage, documents: dict[str, list[Document]], options: Options) -> Counter[str]:
    """Put documents into a storage object that is started.

    :param options: those of the pipeline: what apps keep of their events
    :returns: how many of each collection are there now
    """
    brought: Counter[str] = Counter()
    apps = {}
    for document in documents["app"]:
        about = {"id": document["ident"], "key": document["key"], "secret": document["secret"]}
        app = read_app(about | {"name": document.get("name") or ""})
        apps[app.id] = app
        await storage.put(STORED, app.id, app.stored)
        if app.name:
            await storage.put(NAMES, app.name, app.id, only_new=True)
        brought["app"] += 1
    # Documents of apps that are gone are left out.
    for document in _owned(documents["subscription"], apps):
        known = ("user_id", "event", "instance", "created", "modified", "enabled", "description", "meta")
        record = {"id": document.get("id", 0)} | {name: document.get(name) for name in known}
        await subscriptions.store(storage, apps[document["instance"]], record)
        brought["subscription"] += 1
    for document in _owned(documents["web"], apps):
        place = wire.dumps([document["url"], document["event"]])
        web = {name: document.get(name) for name in ("url", "event", "instance", "enabled", "description", "meta")}
        await storage.put(keys.webs(apps[document["instance"]]), place, wire.dumps(web))
        brought["web"] += 1
    users = defaultdict(set)
    for document in _owned(documents["association"], apps):
        users[document["instance"], document["mid"]].add(document["user_id"])
    stored = _owned(documents["pushievent"], apps)
    for document in sorted(stored, key=lambda each: (each.get("timestamp") or 0, each.get("id") or 0)):
        app = apps[document["instance"]]
        keep = events.keep_of(options, app)
        if not keep.seconds or (document.get("timestamp") or 0) > time.time() - keep.seconds:
            brought["association"] += await _bring_event(storage, app, document, users[app.id, document["mid"]], keep)
            brought["pushievent"] += 1
    return brought


def _owned(documents: list[Document], apps: dict[str, App]) -> list[Document]:
    return [document for document in documents if document.get("instance") in apps]


async def _bring_event(storage: Storage, app: App, document: Document, users: set[str], keep: Keep) -> int:
    known = ("mid", "timestamp", "channel", "owner_id", "instance", "created", "modified", "enabled", "description")
    record = {name: document.get(name) for name in known}
    record |= {"meta": document.get("meta") or {}, "data": document.get("data") or {}}
    position = await events.append(storage, keys.all_events(app), record, keep)
    record = {"id": position.offset if position is not None else 0, **record}
    for name in (keys.log(app, str(document["channel"])), *(keys.associated(app, user) for user in sorted(users))):
        await events.append(storage, name, record, keep)
    return len(users)
