"""What a start would fail for is what --check says: the real command, with and without it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.fws_server.test___main__ import all_of, faults
from tests.support import certificates
from tests.support.fws_server import STARTING

PACKS = "filtered_websocket.filters"
PUSHI = ("-f", f"{PACKS}.pushi")
REDIS = ("--storage", "redis")
WORKERS = ("--workers", "2")
LONG = "x" * 108
CANNOT = {
    (*WORKERS, "--storage", "sqlite"): "2 workers need a storage object that crosses processes, and sqlite does not",
    (*WORKERS, "--storage", "memory"): "2 workers need a storage object that crosses processes, and memory does not",
    ("-p", "9010", "--admin_port", "9010"): "port and admin_port are one, port 9010: each wants its own",
    ("-p", "9010", "--host", "localhost", "--admin_port", "9010"): "port and admin_port are one, port 9010",
    ("-p", "9010", "--host", "0.0.0.0", "--admin_port", "9010"): "port and admin_port are one, port 9010",
    ("-p", "9010", "--host", "::", "--admin_port", "9010"): "port and admin_port are one, port 9010",
    ("-p", "9010", "--host", "0", "--admin_port", "9010"): "port and admin_port are one, port 9010",
    ("-p", "9010", "--host", "::1", "--admin_port", "9010", "--admin_host", "0::1"): "port and admin_port are one",
    (*WORKERS, *REDIS, "-p", "9011", "--admin_port", "9010"): "port and admin_port of worker 1 are one, port 9011",
    (*WORKERS, *REDIS, "--admin_port", "65535"): "admin_port of worker 1 is 65536: a port is wanted that leaves room",
    (*WORKERS, *REDIS, "--admin_port", "0", "--admin_host", "unix:a"): "admin_host unix:a: each of several workers",
    ("--host", "unix:a", "--admin_port", "0", "--admin_host", "unix:a"): "port and admin_port are one, unix:a",
    ("-f", f"{PACKS}.only_json", f"{PACKS}.engineio"): f"{PACKS}.only_json stands in front of {PACKS}.engineio",
    ("--host", "unix:/no/such/folder/s"): "cannot listen on unix:/no/such/folder/s: No such file or directory",
    ("--host", "unix:cert.pem"): "cannot listen on unix:cert.pem: Address already in use",
    ("--host", "unix:"): "--host: a Unix socket's path has 1 to 107 bytes, not 0",
    ("--host", f"unix:{LONG}"): "--host: a Unix socket's path has 1 to 107 bytes, not 108",
    ("--admin_port", "0", "--admin_host", f"unix:{LONG}"): "--admin_host: a Unix socket's path has 1 to 107 bytes",
    (*REDIS, "--redis_url", f"unix:///{LONG}"): "--redis_url: a Unix socket's path has 1 to 107 bytes, not 109",
    (*REDIS, "--redis_shards", f"unix:///{LONG}"): "--redis_shards: a Unix socket's path has 1 to 107 bytes, not 109",
    ("--host", "192.0.2.1"): "cannot listen on port 9000 of 192.0.2.1: Cannot assign requested address",
    ("--admin_port", "1", "--admin_host", "192.0.2.1"): "cannot listen on port 1 of 192.0.2.1: Cannot assign",
    ("--host", "no.such.host.invalid"): "cannot listen on port 9000 of no.such.host.invalid: ",
    ("--host", "localhost:9000"): "--host: an address is wanted without a port",
    ("--host", "*"): "--host: an address is wanted; leave it out for all",
    ("--host", "http://localhost"): "--host: an address is wanted",
    ("--host", "local host"): "--host: an address is wanted, such as 127.0.0.1",
    ("--host", "fd:x"): "--host: fd:NUMBER is wanted, such as fd:3",
    ("--storage", "sqlite", "--sqlite_file", "/no/file"): "sqlite_file /no/file: No such file or directory",
    ("--storage", "sqlite", "--sqlite_file", "."): "sqlite_file .: Is a directory",
    ("--storage", "sqlite", "--sqlite_file", "cert.pem"): "sqlite_file cert.pem: file is not a database",
    (*REDIS, "--redis_url", "redis://h", "--redis_sentinel", "m@h:1"): "redis_url and redis_sentinel exclude each",
    (*REDIS, "--redis_url", "rediss://h", "--redis_ca", "no.pem"): "redis_ca no.pem: No such file or directory",
    (*REDIS, "--redis_url", "rediss://h", "--redis_ca", "key.pem"): "redis_ca key.pem: not a PEM file of certificates",
    (*PUSHI, "-p", "9010", "--pushi_rest_port", "9010"): "port and pushi_rest_port are one, port 9010",
    (*PUSHI, *WORKERS, *REDIS, "--pushi_rest_port", "0"): "pushi_rest_port wants workers to be 1",
    (*PUSHI, "--pushi_rest_port", "0", "--pushi_rest_key", "no.pem"): "pushi_rest_key and pushi_rest_cert: no key",
    (*PUSHI, "--pushi_server_ssl", "true"): "SERVER_SSL (pushi_server_ssl) is 1: give SERVER_SSL_KEY",
}  # fmt: skip
GOOD = (
    ("-p", "0", "--admin_port", "0"),
    ("-p", "9010", "--host", "127.0.0.1", "--admin_port", "9010", "--admin_host", "127.0.0.2"),
    ("-p", "9010", "--host", "0.0.0.0", "--admin_port", "9010", "--admin_host", "::1"),
    (*WORKERS, *REDIS, "--admin_port", "9100"),
    (*REDIS, "--redis_url", "rediss://h", "--redis_ca", "cert.pem"),
    ("--storage", "sqlite", "--sqlite_file", "new.sqlite"),
    ("--host", "[::1]"),
    ("--host", "unix:new.sock"),
    (*PUSHI, "--pushi_rest_port", "0", "--pushi_rest_key", "key.pem", "--pushi_rest_cert", "cert.pem"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    certificates.write(tmp_path)
    return tmp_path


def test_check_and_start_agree_on_what_cannot_be(folder: Path) -> None:
    before = sorted(os.listdir(folder))
    words = list(CANNOT)
    runs = all_of([each for line in words for each in (line, (*line, "--check"))], folder)
    for line, started, checked in zip(words, runs[::2], runs[1::2], strict=True):
        (said,) = faults(checked)
        assert CANNOT[line] in said, line
        assert (checked.returncode, started.returncode) == (1, 1), line
        assert faults(started) == [said], line
    made = [each for each in sorted(os.listdir(folder)) if not each.endswith((".out", ".err"))]
    assert made == before


def test_check_makes_nothing_and_what_can_be_is_good(folder: Path) -> None:
    before = sorted(os.listdir(folder))
    for line, checked in zip(GOOD, all_of([(*line, "--check") for line in GOOD], folder), strict=True):
        assert (checked.returncode, checked.stderr) == (0, ""), line
    assert [each for each in sorted(os.listdir(folder)) if not each.endswith((".out", ".err"))] == before


AS_NOBODY = """
import os, sys
from filtered_websocket.commands.fws_server import __main__ as cli, service, workers
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
cli.main(sys.argv[1:])
"""


def _no_port_needs_a_right() -> bool:
    first = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    return not first.exists() or int(first.read_text()) < 2


@pytest.mark.skipif(os.getuid() != 0, reason="NOT ROOT, which alone can become a user without rights")
@pytest.mark.skipif(_no_port_needs_a_right(), reason="HERE NO PORT NEEDS A RIGHT")
@pytest.mark.parametrize("more", [[], ["--check"]])
def test_check_and_start_agree_on_a_port_that_needs_a_right(folder: Path, more: list[str]) -> None:
    words = ["-f", "filtered_websocket.filters.stdout_messages", "--host", "127.0.0.1", "-p", "1", *more]
    run = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, *words], cwd=folder, capture_output=True, text=True, timeout=STARTING,
        check=False,
    )  # fmt: skip
    said = "fws_server: cannot listen on port 1 of 127.0.0.1: Permission denied\n"
    assert (run.returncode, run.stdout, run.stderr) == (1, "", said)


NEVER = {
    (
        "--allowed_origins",
        "example.com",
    ): '"example.com" fits no page: an origin is a scheme, a host and perhaps a port',
    ("--publish_secret", "secret\n"): "a text is wanted without blanks or line ends around it",
    ("--admin_secret", " secret"): "a text is wanted without blanks or line ends around it",
    (*PUSHI, "--pushi_admin_secret", "secret\n"): "a text is wanted without blanks or line ends around it",
    ("-f", f"{PACKS}.ws_emit", "--ws_emit_cors", "localhost:7788"): '"http://localhost:7788" is meant',
    ("-f", f"{PACKS}.ws_emit", "--ws_emit_room_secrets", '{"a::b": "c"}'): "a roomspace ends before the first ::",
    ("-f", f"{PACKS}.wsps?wsps_stats_seconds=3"): (
        f'--filters: the option "wsps_stats_seconds" at {PACKS}.wsps is one of the whole pipeline'
    ),
    ("-f", f"{PACKS}.wsps?wsps_stat_seconds=3"): f'--filters: unknown option "wsps_stat_seconds" at {PACKS}.wsps',
    ("-f", f"{PACKS}.wsps?secret"): f"-f (filters): {PACKS}.wsps: options are wanted as ?name=value&other=value",
    ("--channels", '{"*": {"history": 1}, "news": {}}'): '"news" never counts: "*" before it fits the same channels',
    ("--channels", '{"a*": {}, "a?": {}}'): '"a?" never counts: "a*" before it fits the same channels',
    ("--pipelines", f'{{"/caf%C3%A9": ["{PACKS}.stdout_messages"]}}'): "paths are wanted without ? and #, and decoded",
    ("--pipelines", f'{{"/chat?a=1": ["{PACKS}.stdout_messages"]}}'): "paths are wanted without ? and #, and decoded",
    (
        "-f",
        f"{PACKS}.stdout_messages",
        "--pipelines",
        f'{{"*": ["{PACKS}.stdout_messages"]}}',
    ): 'served by "filters" already',
    (
        "--pipelines",
        f'{{"/a": ["{PACKS}.wsps"], "/b": {{"filters": ["{PACKS}.stdout_messages"], "wsps_stats_seconds": 3}}}}',
    ): (f'pipelines./b.wsps_stats_seconds: it is of {PACKS}.wsps, which is not in "filters" there'),
}


def test_what_can_never_count_is_refused_with_what_is_meant(folder: Path) -> None:
    for line, checked in zip(NEVER, all_of([(*line, "--check") for line in NEVER], folder), strict=True):
        (said,) = faults(checked)
        assert NEVER[line] in said, line
        assert checked.returncode == 1, line


def test_what_can_count_is_no_fault(folder: Path) -> None:
    packs = [f"{PACKS}.wsps", f"{PACKS}.stdout_messages"]
    good = [
        ("--channels", '{"a?": {}, "[ab]": {}, "ab": {}, "a*": {}}'),
        ("--pipelines", json.dumps({"/b": {"filters": packs, "wsps_stats_seconds": 3}, "/100%": packs})),
        ("--allowed_origins", "https://Example.com:443/", "null", "*.example.org"),
        (*PUSHI, "--pushi_rest_port", "0", "--pushi_rest_host", ""),
    ]
    for line, checked in zip(good, all_of([(*line, "--check") for line in good], folder), strict=True):
        assert (checked.returncode, checked.stderr) == (0, ""), line
