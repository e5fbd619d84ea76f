"""The command as it is typed: what it prints, and its exit code."""

import json
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import pytest

from filtered_websocket import __version__
from filtered_websocket.monitoring.garbage import YOUNG
from tests.support import certificates
from tests.support.fws_server import STARTING, FwsServer, command

Run = subprocess.CompletedProcess


FORKS = """
import json, os, sys, traceback
from filtered_websocket.commands.fws_server import __main__ as cli

runs = []
for number, words in enumerate(json.loads(sys.argv[1])):
    child = os.fork()
    if child == 0:
        for descriptor, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{number}.{name}", os.O_CREAT | os.O_WRONLY), descriptor)
        try:
            cli.main(words)
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(end.code or 0)
        except BaseException:
            traceback.print_exc()
        os._exit(99)
    runs.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(runs))
"""
"""Imports once what takes a second to import, then is each command in turn."""


def all_of(commands: Sequence[Sequence[str]], folder: Path) -> list[Run[str]]:
    """Run the command with each of these command lines."""
    forks = subprocess.run(
        [sys.executable, "-c", FORKS, json.dumps([list(words) for words in commands])],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [
        Run(words, code, (folder / f"{number}.out").read_text(), (folder / f"{number}.err").read_text())
        for number, (words, code) in enumerate(zip(commands, json.loads(forks.stdout), strict=True))
    ]


def faults(run: Run[str]) -> list[str]:
    """What it said was wrong, a line each; nothing else was said."""
    assert run.stdout == ""
    lines = run.stderr.splitlines()
    assert all(line.startswith("fws_server: ") for line in lines), run.stderr
    return [line.removeprefix("fws_server: ") for line in lines]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A current directory with modules and files, good and bad."""
    files = {
        "good.py": """
            from filtered_websocket.config import Option, integer
            from filtered_websocket.filters.base import WebSocketMessageFilter

            OPTIONS = (Option("shout_level", integer(1, 11), 5, "how loud to shout", unit="dB"),)

            class Shout(WebSocketMessageFilter):
                @classmethod
                def filter(cls, connection, data):
                    return data.upper()
        """,
        "raises.py": """
            def helper():
                raise RuntimeError("no database\\nat all")

            helper()
        """,
        "exits.py": """
            import sys
            sys.exit("bye")
        """,
        "imports.py": "import no_such_library",
        "broken.py": "def broken(:",
        "forgot.py": "class Chat: pass",
        "fails_to_start.py": """
            from filtered_websocket.filters.base import WebSocketStartFilter

            class Begin(WebSocketStartFilter):
                @classmethod
                async def filter(cls, pipeline, data):
                    raise OSError("no database")
        """,
        "wrong.json": '{"port": 9000,}',
        "unknown.json": '{"prot": 9000}',
        "list.json": "[]",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(dedent(text))
    certificates.write(tmp_path)
    return tmp_path


WRONG = {
    ("--port", "70000"): (1, "--port: ", "65535", "70000"),
    ("--max_message_size", "many"): (1, "--max_message_size: ", "many"),
    ("--slow_client", "ignore"): (1, "--slow_client: ", "drop-old"),
    ("-c", "no.json"): (1, "no.json: No such file or directory"),
    ("-c", "wrong.json"): (1, "wrong.json: ", "line 1"),
    ("-c", "unknown.json"): (1, 'unknown.json: unknown option "prot"; did you mean "port"?'),
    ("-c", "list.json"): (1, "list.json: ", "object"),
    ("-f", "no.such.module"): (1, "filter module no.such.module: not found (no module 'no' on the Python path"),
    ("-f", "brodcast_messages"): (1, "is filtered_websocket.filters.broadcast_messages meant, which comes"),
    ("-f", "filtered_websocket.filters.jwt_aut"): (1, "is filtered_websocket.filters.jwt_auth meant, which comes"),
    ("-f", "good.py"): (1, "filter module good.py: not found (a module is named without .py: good)"),
    ("-f", "raises"): (1, "filter module raises: RuntimeError: no database at all (", "raises.py, line 3)"),
    ("-f", "exits"): (1, "filter module exits: ", "bye"),
    ("-f", "imports"): (1, "filter module imports: ModuleNotFoundError: No module named 'no_such_library'"),
    ("-f", "broken"): (1, "filter module broken: SyntaxError: ", "broken.py, line 1"),
    ("-key", "key.pem"): (1, "TLS needs both -key and -cert"),
    ("-key", "key.pem", "-cert", "none.pem"): (1, "-cert none.pem: No such file or directory"),
    ("-key", "other_key.pem", "-cert", "cert.pem"): (1, "-key other_key.pem is not the key of the certificate -cert"),
    ("-key", "cert.pem", "-cert", "cert.pem"): (1, "-key cert.pem: not a PEM file of that kind"),
    ("--storage", "no_such_storage"): (1, "storage no_such_storage: ModuleNotFoundError"),
    ("--storage", "good"): (1, "storage good: its module has no class StorageObject"),
    ("--reactor", "kqueue2"): (1, "--reactor: ", "asyncio"),
    ("--prot", "9000"): (2, "unknown option --prot", '"--port"'),
    ("--port",): (2, "--port: a value is wanted"),
    ("surplus",): (2, 'unexpected argument "surplus": filter modules stand behind -f: -f surplus'),
    ("-f", "broadcast_messages"): (
        1,
        "filter module broadcast_messages: not found: is filtered_websocket.filters.broadcast_messages meant, which "
        "comes with the server?",
    ),
}


def test_check_names_each_fault_in_one_line_and_opens_no_port(folder: Path) -> None:
    runs = all_of([[*words, "--check"] for words in WRONG], folder)
    for words, run in zip(WRONG, runs, strict=True):
        code, *parts = WRONG[words]
        said = faults(run)
        assert len(said) == 1, (words, run.stderr)
        assert all(str(part) in said[0] for part in parts), (words, said)
        assert run.returncode == code, (words, run.stderr)


def test_check_names_all_faults_at_once_and_good_is_good(folder: Path) -> None:
    (folder / "two.json").write_text('{"max_connections": 0, "filters": ["raises", "good"], "shout_level": 12}')
    many, good, started = all_of(
        [
            ["--check", "-c", "two.json", "--ping_interval", "soon"],
            ["--check", "-f", "good", "--shout_level", "11", "-key", "key.pem", "-cert", "cert.pem"],
            ["-f", "no.such.module"],
        ],
        folder,
    )
    said = faults(many)
    assert many.returncode == 1
    for part in ("max_connections", "filter module raises", "shout_level", "--ping_interval"):
        assert sum(part in line for line in said) == 1, said
    assert (good.returncode, good.stdout, good.stderr) == (0, "fws_server: the configuration is good\n", "")
    # Without --check it is the same: nothing is served with a configuration that is wrong.
    assert (started.returncode, len(faults(started))) == (1, 1)


def test_a_service_link_of_kubernetes_does_not_end_the_start(folder: Path) -> None:
    link = {"FWS_PORT": "tcp://10.0.0.11:9000", "FWS_SERVICE_HOST": "10.0.0.11", "FWS_PORT_9000_TCP_PROTO": "tcp"}
    checked = command("--check", cwd=folder, environment=link)
    assert (checked.returncode, checked.stdout) == (0, "fws_server: the configuration is good\n")
    assert checked.stderr.startswith("fws_server: warning: FWS_PORT is passed over: ")
    assert checked.stderr.count("\n") == 1
    with FwsServer(cwd=folder, environment=link) as server:
        server.open().quit()


def test_a_module_without_filters_is_served_but_not_in_silence(folder: Path) -> None:
    (run,) = all_of([["-f", "good", "forgot", "--check"]], folder)
    warned = f"fws_server: warning: filter module forgot brings no filters: {folder}/forgot.py defines no subclass"
    assert run.stderr.startswith(warned)
    assert run.stderr.count("\n") == 1
    assert (run.returncode, run.stdout) == (0, "fws_server: the configuration is good\n")


def test_version_and_help(folder: Path) -> None:
    version, plain, helped, broken = all_of(
        [["--version"], ["-h"], ["-f", "good", "-h"], ["-f", "raises", "--help"]], folder
    )
    assert (version.returncode, version.stdout, version.stderr) == (0, f"filtered_websocket {__version__}\n", "")
    for run in (plain, helped, broken):
        assert run.returncode == 0
        assert run.stderr == ""
        assert "usage: fws_server" in run.stdout
        for flag in ("-p", "-c", "-f", "-key", "-cert", "--host", "--trusted_proxies", "--compression", "--check"):
            assert re.search(rf"{flag}[ ,]", run.stdout), flag
    assert "--shout_level" not in plain.stdout
    assert "--shout_level SHOUT_LEVEL" in helped.stdout
    assert "how loud to shout (dB, default 5)" in " ".join(helped.stdout.split())


def test_a_start_that_fails_says_so_in_one_line(folder: Path) -> None:
    with FwsServer(cwd=folder) as running:
        in_use, filtered, odd = all_of(
            [
                ["--host", "127.0.0.1", "-p", str(running.port)],
                ["-f", "fails_to_start", "-p", "0"],
                ["--host", "unix:/no/such/folder/socket"],
            ],
            folder,
        )
    for run, part in [
        (
            in_use,
            f"fws_server: cannot listen on port {running.port} of 127.0.0.1: Address already in use: "
            "-p NUMBER, or the option port, takes another; 0 takes any that is free\n",
        ),
        (filtered, "fws_server: the start filter fails_to_start.Begin.filter failed: OSError: no database\n"),
        (odd, "fws_server: cannot listen on unix:/no/such/folder/socket: No such file or directory\n"),
    ]:
        assert run.returncode == 1
        assert (run.stdout, run.stderr) == ("", part)


def test_the_log_is_lines_of_json_if_asked_for(folder: Path) -> None:
    arguments = ["-f", "good", "--log_format", "json", "--log_level", "info"]
    with FwsServer(*arguments, cwd=folder) as server:
        with server.client() as client:
            client.send(b"\0garbage\r\n\r\n")
            client.body()
        server.wait_for("refused")
        server.signal()
        assert server.wait() == 0
    events = [json.loads(line) for line in server.log.splitlines()]
    assert all({"time", "level", "namespace", "message"} <= event.keys() for event in events)
    messages = [event["message"] for event in events]
    assert any(message.startswith("listening on ws://127.0.0.1:") for message in messages)
    assert messages[-1] == "stopped"
    (refused,) = [event for event in events if event["message"].startswith("refused")]
    assert refused["level"] == "warn"
    assert refused["fields"]["what"] == "refused"


def test_the_module_and_the_console_script_are_the_same_command(folder: Path) -> None:
    script = Path(sys.executable).parent / "fws_server"
    run = subprocess.run(
        [script, "--version"], capture_output=True, text=True, check=False, cwd=folder, timeout=STARTING
    )
    module = command("--version", cwd=folder)
    for each in (run, module):
        assert (each.returncode, each.stdout) == (0, f"filtered_websocket {__version__}\n")


def test_the_memory_of_the_process_is_managed_as_a_server_needs_it(folder: Path) -> None:
    (folder / "tells.py").write_text(
        dedent("""
            import gc
            from twisted.internet import reactor
            from filtered_websocket.filters.base import WebSocketStartFilter

            class Tell(WebSocketStartFilter):
                @classmethod
                def filter(cls, pipeline, data):
                    print(gc.get_threshold()[0], *(each.func for each in reactor.getDelayedCalls()), flush=True)
        """)
    )
    with FwsServer("-f", "tells", cwd=folder) as server:
        threshold, _, calls = server.printed.partition(" ")
    assert int(threshold) == YOUNG
    assert ("Heap._look" in calls) == (platform.libc_ver()[0] == "glibc")
