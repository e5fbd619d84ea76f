"""SQLite storage: one process, durable. Sets, maps and history lie in a file; all else is as in memory storage.

A call is confirmed (its Deferred fires) when it is on disk: the write-ahead log is synced before. One thread does all
of it, in the order of the calls, and whatever has come up meanwhile shares one transaction and one sync. What is kept
in history is delivered when it is on disk, so that no subscriber has a position that a crash could give away again.
While something is wrong with the file (`writer.py`) it is away, as Redis may be: what would write is refused.
"""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import text
from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.limits.history_pool import DEFAULT_POOL, Pool
from filtered_websocket.messages.envelope import MARK, decode, encode
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects import memory
from filtered_websocket.storage_objects.base import Consumer, Keep, Record
from filtered_websocket.storage_objects.kept import new_epoch
from filtered_websocket.storage_objects.records import check_record
from filtered_websocket.storage_objects.shared_reads import SharedReads
from filtered_websocket.storage_objects.sqlite import ears
from filtered_websocket.storage_objects.sqlite.file import look_at
from filtered_websocket.storage_objects.sqlite.tables import Tables
from filtered_websocket.storage_objects.sqlite.writer import Writer
from filtered_websocket.storage_objects.values import Convert, as_bytes, as_text, as_value, check_text
from filtered_websocket.transport.reactor import at_turn_end

log = Logger()


class StorageObject(memory.StorageObject):
    """
    :param options: ``sqlite_file``
    """

    durable = True
    shared = False
    OPTIONS = (Option("sqlite_file", text, "filtered_websocket.sqlite", "file of SQLite storage"),)

    @classmethod
    def check_options(cls, options: Any) -> None:
        """
        :raises ConfigError: its file can never be one of SQLite's, or not be written; as `start`, but nothing is made
        """
        try:
            look_at(options.sqlite_file)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"sqlite_file {options.sqlite_file}: {getattr(error, 'strerror', None) or error}"
            ) from None

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._file: str = options.sqlite_file
        self._writer: Writer | None = None
        self._reads = SharedReads(self._reading)
        self._ears = ears.Ears(self._subscribed, self._ask)
        self._stopping: Deferred[None] | None = None
        self._well = True
        self._waiting: list[Deferred[None]] = []

    @property
    def ready(self) -> bool:
        return self._writer is not None and self._stopping is None and self._well

    def wait_ready(self) -> Deferred[None]:
        if self.ready:
            return DONE
        if self._writer is None or self._stopping is not None:
            return fail(StorageAway("the storage object is not started"))
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def start(self, consumer: Consumer) -> Deferred[None]:
        super().start(consumer)
        self._writer = Writer(self._file, self._changed)
        return self._writer.start()

    def stop(self) -> Deferred[None]:
        """Everything that was asked before is confirmed first."""
        if self._writer is None:
            return super().stop()
        if self._stopping is None:
            self._stopping = self._writer.stop().addCallback(lambda _: memory.StorageObject.stop(self))
            self._ears.stop()
            waiting, self._waiting = self._waiting, []
            for one in waiting:
                one.errback(StorageAway("the storage object was stopped"))
        done: Deferred[None] = Deferred()
        self._stopping.addBoth(lambda _: done.callback(None))
        return done

    # Sets and maps.

    def get(self, key: str) -> Deferred[set[str] | None]:
        check_text(key)
        return self._ask(Tables.get, as_bytes(key), convert=lambda values: {as_text(raw) for raw in values} or None)

    def add(self, key: str, value: str) -> Deferred[bool]:
        check_text(key, value)
        return self._ask(Tables.add, as_bytes(key), as_bytes(value))

    def remove(self, key: str, value: str) -> Deferred[bool]:
        check_text(key, value)
        return self._ask(Tables.remove, as_bytes(key), as_bytes(value))

    def put(self, key: str, field: str, value: str | bytes, only_new: bool = False) -> Deferred[bool]:
        check_text(key, field)
        return self._ask(Tables.put, as_bytes(key), as_bytes(field), as_bytes(value), only_new)

    def fields(self, key: str) -> Deferred[dict[str, str | bytes]]:
        check_text(key)

        def found(pairs: list[tuple[bytes, bytes]]) -> dict[str, str | bytes]:
            return {as_text(field): as_value(value) for field, value in pairs}

        return self._ask(Tables.fields, as_bytes(key), convert=found)

    def delete(self, key: str, field: str | None = None) -> Deferred[bool]:
        check_text(key)
        return self._ask(Tables.delete, as_bytes(key), None if field is None else as_bytes(field))

    # Records.

    def store(
        self,
        key: str,
        value: str | bytes | None,
        seconds: float,
        owner: str = "",
        only_if: Collection[str] | None = None,
    ) -> Deferred[bool]:
        check_record(key, seconds, owner, only_if)
        raw = None if value is None else as_bytes(value)
        owners = None if only_if is None else frozenset(map(as_bytes, only_if))
        return self._ask(Tables.store, as_bytes(key), raw, seconds, as_bytes(owner), owners)

    def load(self, key: str) -> Deferred[Record | None]:
        check_text(key)
        return self._ask(Tables.load, as_bytes(key), convert=_record)

    def take(self, key: str, owner: str) -> Deferred[Record | None]:
        check_text(key, owner)
        return self._ask(Tables.take, as_bytes(key), as_bytes(owner), convert=_record)

    # Channels.

    def subscribe(self, channel: str) -> Deferred[Position | None]:
        check_text(channel)
        ear = self._subscribed.get(channel)
        if ear is not None and ear.known:
            return super().subscribe(channel)
        if self._writer is None or self._stopping is not None:
            return fail(StorageAway("the storage object is not started: not done"))
        return self._ears.open(channel)

    def unsubscribe(self, channel: str) -> Deferred[None]:
        ear = self._subscribed.pop(channel, None)
        if ear is not None:
            ears.fail(ear, f"{channel!r} was left before it was confirmed")
        return DONE

    # History.

    def send(self, publication: Publication, keep: Keep | None = None, once: str | None = None) -> Deferred[Any]:
        if keep is None or keep.count < 1:
            return super().send(publication)
        try:
            body = encode(publication)
        except ValueError as error:
            return fail(error)

        def stored(result: tuple[tuple[str, int], dict[str, int] | None]) -> Position:
            position, dropped = result
            if dropped is None:
                return Position(*position)
            for limit, count in dropped.items():
                self._dropped(limit, count, publication.channel)
            publication.position = Position(*position)
            self._deliver_kept(publication)
            return publication.position

        self._reads.changed(publication.channel)
        name = None if once is None else as_bytes(once)
        return self._ask(Tables.append, as_bytes(publication.channel), body, keep, new_epoch(), name, convert=stored)

    def since(self, channel: str, position: Position, limit: int = 0) -> Deferred[list[Publication] | None]:
        check_text(channel)

        def found(rows: list[Any] | None) -> list[Publication] | None:
            return None if rows is None else [_publication(channel, row) for row in rows]

        asked = as_bytes(channel), position.epoch, position.offset, max(limit, 0)
        return self._read(channel, Tables.since, *asked, convert=found)

    def latest(self, channel: str, skip: int, count: int) -> Deferred[list[Publication]]:
        check_text(channel)

        def found(rows: list[Any]) -> list[Publication]:
            return [_publication(channel, row) for row in rows]

        return self._read(channel, Tables.latest, as_bytes(channel), max(skip, 0), max(count, 0), convert=found)

    def clear(self, channel: str) -> Deferred[bool]:
        check_text(channel)
        return self._ask(Tables.clear, as_bytes(channel))

    def position(self, channel: str, pool: Pool = DEFAULT_POOL) -> Deferred[Position]:
        check_text(channel)

        def found(result: tuple[tuple[str, int], dict[str, int]]) -> Position:
            position, dropped = result
            for limit, count in dropped.items():
                self._dropped(limit, count, channel)
            return Position(*position)

        return self._ask(Tables.position, as_bytes(channel), pool, new_epoch(), convert=found)

    def _changed(self, fault: str) -> None:
        if fault:
            log.error("SQLite file {fault}. Writes are refused. It is tried until it works.", fault=fault.rstrip("."))
        else:
            log.info("SQLite file {file}: all is well again", file=self._file)
        if self._well == (not fault):
            return
        self._well = not fault
        if self._well:
            waiting, self._waiting = self._waiting, []
            for one in waiting:
                one.callback(None)
            self._ears.locate_again()
        if self._consumer is not None:
            try:
                self._consumer.ready_changed(self._well)
            except Exception:
                log.failure("the consumer failed on being told of readiness")

    def _ask(self, question: Callable[..., Any], *arguments: Any, convert: Convert = None) -> Deferred[Any]:
        if self._writer is None or self._stopping is not None:
            return fail(StorageAway("the storage object is not started: not done"))
        return self._writer.ask(question, arguments, convert)

    def _read(self, channel: str, question: Callable[..., Any], *arguments: Any, convert: Convert) -> Deferred[Any]:
        """Of a channel's history. Equal questions of a turn, with nothing sent between them, have one answer."""
        begin = partial(self._ask, question, *arguments, convert=convert)
        return self._reads.ask(channel, (question, *arguments), begin)

    def _reading(self) -> None:
        from twisted.internet import reactor

        at_turn_end(reactor)(self._reads.clear)


def _record(found: tuple[bytes, bytes] | None) -> Record | None:
    return None if found is None else Record(as_value(found[0]), as_text(found[1]))


def _publication(channel: str, row: tuple[str, int, bytes]) -> Publication:
    epoch, offset, body = row
    publication = decode(channel, MARK + b"\n" + body)
    publication.position = Position(epoch, offset)
    return publication
