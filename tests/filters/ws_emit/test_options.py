from pathlib import Path
from typing import Any

import pytest

from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.config import Options
from filtered_websocket.errors import ConfigError

PACK = "filtered_websocket.filters.ws_emit"


def resolve(*words: str, pack: str = PACK, **environment: str) -> Options:
    assembly = Assembly(["-f", *pack.split(), *words], environment)
    assembly.load()
    return assembly.options()


def test_the_pack_alone_listens_on_the_originals_port_for_pages_of_the_originals_origin() -> None:
    options = resolve()
    assert (options.port, options.storage, options.ws_emit_cors) == (8899, "memory", ["http://localhost:7788"])
    assert (options.ws_emit_secret, options.ws_emit_pickle, options.ws_emit_eio3) == ("", False, False)


def test_the_originals_environment_counts() -> None:
    options = resolve(
        ADDRESS="127.0.0.1:7777", CORS="http://a.example https://b.example", SECRET="s", FLASK_SECRET="x",
        REDIS="redis://:pass@db.lan:6380/2",
    )  # fmt: skip
    assert (options.host, options.port) == ("127.0.0.1", 7777)
    assert options.ws_emit_cors == ["http://a.example", "https://b.example"]
    assert options.ws_emit_secret == "s"
    assert (options.storage, options.redis_url) == ("redis", "redis://:pass@db.lan:6380/2")


def test_the_originals_flags_count_more() -> None:
    options = resolve(
        "-a", "[::1]:1234", "--cors", "http://a.example http://c.example", "--secret", "t", "--flask-secret", "y",
        "--redis", "redis://other.lan", "-v", ADDRESS="0.0.0.0:1", CORS="*", SECRET="s", REDIS="redis://db.lan",
    )  # fmt: skip
    assert (options.host, options.port) == ("::1", 1234)
    assert options.ws_emit_cors == ["http://a.example", "http://c.example"]
    assert (options.ws_emit_secret, options.redis_url, options.log_level) == ("t", "redis://other.lan", "debug")
    assert resolve("--address", ":8080").port == 8080
    assert resolve("--cors", "http://a.example", "http://b.example").ws_emit_cors == [
        "http://a.example",
        "http://b.example",
    ]


def test_our_own_names_count_more_than_the_originals() -> None:
    options = resolve("-p", "5", "--storage", "memory", ADDRESS="0.0.0.0:1", REDIS="redis://db.lan")
    assert (options.host, options.port, options.storage) == ("0.0.0.0", 5, "memory")


def test_beside_another_pack_the_originals_names_are_refused_by_naming_ours() -> None:
    both = f"{PACK} filtered_websocket.filters.wsps"
    assert resolve(pack=both).port == 9000
    with pytest.raises(ConfigError, match="--secret counts only while one pack is loaded; use --ws_emit_secret"):
        resolve("--secret", "s", pack=both)
    with pytest.raises(ConfigError, match="REDIS counts only while one pack is loaded; use FWS_WS_EMIT_REDIS"):
        resolve(pack=both, REDIS="redis://db.lan")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-a", "8899"], "HOST:PORT is wanted"),
        (["-a", "x:y"], "HOST:PORT is wanted"),
        (["-a", "x:70000"], "HOST:PORT is wanted"),
        (["-a", "x:²"], "HOST:PORT is wanted"),
        (["--redis", "http://x"], "redis://, rediss:// or unix:// is wanted"),
        (["--ws_emit_room_secrets", '{"a": 5}'], "a JSON object of roomspaces and secrets is wanted"),
        (["--ws_emit_room_secrets", '{"a": ""}'], "a JSON object of roomspaces and secrets is wanted"),
        (["--ws_emit_room_secrets", "[]"], "a JSON object of roomspaces and secrets is wanted"),
        (["--ws_emit_secrets", "x"], "did you mean"),
    ],
)
def test_what_is_wrong_is_told(words: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        resolve(*words)


def test_secrets_are_not_shown() -> None:
    options = resolve("--secret", "hush1", "--redis", "redis://:hush2@x", "--ws_emit_room_secrets", '{"a": "hush3"}')
    assert "hush" not in repr(options)


def test_each_pipeline_may_have_its_own() -> None:
    import json

    pipelines: dict[str, Any] = {
        "/a/*": {"filters": [PACK], "ws_emit_secret": "a", "ws_emit_cors": ["*"]},
        "/b/*": [PACK],
    }
    assembly = Assembly(["--pipelines", json.dumps(pipelines), "--ws_emit_secret", "all"], {})
    assembly.load()
    one, other = assembly.options().pipelines
    assert (one.options.ws_emit_secret, one.options.ws_emit_cors) == ("a", ["*"])
    assert (other.options.ws_emit_secret, other.options.ws_emit_cors) == ("all", ["http://localhost:7788"])


def test_the_unit_and_its_defaults_are_what_the_command_takes() -> None:
    contrib = Path(__file__).parents[3] / "contrib"
    lines = (contrib / "ws-emit.default").read_text().splitlines()
    settings = dict(
        line.lstrip("# ").split("=", 1) for line in lines if "=" in line and line.lstrip("# ")[:1].isupper()
    )
    assert set(settings) == {"ADDRESS", "CORS", "SECRET", "REDIS"}
    (start,) = [
        line for line in (contrib / "ws-emit.service").read_text().splitlines() if line.startswith("ExecStart=")
    ]
    command, *words = start.removeprefix("ExecStart=").split()
    assert command.endswith("/fws_server")
    assembly = Assembly(words, {name: value.strip('"') for name, value in settings.items()})
    assembly.load()
    options = assembly.options()
    assert (options.storage, options.port) == ("redis", 8899)
