"""`fws_publish` as a process of its own, to a real Redis and a node that listens there."""

import json
import os
import signal
import subprocess
import sys

import pytest

from filtered_websocket.publisher import Publisher
from tests.support.backends import Backend
from tests.support.fws_server import STARTING
from tests.support.ports import free_port
from tests.support.reactor_thread import DEADLINE, until
from tests.support.redis_server import RedisServer

COMMAND = (sys.executable, "-m", "filtered_websocket.commands.fws_publish")


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def node(redis):
    """A listening node, on an empty Redis."""
    redis.ask("FLUSHALL")
    backend = Backend("filtered_websocket.storage_objects.redis", redis_url=redis.url)
    yield backend.node()
    backend.close()


@pytest.fixture
def publish(redis, tmp_path):
    """Runs it in a folder of its own, with the Redis of these tests unless told otherwise."""

    def run(*arguments, stdin=b"", on=("--redis_url", redis.url), environment=None, shown=False, **files):
        for name, content in files.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        done = subprocess.run(
            [*COMMAND, *on, *arguments],
            input=stdin,
            cwd=tmp_path,
            env=clean() | (environment or {}),
            capture_output=True,
            timeout=STARTING,
            check=False,
        )
        assert done.stdout == b"" or shown or "--help" in arguments
        return done.returncode, (done.stdout + done.stderr).decode()

    return run


def clean():
    return {name: value for name, value in os.environ.items() if not name.startswith(("FWS_", "STORAGE_"))}


def messages(node, count):
    node.recorder.wait(count)
    return [publication.messages[0] for publication in node.recorder.publications]


def test_data_goes_to_the_channel_and_nothing_is_said(node, publish):
    node.subscribe("room")
    assert publish("room", "hi — ☂") == (0, "")
    assert publish("--binary", "room", "raw") == (0, "")
    assert messages(node, 2) == [("hi — ☂".encode(), False), (b"raw", True)]


def test_where_says_what_a_channel_is_called_and_publishes_nothing(publish, redis):
    assert publish("--where", "room", shown=True) == (0, "fws:c:room\n")
    assert publish("--where", "--redis_db", "2", "room", on=(), shown=True) == (0, "fws:@2:c:room\n")
    cluster = ("--redis_cluster", "yes", "--redis_url", "redis://nowhere.invalid", "--pipeline", "/chat")
    assert publish("--where", "room", on=cluster, shown=True) == (0, "fws:{123}:c:/chat room\n")
    for wrong in (("room", "hi"), ("--bus", "room"), ("--binary", "room")):
        code, said = publish("--where", *wrong)
        assert code == 2
        assert "--where publishes nothing" in said


def test_data_may_begin_with_a_dash(node, publish):
    node.subscribe("room")
    assert publish("room", "--", "--help me") == (0, "")
    assert messages(node, 1) == [(b"--help me", False)]


@pytest.mark.parametrize("dash", [(), ("-",)])
def test_each_line_of_standard_input_is_a_message(node, publish, dash):
    node.subscribe("room")
    assert publish("room", *dash, stdin=b"one\n\nthree \nlast") == (0, "")
    assert messages(node, 4) == [(b"one", False), (b"", False), (b"three ", False), (b"last", False)]


def test_a_line_is_sent_when_it_is_there(node, redis, tmp_path):
    node.subscribe("room")
    with subprocess.Popen([*COMMAND, "--redis_url", redis.url, "room"], stdin=subprocess.PIPE, env=clean()) as running:
        running.stdin.write(b"first\n")
        running.stdin.flush()
        assert messages(node, 1) == [(b"first", False)]
        running.stdin.close()
        assert running.wait(DEADLINE) == 0


def test_lines_that_are_no_text_are_told_by_their_number(node, publish):
    node.subscribe("room")
    code, said = publish("room", stdin=b"fine\n\xff\n")
    assert (code, said) == (1, "fws_publish: line 2 is no text in UTF-8: --binary sends it as it is\n")
    assert publish("--binary", "room", stdin=b"\xff\n") == (0, "")
    assert messages(node, 2) == [(b"fine", False), (b"\xff", True)]


def test_the_bus_gets_it_raw(node, publish):
    node.listen("weather")
    assert publish("--bus", "weather", "rain") == (0, "")
    node.recorder.wait_for(lambda: node.recorder.bus)
    assert [item["data"] for item in node.recorder.bus] == [b"rain"]


# The server's options.


def test_redis_and_history_are_as_the_configuration_file_has_them(node, publish, redis):
    config = {
        "port": 9000, "storage": "redis", "redis_url": redis.url, "channels": {"kept-*": {"history": 2}},
        "filters": ["not.importable"], "an_option_of_a_pack": 1, "flags": ["compression"],
    }  # fmt: skip
    assert publish("-c", "config.json", "kept-a", stdin=b"1\n2\n3\n", on=(), config=config) == (0, "")
    assert [each.payload for each in node.latest("kept-a", 0, 10)] == [b"3", b"2"]


def test_the_environment_names_the_server_s_options_too(node, publish, redis):
    node.subscribe("room")
    assert publish("room", "hi", on=(), environment={"FWS_REDIS_URL": redis.url}) == (0, "")
    assert messages(node, 1) == [(b"hi", False)]


def test_a_pipeline_has_its_own_channels_and_history(node, publish, redis):
    pipelines = {"/chat /talk": {"filters": [], "channels": {"*": {"history": 5}}, "an_app": []}, "/b": []}
    config = {"storage": "redis", "redis_url": redis.url, "pipelines": pipelines}
    node.subscribe("/chat room")
    assert publish("-c", "config.json", "--pipeline", "/talk", "room", "hi", on=(), config=config) == (0, "")
    assert messages(node, 1) == [(b"hi", False)]
    assert [each.payload for each in node.latest("/chat room", 0, 10)] == [b"hi"]
    assert publish("-c", "config.json", "room", "hi", on=()) == (
        1,
        "fws_publish: --pipeline is wanted: there are /chat, /b\n",
    )
    code, said = publish("-c", "config.json", "--pipeline", "/no", "room", "hi", on=())
    assert (code, said) == (1, "fws_publish: no such pipeline: there are /chat, /b\n")


def test_a_pipeline_is_believed_where_no_file_tells(node, publish):
    node.subscribe("/chat room")
    assert publish("--pipeline", "/chat", "room", "hi") == (0, "")
    assert messages(node, 1) == [(b"hi", False)]


def test_a_channel_s_name_is_checked_as_the_server_checks_it(publish, redis):
    assert publish("x" * 256, "hi") == (1, "fws_publish: a channel's name has at most 255 characters, not 256\n")
    pipelines = {"storage": "redis", "redis_url": redis.url, "filters": [], "pipelines": {"/chat": []}}
    code, said = publish("-c", "config.json", "/chat room", "hi", on=(), config=pipelines)
    assert (code, said.count("\n")) == (1, 1)
    assert "another pipeline" in said


@pytest.mark.parametrize("storage", ["memory", "sqlite", "my_storage"])
def test_storage_that_is_not_shared_is_refused_in_one_line(publish, storage):
    code, said = publish("--storage", storage, "room", "hi")
    assert (code, said.count("\n")) == (1, 1)
    assert f"storage {storage}" in said


def test_a_file_that_names_no_storage_means_memory(publish):
    code, said = publish("-c", "config.json", "room", "hi", on=(), config={"port": 1})
    assert (code, said.count("\n")) == (1, 1)
    assert "config.json names no storage" in said


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("-c", "missing.json", "room", "hi"), "missing.json: No such file or directory"),
        (("--redis_port", "many", "room", "hi"), "--redis_port: an integer"),
        (("--redis_sentinel", "m@localhost", "room", "hi"), "exclude each other"),
    ],
)
def test_a_wrong_configuration_is_one_line(publish, arguments, wanted):
    code, said = publish(*arguments)
    assert (code, said.count("\n")) == (1, 1)
    assert wanted in said


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--timeout", "soon", "room", "hi"),
        ("--colour", "room", "hi"),
        ("--bus", "--binary", "room", "hi"),
        ("a", "b", "c"),
    ],
)
def test_bad_usage_exits_2(publish, arguments):
    assert publish(*arguments)[0] == 2


def test_help_has_examples(publish):
    code, said = publish("--help", on=())
    assert code == 0
    assert 'fws_publish room "hello all"' in said


# Away.


def test_a_redis_that_is_away_is_refused_in_one_line(publish):
    port = free_port()
    code, said = publish("room", "hi", on=("--redis_host", "127.0.0.1", "--redis_port", str(port)))
    assert (code, said) == (1, f"fws_publish: Redis at 127.0.0.1:{port} is away: Connection refused: not done\n")


def test_a_frozen_redis_is_waited_for_no_longer_than_it_is_told_to(publish, tmp_path):
    with RedisServer(tmp_path / "redis") as server:
        server.freeze()
        try:
            code, said = publish("--timeout", "0.2", "room", "hi", on=("--redis_url", server.url))
        finally:
            server.thaw()
    assert (code, said.count("\n")) == (1, 1)
    assert "no answer in time" in said


def test_losing_redis_tells_which_line_was_not_published(tmp_path):
    with (
        RedisServer(tmp_path / "redis") as server,
        Publisher(server.url) as asking,
        subprocess.Popen(
            [*COMMAND, "--redis_url", server.url, "room"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean(),
        ) as running,
    ):
        running.stdin.write(b"1\n")
        running.stdin.flush()
        until(lambda: b"cmd=publish" in server.ask("CLIENT", "LIST"))
        server.kill()
        running.stdin.write(b"2\n3\n")
        said = running.communicate(timeout=DEADLINE)[1].decode()
        assert running.returncode == 1
        assert said.startswith("fws_publish: line 2: Redis at ")
        assert said.count("\n") == 1
        asking.close()


def test_ctrl_c_ends_it_without_a_word(node, redis):
    node.subscribe("room")
    command = [*COMMAND, "--redis_url", redis.url, "room"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=clean()) as running:
        running.stdin.write(b"first\n")
        running.stdin.flush()
        node.recorder.wait(1)
        running.send_signal(signal.SIGINT)
        assert running.wait(DEADLINE) == 130
        assert running.stderr.read() == b""


def test_at_a_terminal_it_says_how_many_heard_it_and_when_nobody_listens(node, redis):
    import pty

    controller, terminal = pty.openpty()
    command = [*COMMAND, "--redis_url", redis.url]
    node.subscribe("room")
    for channel in ("room", "romo"):
        assert subprocess.run([*command, channel, "hi"], stderr=terminal, env=clean(), timeout=STARTING).returncode == 0
    os.close(terminal)
    said = os.read(controller, 4096).decode()
    os.close(controller)
    heard, said = said.split("\r\n", 1)
    assert heard == 'fws_publish: published: 1 server process has subscribers of "room"'
    assert said == 'fws_publish: published, but no running server has a subscriber of "romo" now\r\n'
