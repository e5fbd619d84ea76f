"""Storage that comes back with older data, at any moment, again and again: no reader is told a lie.

A model has the history that there is, and what there was when it was last saved. A reader knows its position alone.
What it is given must be all of the history that it has not seen, in order, and nothing twice; or it is told that this
cannot be had, and begins anew.
"""

import random
import shutil
import sqlite3

import pytest

from filtered_websocket.messages.publication import Position
from filtered_websocket.storage_objects.base import BRIDGES, Keep
from tests.support.backends import Backend, message
from tests.support.redis_nodes import FAST, MODULE, wait_away, wait_back
from tests.support.redis_server import RedisServer

KEEP = Keep(12, 60)


class OnRedis:
    def __init__(self, folder):
        self._server = RedisServer(folder / "redis")
        self._backend = Backend(MODULE, redis_url=self._server.url, **FAST)
        self.node = self._backend.node()

    def save(self):
        self._server.ask("SAVE")

    def lose(self):
        back = len(self.node.recorder.readiness)
        self._server.kill()
        wait_away(self.node)
        self._server.start()
        wait_back(self.node, back + 1)

    def close(self):
        self._backend.close()
        self._server.close()


class OnSQLite:
    """``lose`` restores while the server runs; every third time it is stopped for that."""

    def __init__(self, folder):
        self._file, self._saved, self._times = folder / "storage.sqlite", folder / "saved", 0
        self._backend = Backend("filtered_websocket.storage_objects.sqlite", sqlite_file=str(self._file))
        self.node = self._backend.node()

    def save(self):
        self._copy(self._file, self._saved)

    def lose(self):
        self._times += 1
        if self._times % 3:
            self._copy(self._saved, self._file)
            return
        recorder = self.node.recorder
        self.node.stop()
        for name in ("", "-wal", "-shm"):
            self._file.with_name(self._file.name + name).unlink(missing_ok=True)
        shutil.copy(self._saved, self._file)
        self.node = self._backend.node()
        self.node.recorder = recorder
        self.node.storage._consumer = recorder
        self.node.subscribe("room")

    def close(self):
        self._backend.close()

    @staticmethod
    def _copy(of, to):
        source, target = sqlite3.connect(of), sqlite3.connect(to)
        source.backup(target)
        source.close()
        target.close()


class Reader:
    """``seen`` since it last began anew, which was behind this offset of the model's history."""

    def __init__(self):
        self.position, self.seen = None, []

    def begin(self, world, history):
        self.position, self.seen = world.node.position("room"), []
        self.before = set(history)

    def come_back(self, world, history, limit):
        """Whether it was told that nothing is missing."""
        found = world.node.since("room", self.position, limit)
        if found is None:
            self.begin(world, history)
            return False
        given = [each.payload.decode() for each in found]
        assert not set(given) & (set(self.seen) | self.before)
        wanted = [each for each in history if each not in self.seen and each not in self.before]
        assert given == (wanted[:limit] if limit else wanted)
        self.seen += given
        if found:
            self.position = found[-1].position
        return True


@pytest.mark.parametrize(
    ("world", "seed", "steps"),
    [*((OnSQLite, seed, 120) for seed in range(6)), *((OnRedis, seed, 60) for seed in range(2))],
)
def test_no_reader_is_told_a_lie(tmp_path, world, seed, steps):
    chance = random.Random(seed)
    world = world(tmp_path)
    try:
        world.node.subscribe("room")
        history, saved, sent, losses = [], [], [], 0
        positions, proven = {}, 0
        world.save()
        readers = [Reader() for _ in range(5)]
        for reader in readers:
            reader.begin(world, history)
        for number in range(steps):
            step = chance.random()
            if step < 0.45:
                payload = f"{seed}.{number}"
                position = world.node.send(message("room", payload), KEEP)
                assert positions.setdefault(position, payload) == payload
                history.append(payload)
                sent.append(payload)
                world.node.recorder.wait(len(sent))
            elif step < 0.55:
                world.save()
                saved = [*history]
            elif step < 0.65:
                world.lose()
                history = [*saved]
                losses += 1
            else:
                proven += chance.choice(readers).come_back(world, history, chance.choice([0, 0, 1, 3]))
        assert losses > 2
        assert proven > 5
        assert [payload.decode() for payload in world.node.recorder.payloads] == sent
        assert world.node.since("room", Position("", 0)) is None
        # All who came back lately are proven right to the end.
        for reader in readers:
            reader.begin(world, history)
        for number in range(BRIDGES):
            world.save()
            world.lose()
            payload = f"end {number}"
            world.node.send(message("room", payload), KEEP)
            history.append(payload)
        for reader in readers:
            assert reader.come_back(world, history, 0)
    finally:
        world.close()
