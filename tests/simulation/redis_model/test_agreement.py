"""The model answers as a real redis-server does: to random commands, and to our scripts. ``SEEDS=n`` for more."""

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from random import Random
from typing import Any

import hiredis
import pytest
from twisted.internet.protocol import Factory, Protocol

from filtered_websocket.storage_objects.redis.command import command
from filtered_websocket.storage_objects.redis.command_connection import SCRIPTS
from filtered_websocket.storage_objects.redis.history_scripts import CLEAR, LATEST, POSITION, RECOVER, SINCE
from filtered_websocket.storage_objects.redis.home import GREET
from filtered_websocket.storage_objects.redis.lease_scripts import JOIN, LEAVE, OCCUPIED, RELEASE, RENEW, SWEEP, TRACK
from filtered_websocket.storage_objects.redis.record_scripts import STORE, TAKE
from filtered_websocket.storage_objects.redis.send_scripts import CLASSIC
from filtered_websocket.testing.clock import ClockReactor
from tests.simulation.redis_model.answers import Refusal, encoded
from tests.simulation.redis_model.commands.table import COMMANDS
from tests.simulation.redis_model.model import RedisModel
from tests.simulation.redis_model.redis import Redis
from tests.support.redis_server import RedisServer

SEEDS = range(int(os.environ.get("SEEDS", "2")))
Parts = list[bytes]
UNORDERED = (b"SMEMBERS", b"SPOP")
P = b"fws:"


class Real:
    """One connection to a real one."""

    def __init__(self, server: RedisServer) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(server.path)
        self._reader = hiredis.Reader()

    def say(self, parts: Parts) -> None:
        self._socket.sendall(command(*parts))

    def hear(self) -> Any:
        while (answer := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65536))
        return _text(answer)

    def ask(self, parts: Parts) -> Any:
        self.say(parts)
        return self.hear()

    def close(self) -> None:
        self._socket.close()


class Model:
    """The same of the model."""

    def __init__(self) -> None:
        times = count(1_800_000_000_000_000, 137)
        self._redis = Redis(0, lambda: next(times))

    def ask(self, parts: Parts) -> Any:
        reader = hiredis.Reader()
        try:
            answer = self._redis.do(parts)
        except Refusal as refusal:
            answer = refusal
        reader.feed(encoded(answer))
        return _text(reader.gets())


class Hearer(Protocol):
    """One connection to the model."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader()

    def dataReceived(self, data: bytes) -> None:
        self._reader.feed(data)

    def taken(self) -> list[Any]:
        """What has come."""
        found = []
        while (answer := self._reader.gets()) is not False:
            found.append(_text(answer))
        return found


def _text(answer: Any) -> Any:
    """Errors can be compared; what versions of Redis have added to them is taken out."""
    return _Error(re.sub("' command|'|[|]S", "", str(answer))) if isinstance(answer, hiredis.ReplyError) else answer


class _Error(str):
    """The text of an error."""


@pytest.fixture
def real(redis_server: RedisServer) -> Iterator[Real]:
    redis_server.ask("FLUSHALL")
    with closing(Real(redis_server)) as real:
        yield real


def shown(parts: Parts, answer: Any) -> Any:
    """An answer, of which nothing is left that chance or the time of day has made."""
    name = parts[0].upper()
    if isinstance(answer, list) and name in UNORDERED:
        return sorted(answer)
    if isinstance(answer, list) and name == b"HGETALL":
        return dict(zip(answer[::2], answer[1::2], strict=True))
    if isinstance(answer, list) and name == b"HSCAN":
        return answer[0], dict(zip(answer[1][::2], answer[1][1::2], strict=True))
    if name in (b"ZSCORE", b"ZINCRBY") and isinstance(answer, bytes):
        return float(answer)  # versions of Redis write 0.1 with more digits or less
    if name in (b"PTTL", b"TTL") and isinstance(answer, int) and answer > 0:
        return round(answer / (600_000 if name == b"PTTL" else 600))
    return answer


# Commands.

NAMES = {b"s": b"text", b"h": b"hash", b"l": b"list", b"z": b"sorted", b"u": b"set"}
VALUES = [b"", b"a", b"b", b"007", b"7", b"-3", b"x" * 100, b"\xff\x00\r\n", "ä".encode(), b" 1", b"1.5", b"9" * 30]
NUMBERS = [b"0", b"1", b"2", b"-1", b"-2", b"5", b"-7", b"100", b"x", b"", b"01", b"+1", b"1.0"]
SCORES = [b"0", b"1", b"-1", b"2.5", b"0.1", b"1e3", b"-inf", b"+inf", b"1700000000000", b"nan", b"x", b"3"]
BOUNDS = [*SCORES, b"(1", b"(0", b"(2.5", b"(x"]
LEXES = [b"-", b"+", b"[a", b"(a", b"[b", b"(b", b"[\xff", b"x", b"["]
AGES = [b"0", b"-5", b"100000", b"200000", b"x"]


def random_command(random: Random) -> Parts:
    pick, chance = random.choice, random.random

    def key(kind: bytes) -> bytes:
        return NAMES[pick(b"shlzu".decode()).encode()] if chance() < 0.03 else pick([NAMES[kind], NAMES[kind] + b"2"])

    def some(given: list[bytes], at_most: int = 3) -> Parts:
        return [pick(given) for _ in range(random.randint(1, at_most))]

    def pairs(first: list[bytes]) -> Parts:
        return [each for _ in range(random.randint(1, 2)) for each in (pick(first), pick(VALUES))]

    def limit() -> Parts:
        return [b"LIMIT", pick(NUMBERS), pick(NUMBERS)] if chance() < 0.3 else []

    def age() -> Parts:
        return [b"EX", pick(AGES)] if chance() < 0.3 else []

    any_key = key(pick([b"s", b"h", b"l", b"z", b"u"]))
    options: dict[bytes, Callable[[], Parts]] = {
        b"DEL": lambda: [any_key],
        b"EXISTS": lambda: [any_key, any_key],
        b"GET": lambda: [key(b"s")],
        b"SET": lambda: [
            any_key if chance() < 0.05 else key(b"s"),
            pick(VALUES),
            *([b"EX", pick(AGES)] * (chance() < 0.3)),
        ],
        b"EXPIRE": lambda: [any_key, pick(AGES)],
        b"PEXPIRE": lambda: [any_key, pick([b"60000000", b"-1", b"0", b"120000000"])],
        b"PERSIST": lambda: [any_key],
        b"PTTL": lambda: [any_key],
        b"TTL": lambda: [any_key],
        b"HSET": lambda: [key(b"h"), *pairs(VALUES)],
        b"HSETNX": lambda: [key(b"h"), pick(VALUES), pick(VALUES)],
        b"HGET": lambda: [key(b"h"), pick(VALUES)],
        b"HEXISTS": lambda: [key(b"h"), pick(VALUES)],
        b"HMGET": lambda: [key(b"h"), *some(VALUES)],
        b"HGETALL": lambda: [key(b"h")],
        b"HLEN": lambda: [key(b"h")],
        b"HDEL": lambda: [key(b"h"), *some(VALUES)],
        b"HINCRBY": lambda: [key(b"h"), pick(VALUES), pick(NUMBERS)],
        b"RPUSH": lambda: [key(b"l"), *some(VALUES)],
        b"LPOP": lambda: [key(b"l")],
        b"LLEN": lambda: [key(b"l")],
        b"LINDEX": lambda: [key(b"l"), pick(NUMBERS)],
        b"LRANGE": lambda: [key(b"l"), pick(NUMBERS), pick(NUMBERS)],
        b"SADD": lambda: [key(b"u"), *some(VALUES)],
        b"SREM": lambda: [key(b"u"), *some(VALUES)],
        b"SMEMBERS": lambda: [key(b"u")],
        b"SPOP": lambda: [key(b"u"), b"100"],
        b"ZADD": lambda: [key(b"z"), *([b"XX"] * (chance() < 0.3)), *pairs(SCORES)],
        b"ZINCRBY": lambda: [key(b"z"), pick(SCORES), pick(VALUES)],
        b"ZREM": lambda: [key(b"z"), *some(VALUES)],
        b"ZSCORE": lambda: [key(b"z"), pick(VALUES)],
        b"ZCARD": lambda: [key(b"z")],
        b"ZCOUNT": lambda: [key(b"z"), pick(BOUNDS), pick(BOUNDS)],
        b"ZRANGE": lambda: [key(b"z"), pick(NUMBERS), pick(NUMBERS)],
        b"ZRANGEBYSCORE": lambda: [key(b"z"), pick(BOUNDS), pick(BOUNDS), *limit()],
        b"ZREMRANGEBYSCORE": lambda: [key(b"z"), pick(BOUNDS), pick(BOUNDS)],
        b"ZRANGEBYLEX": lambda: [b"lexical", pick(LEXES), pick(LEXES), *limit()],
        b"HSCAN": lambda: [key(b"h"), b"0", b"COUNT", b"1000"],
    }
    left_out = set(COMMANDS) - set(options) - {b"FLUSHALL", b"TIME"}
    assert not left_out, left_out
    name = pick(list(options))
    if chance() < 0.02:
        return [name]
    return [name, *options[name]()]


@pytest.mark.parametrize("seed", SEEDS)
def test_random_commands_are_answered_alike(real: Real, seed: int) -> None:
    random, model, done = Random(seed), Model(), []
    for each in (b"a", b"b", b"c", b"\xff"):
        for side in (real, model):
            side.ask([b"ZADD", b"lexical", b"0", each])
    for _ in range(2000):
        parts = random_command(random)
        done.append(parts)
        theirs, ours = (shown(parts, side.ask(parts)) for side in (real, model))
        assert ours == theirs, f"seed {seed}: {done[-10:]}"


# Scripts.

EPOCH = re.compile(rb"n\d\.\d+\.\d+")
CHANNELS, MEMBERS, NODES = [b"a", b"b", "ä".encode()], [b"ada", b'b"],["o\\b', b"\xed\xa0\x80/"], [b"n1", b"n2", b"n3"]


class Epochs:
    """The names of epochs have the time of day in them: each side's own, and what they are called here."""

    def __init__(self) -> None:
        self._names: list[bytes] = []

    def shown(self, answer: Any) -> Any:
        if isinstance(answer, list):
            return [self.shown(each) for each in answer]
        if isinstance(answer, bytes):
            answer = EPOCH.sub(self._number, answer)
            return re.sub(rb"^\d{10,}", b"<time>", answer)
        if isinstance(answer, dict):
            return {key: self.shown(answer[key]) for key in sorted(answer)}
        if isinstance(answer, _Error):
            # As versions of Redis tell of a script that fails, nothing but the kind is the same.
            return max(re.findall(r"\b[A-Z]{2,}\b", answer), key=len)
        return answer

    def filled(self, parts: Parts) -> Parts:
        """A request, with the newest epochs in place of ``<0>``, ``<1>``..."""
        newest = [*reversed(self._names), b"none", b"none", b"none"]
        return [newest[int(part[1:-1])] if re.fullmatch(rb"<\d>", part) else part for part in parts]

    def _number(self, found: "re.Match[bytes]") -> bytes:
        if found[0] not in self._names:
            self._names.append(found[0])
        return b"<epoch %d>" % self._names.index(found[0])


def random_call(random: Random) -> Parts:
    """Of one of our scripts, as the storage object calls it."""
    pick, chance = random.choice, random.random
    channel, node = pick(CHANNELS), pick(NODES)
    history = [P + b"h:" + channel, P + b"e:" + channel]
    pool, reign = pick([b"p", b"q"]), pick([b"1", b"1", b"1", b"2", b"3"])
    limits = [pool, pick([b"0", b"2000"]), pick([b"0", b"2"])]
    body = pick([b"", b"a", b"b" * 200, b"\xff\x00\r\n"])
    keep = [pick([b"3", b"10"]), pick([b"0", b"60000"]), node, *limits, pick([b"0", b"800"]), b"86400000", reign]
    where = [pick([b"<0>", b"<1>", b"<2>"]), b"%d" % random.randint(0, 12)]
    lease = P + b"nodes"
    own = [P + b"n:" + node + b":p", P + b"n:" + node + b":t"]
    counts = [P + b"totals", P + b"occupied"]
    member, holder = pick(MEMBERS), pick(MEMBERS)
    # One for each member: which of its holders a sweep leaves for the last, whose info is told, is chance.
    info = [b"", b'{"x": "\xc3\xa4/\\u00e9"}', b'"]['][MEMBERS.index(member)]
    presence = [lease, P + b"p:" + channel, own[0]]
    record = [P + b"r:" + channel]
    swept = P + b"swept:" + node
    script, keys, values = pick(
        [
            *[(CLASSIC.send, history, [P + b"c:" + channel, body, *keep, P])] * 6,
            *[(CLASSIC.once, history, [P + b"c:" + channel, body, *keep, pick([b"x", b"y"]), P])] * 3,
            *[(SINCE, history, [*where, pick([b"0", b"2"]), reign, P])] * 3,
            *[(RECOVER, history, [*where, reign, P])] * 2,
            (LATEST, history, [pick([b"0", b"2"]), b"3", P]),
            (POSITION, history[1:], [node, pool, limits[2], reign, P]),
            (CLEAR, history, [P]),
            *[(JOIN, presence, [node, channel, member, holder, info])] * 4,
            *[(LEAVE, presence, [node, channel, member, holder])] * 2,
            *[(TRACK, [lease, own[1], *counts], [node, channel, b"%d" % random.randint(0, 3)])] * 3,
            (OCCUPIED, counts[::-1], [pick([b"", b"a"])]),
            *[(RENEW, [lease, *counts, *own], [node, b"600000", pick([b"0", b"1"]), swept, P + b"clock"])] * 3,
            (RELEASE, [lease, *own], [node]),
            (
                SWEEP,
                [lease, *own, *counts, swept, P + b"telling:" + node],
                [node, P + b"p:", b"200", b"sweep", b"600000"],
            ),
            (STORE, record, [pick([b"0", b"1"]), body, node, b"60000", b"1", b"", pick(NODES)]),
            (TAKE, record, [node]),
            (GREET, [P + b"about"], [b"1", node]),
        ]
    )
    if chance() < 0.05:
        return [b"DEL", pick([*keys, P + b"e:" + channel])]
    return [b"EVALSHA", script.sha, b"%d" % len(keys), *keys, *values]


@pytest.mark.parametrize("seed", SEEDS)
def test_our_scripts_do_the_same(real: Real, seed: int) -> None:
    random, done = Random(seed), []
    sides = [(side, Epochs()) for side in (real, Model())]
    for script in SCRIPTS:
        assert [side.ask([b"SCRIPT", b"LOAD", script.source]) for side, _ in sides] == [script.sha] * 2
    for _ in range(1000):
        parts = random_call(random)
        done.append(parts)
        theirs, ours = (_told(parts, epochs.shown(side.ask(epochs.filled(parts)))) for side, epochs in sides)
        assert ours == theirs, f"seed {seed}: {done[-10:]}"
    for key in [P + kind + b":" + channel for kind in (b"h", b"e", b"p", b"k", b"r") for channel in CHANNELS]:
        theirs, ours = (_kept(side, epochs, key) for side, epochs in sides)
        assert ours == theirs


def _told(parts: Parts, answer: Any) -> Any:
    if parts[1] == SWEEP.sha and isinstance(answer, list):
        # Which member of a set comes first is chance.
        return [sorted(each) if isinstance(each, list) else each for each in answer]
    return answer


def _kept(side: Any, epochs: Epochs, key: bytes) -> Any:
    """All that a key has."""
    ways = ([b"HGETALL", key], [b"LRANGE", key, b"0", b"-1"], [b"ZRANGE", key, b"0", b"-1"])
    return [epochs.shown(shown(way, side.ask(way))) for way in ways]


@pytest.mark.parametrize(
    "lua",
    [
        "return {1, 2.9, 'x', true, false, 3}",
        "return {1, nil, 3}",
        "return redis.status_reply('FINE')",
        "return redis.error_reply('MY own')",
        "return redis.call('SET', 'k', 1)",
        "return redis.call('HSET', 'h', 'f', 1.5, 'g', 1e15, 'i', 12345678901234567890)",
        "return redis.call('HGETALL', 'h')",
        "return redis.call('GET', 'none') == false",
        "return redis.call('HGET', 'k', 'f')",
        "return redis.pcall('HGET', 'k', 'f')['err']",
        "return redis.call()",
        "return redis.call('GET', {})",
        "return redis.call('HSET', 'h', 'g', true)",
        "return undefined",
        "x = 1",
        "return tostring(12345678901234) .. ' ' .. 1e20 .. ' ' .. 0.1",
        "return cjson.encode({'a/\"\\\\\\n\\127\\1', 1.5, true, {}, {x = 1}, 1e15})",
        'return cjson.decode(\'["\\\\u00e4\\\\/ä", {"a": [1, 2.5]}, null, true]\')',
        "return cjson.decode('{\"a\": [1, 2.5]}').a[2] .. ''",
        "return cjson.decode('[')",
        "return cjson.encode(redis.call)",
        "return string.format('%.17g %d', 0.1, 3) .. #KEYS .. #ARGV .. KEYS[1] .. ARGV[1]",
        "return redis.call('ZADD', 'z', 0.1, 'a', -1.5e300, 'b') .. tonumber(redis.call('ZSCORE', 'z', 'b'))",
        "return {unpack({1, 2, 3}, 2)}",
        "return (",
    ],
)
def test_lua_is_that_of_redis(real: Real, lua: str) -> None:
    parts = [b"EVAL", lua.encode(), b"1", b"key", b"argument"]
    model = Model()
    for side in (real, model):
        side.ask([b"SET", b"k", b"1"])
        side.ask([b"HSET", b"h", b"f", b"1"])
    theirs, ours = (Epochs().shown(side.ask(parts)) for side in (real, model))
    assert ours == theirs


# Publish and subscribe.


def test_what_connections_hear_is_the_same(redis_server: RedisServer, real: Real) -> None:
    steps: list[tuple[str, Parts]] = [
        ("ear", [b"SUBSCRIBE", b"a", b"b", b"a"]),
        ("ear", [b"PSUBSCRIBE", b"a*", b"[xy]?", b"\\*z"]),
        ("ear", [b"PING"]),
        ("ear", [b"GET", b"key"]),
        ("other", [b"PUBLISH", b"a", b"1"]),
        ("other", [b"PUBLISH", b"x\n", b"2"]),
        ("other", [b"PUBLISH", b"*z", b"3"]),
        ("other", [b"EVAL", b"return redis.call('PUBLISH', 'b', 'by a script')", b"0"]),
        ("other", [b"PUBSUB", b"NUMSUB", b"a", b"none"]),
        ("ear", [b"UNSUBSCRIBE", b"a", b"none"]),
        ("other", [b"PUBLISH", b"a", b"4"]),
        ("ear", [b"PUNSUBSCRIBE"]),
        ("ear", [b"UNSUBSCRIBE"]),
        ("ear", [b"UNSUBSCRIBE"]),
        ("other", [b"PUBLISH", b"a", b"5"]),
        ("ear", [b"PING"]),
        ("ear", [b"SUBSCRIBE"]),
    ]
    clock = ClockReactor()
    way = RedisModel(clock.seconds).way(clock)
    ours = {name: way.connect(Factory.forProtocol(Hearer)) for name in ("ear", "other")}
    with closing(Real(redis_server)) as ear:
        theirs = {"ear": ear, "other": real}
        for name, parts in steps:
            theirs[name].say(parts)
            ours[name].transport.write(command(*parts))
            clock.rest(lambda: False)
            heard = {who: protocol.taken() for who, protocol in ours.items()}
            told = {who: [theirs[who].hear() for _ in heard[who]] for who in ours}
            assert told == heard, parts
        for side in theirs.values():
            side.say([b"PING", b"end"])
            assert side.hear() == b"end"
