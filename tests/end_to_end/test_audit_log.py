"""What passes is written by real servers: two have one file, which is moved, and nothing is lost at a stop."""

import json
import signal
from pathlib import Path

from tests.support.fws_server import Start
from tests.support.raw_client import wait_until

AUDIT = "filtered_websocket.filters.audit_log"


def test_nothing_is_lost_while_a_file_of_two_processes_rotates_and_they_are_stopped(
    fws_server: Start, tmp_path: Path
) -> None:
    path = tmp_path / "audit.jsonl"

    def move() -> bool:
        try:
            path.rename(tmp_path / "audit.jsonl.moved")
        except FileNotFoundError:
            return False  # one of them is putting it aside
        return True

    given = ("-f", AUDIT, "--audit_file", str(path), "--audit_size", "8k", "--audit_files", "1000")
    servers = [fws_server(*given) for _ in range(2)]
    clients = [server.open(f"/{number}") for number, server in enumerate(servers)]
    for turn in range(20):
        for client in clients:
            client.send(*("x" * (turn * 10 + each) for each in range(10)))
        if turn == 10:
            wait_until(move)
            servers[0].signal(signal.SIGHUP)
    for client in clients:
        client.quit()
    for server in servers:
        server.signal()
        assert server.wait() == 0
    files = list(tmp_path.glob("audit.jsonl*"))
    assert len(files) > 3
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)
    assert all(file.stat().st_size <= 2 * 8192 for file in files)  # both may have seen the same room
    written = [json.loads(each) for file in files for each in file.read_text().splitlines()]
    for number in range(2):
        own = [each for each in written if each["path"] == f"/{number}"]
        assert sorted(each["size"] for each in own if each["event"] == "message") == list(range(200))
        assert sorted(each["event"] for each in own if each["event"] != "message") == ["connect", "disconnect"]


def test_standard_output_is_a_file_too(fws_server: Start) -> None:
    server = fws_server("-f", AUDIT, "--audit_fields", "event", "text", "--audit_events", "message")
    client = server.open()
    client.send('{"token": "abc", "says": "hi"}')
    client.quit()
    server.signal()
    assert server.wait() == 0
    (line,) = server.printed.splitlines()
    assert json.loads(line) == {"event": "message", "text": '{"token": "(hidden)", "says": "hi"}'}
