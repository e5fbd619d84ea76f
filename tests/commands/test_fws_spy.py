import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from filtered_websocket.commands.fws_spy import describe
from filtered_websocket.messages.envelope import encode
from filtered_websocket.messages.publication import Publication
from filtered_websocket.publisher import Publisher
from tests.support.deadlines import limited
from tests.support.fws_server import STARTING
from tests.support.malicious_pickle import Malicious
from tests.support.raw_client import wait_until
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_server import RedisServer


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis", tcp=True) as running:
        yield running


def spy(*words: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "filtered_websocket.commands.fws_spy", *words],
        env=os.environ | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def publish(redis: RedisServer, channel: str, data: bytes) -> None:
    """When somebody listens."""
    wait_until(lambda: redis.ask("PUBLISH", channel, data) == b":1\r\n")


def test_messages_are_shown_as_what_they_are(tmp_path: Path) -> None:
    assert describe('{"event": "é"}'.encode()) == 'json {"event":"é"}'
    assert describe(pickle.dumps({"data": (1, b"x")})) == "pickle {'data': (1, b'x')}"
    assert describe(b"hello") == "text hello"
    assert describe(b"\xfe\xff") == r"bytes b'\xfe\xff'"
    assert describe(b"\xff\n" + encode(Publication("c", ((b"hi", False),)))) == "publication [b'hi']"
    assert describe(b"\xff\nx") == r"bytes b'\xff\nx'"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        shown = describe(pickle.dumps(Malicious(tmp_path / "ran"), protocol))
        assert shown.startswith("pickle, not read: a pickle with ")
        assert "touch" in shown
    assert not (tmp_path / "ran").exists()


def test_what_passes_is_shown_line_by_line(redis: RedisServer, tmp_path: Path) -> None:
    command = spy("-n", "3", "--redis", redis.url)
    publish(redis, "flask-socketio", b'{"method":\n"emit"}')
    publish(redis, "flask-socketio", pickle.dumps({"method": "emit\x1b[2J"}))
    publish(redis, "flask-socketio", pickle.dumps(Malicious(tmp_path / "ran")))
    out, err = command.communicate(timeout=STARTING)
    first, second, third = out.splitlines()
    assert first[8:] == ' flask-socketio json {"method":"emit"}'
    assert second[8:] == r" flask-socketio pickle {'method': 'emit\x1b[2J'}"
    assert " flask-socketio pickle, not read: " in third
    assert (command.returncode, err) == (0, "")
    assert not (tmp_path / "ran").exists()


def test_other_channels_are_named_and_redis_may_come_from_the_environment(redis: RedisServer) -> None:
    command = spy("-n", "2", "global", "other", environment={"REDIS": redis.url})
    publish(redis, "global", b"hi")
    publish(redis, "other", b"\x1b]0;title\x07")
    out, _ = command.communicate(timeout=STARTING)
    first, second = out.splitlines()
    assert first.endswith(" global text hi")
    assert second.endswith(r" other text \x1b]0;title\x07")


def test_without_names_all_that_servers_publish_is_shown_whichever_of_their_redis_has_it(
    redis: RedisServer, tmp_path: Path
) -> None:
    with RedisServer(tmp_path / "other", tcp=True) as other:
        shards = [f"127.0.0.1:{each.port}" for each in (redis, other)]
        environment = {"FWS_REDIS_SHARDS": " ".join(shards), "FWS_REDIS_KEY": "my*chat"}
        command = spy("-n", "5", environment=environment)
        with Publisher(redis_shards=shards, redis_key="my*chat", pipeline="/chat") as publisher:
            channels = ["a", "b", "c", "d"]
            wait_until(lambda: all(each.ask("PUBSUB", "NUMPAT") != b":0\r\n" for each in (redis, other)))
            for channel in channels:
                publisher.publish(channel, "hi " + channel)
            publish(redis, "flask-socketio", b"{}")
            names = [publisher.where(channel) for channel in channels]
        out, err = command.communicate(timeout=STARTING)
    shown = {line[9:] for line in out.splitlines()}
    said = {f"{name} publication [b'hi {name[-1]}']" for name in names}
    assert shown == {*said, "flask-socketio json {}"}
    assert (command.returncode, err) == (0, "")


def test_a_channel_of_a_cluster_is_named_as_where_says(tmp_path: Path) -> None:
    with RedisCluster(tmp_path, "redis7") as cluster, Publisher(cluster.url, redis_cluster=True) as publisher:
        command = spy("-n", "1", "--redis", cluster.url, "--redis_cluster", "yes", publisher.where("room"))
        wait_until(lambda: publisher.nodes("room"))
        publisher.publish("room", "hi")
        out, err = command.communicate(timeout=STARTING)
    assert out[8:] == f" {publisher.where('room')} publication [b'hi']\n"
    assert (command.returncode, err) == (0, "")


def test_it_says_that_it_waits_for_a_redis_that_is_away(tmp_path: Path) -> None:
    command = spy("--redis", f"unix://{tmp_path}/redis.sock")
    assert command.stderr is not None
    with limited(command):
        said = command.stderr.readline()
    assert said.endswith("is away: No such file or directory; it is tried until it works\n")
    command.terminate()
    command.communicate(timeout=STARTING)


def test_it_goes_on_when_redis_comes_back(redis: RedisServer) -> None:
    command = spy("-n", "1", "--redis_url", redis.url)
    wait_until(lambda: redis.ask("PUBSUB", "NUMSUB", "flask-socketio").endswith(b":1\r\n"))
    redis.kill()
    assert command.stderr is not None
    with limited(command):
        assert "was lost" in command.stderr.readline()
    redis.start()
    publish(redis, "flask-socketio", b"1")
    out, _ = command.communicate(timeout=STARTING)
    assert out.endswith(" flask-socketio json 1\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--redis", "http://x"], "redis://, rediss:// or unix:// is wanted"),
        (["--redis", "redis://a", "--redis_url", "redis://b"], "are one"),
        (["--redis_port", "x"], "an integer from 1 to 65535 is wanted"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(words: list[str], says: str) -> None:
    command = spy(*words)
    out, err = command.communicate(timeout=STARTING)
    assert (command.returncode, out) == (1, "")
    assert says in err
    assert len(err.splitlines()) == 1
