"""Programs as filters: the real server, real programs, clients that do what they like."""

import json
import os
import random
import signal
from pathlib import Path

from tests.support.child_programs import runs
from tests.support.fws_server import FwsServer, Start
from tests.support.raw_client import CLOSE, close_of, frame, head, wait_until

EXEC = "filtered_websocket.filters.exec_pipe"
ANSWER = """
    from filtered_websocket.filters.base import WebSocketMessageFilter

    class Answer(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.sendMessage(data)
"""


def children(server: FwsServer) -> list[int]:
    """The programs that the server runs."""
    tasks = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return [int(pid) for pid in tasks.split() if runs(int(pid))]


def are_gone(pids: list[int]) -> None:
    wait_until(lambda: not any(map(runs, pids)))


# One program for all.


def test_messages_go_through_programs_and_on(fws_server: Start) -> None:
    server = fws_server(
        "-f", f"{EXEC}?exec_pipe=sed -u s/a/b/g", f"{EXEC}?exec_pipe=sed -u s/^drop$//", "my_filters", module=ANSWER
    )
    programs = children(server)
    assert len(programs) == 2
    client = server.open()
    client.send("banana", "drop", "ä", "cat")
    assert [client.text() for _ in range(3)] == ["bbnbnb", "ä", "cbt"]
    # What no line can hold is refused, and goes to no program.
    for odd in (frame("a\nb"), frame("a\0b"), frame(b"a", 2)):
        refused = server.open()
        refused.send(odd)
        assert refused.closed()[0] == 1003
    large = server.open()
    large.send("a" * 1_000_000)
    assert large.text() == "b" * 1_000_000
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    are_gone(programs)


def test_a_line_of_json_holds_any_text(fws_server: Start) -> None:
    server = fws_server("-f", EXEC, "my_filters", "--exec_pipe", "sed -u s/x/y/", "--exec_json", module=ANSWER)
    client = server.open()
    client.send("x\n\0é")
    assert client.text() == "y\n\0é"


def test_when_the_program_is_killed_senders_are_told_and_others_lose_nothing(fws_server: Start) -> None:
    """200 clients through `cat`, killed ten times: each message is answered, in order, or its sender is told."""
    server = fws_server(
        "-f", EXEC, "my_filters", "--exec_pipe", "cat", "--exec_in_flight", "16", "--exec_timeout", "60",
        "--ping_interval", "0", module=ANSWER,
    )  # fmt: skip
    rng, clients, told, answered = random.Random(3), {}, 0, 0
    for number in range(200):
        clients[number] = server.open()
    for turn in range(10):
        for number, client in clients.items():
            client.send(*(f"{number} {turn} {each}" for each in range(5)))
        (program,) = wait_until(lambda: children(server))
        # Somewhere in the middle of it.
        first, count = clients[0], rng.randrange(5)
        got = [first.text() for _ in range(count)]
        os.kill(program, signal.SIGKILL)
        for number, client in list(clients.items()):
            for each in range(len(got) if number == 0 else 0, 5):
                received = client.receive()
                assert received is not None
                if received.opcode == CLOSE:
                    assert close_of(received)[0] == 1013
                    told += 1
                    clients[number].quit()
                    clients[number] = server.open()
                    break
                assert received.payload.decode() == f"{number} {turn} {each}"
                answered += 1
    assert told <= 10 * 16
    assert answered >= 10 * 200 * 5 - told * 5
    assert server.log.count("was ended by SIGKILL: it is started again") == 10


def test_a_program_that_is_silent_or_says_too_much_is_ended_and_told_of(fws_server: Start, tmp_path: Path) -> None:
    script = tmp_path / "odd.sh"
    script.write_text(
        'echo "it begins" >&2\nwhile read -r line; do\n  case "$line" in\n'
        "    silent) sleep 1000 ;;\n    twice) printf 'one\\ntwo\\n' ;;\n    latin) printf '\\351\\n' ;;\n"
        '    *) echo "$line" ;;\n  esac\ndone\n'
    )
    server = fws_server("-f", EXEC, "my_filters", "--exec_pipe", f"sh {script}", "--exec_timeout", "1", module=ANSWER)
    server.wait_for("exec_pipe: sh: it begins")
    for word, code, says in (
        ("silent", 1013, "did not answer within 1 s"),
        ("twice", 1013, "said a line that nobody awaits"),
        ("latin", 1011, ""),
    ):
        client = server.open()
        client.send(word)
        assert client.closed()[0] == code
        server.wait_for(says)
    client = server.open()
    client.send("well")
    assert client.text() == "well"


# A program for each connection.


def test_a_program_of_a_connection_says_what_it_likes_and_ends_with_it(fws_server: Start, tmp_path: Path) -> None:
    script = tmp_path / "greet.sh"
    script.write_text(
        'echo "$REMOTE_ADDR $PATH_INFO $QUERY_STRING $HTTP_X_NAME $FWS_ADMIN_SECRET."\nsleep 1000 &\n'
        'while read -r line; do\n  [ "$line" = quit ] && exit 0\n  [ "$line" = fail ] && exit 3\n'
        '  [ "$line" = flood ] && exec yes\n  echo "Hello $line"; echo "Bye $line"\ndone\n'
    )
    server = fws_server(
        "-f", EXEC, "my_filters", "--exec_pipe", f"sh {script}", "--exec_per_connection", "--exec_programs", "3",
        "--send_timeout", "60", module=ANSWER, environment={"FWS_ADMIN_SECRET": "0123456789abcdef"},
    )  # fmt: skip
    first = server.open("/a?b=c", [("X-Name", "me"), ("Proxy", "http://evil")])
    assert first.text() == "127.0.0.1 /a b=c me ."
    first.send("you")
    assert [first.text() for _ in range(2)] == ["Hello you", "Bye you"]
    first.send("me\nthem")
    assert first.closed()[0] == 1003
    wait_until(lambda: not children(server))
    quitting, failing, flooded = server.open(), server.open(), server.open()
    for client in (quitting, failing, flooded):
        client.text()
    refused = server.client()
    refused.send(head())
    assert refused.response().status == 503
    quitting.send("quit")
    assert quitting.closed()[0] == 1000
    failing.send("fail")
    assert failing.closed()[0] == 1011
    # A client that does not read stops its program, and costs the server no more than what waits.
    before = server.resident()
    flooded.send("flood")
    assert flooded.text() == "y"
    (program,) = wait_until(lambda: len(children(server)) == 1 and children(server))
    wait_until(lambda: is_blocked(program))
    assert server.resident() - before < 16_000_000
    flooded.quit()
    are_gone([program])


def is_blocked(pid: int) -> bool:
    """Whether a program waits for what reads its output."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def test_a_program_that_does_not_read_stops_its_client(fws_server: Start) -> None:
    server = fws_server("-f", EXEC, "--exec_pipe", "sleep 1000", "--exec_per_connection", "--filter_timeout", "2")
    client = server.open()
    client.send(*(["x" * 60_000] * 10))
    assert client.closed()[0] == 1011


def test_programs_end_with_the_server(fws_server: Start) -> None:
    server = fws_server(
        "-f", EXEC, "--exec_pipe", "sleep 1000 & trap '' TERM; cat; sleep 1000", "--exec_shell", "--exec_per_connection"
    )
    clients = [server.open() for _ in range(3)]
    wait_until(lambda: len(children(server)) == 3)
    programs = children(server)
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    are_gone(programs)
    assert len(clients) == 3


def test_a_reload_ends_the_program_that_is_wanted_no_more_alone(fws_server: Start, tmp_path: Path) -> None:
    config = tmp_path / "fws.json"

    def write(program: str) -> None:
        uses = [{"filter": EXEC, "exec_pipe": "sed -u s/a/b/"}, {"filter": EXEC, "exec_pipe": program}]
        config.write_text(json.dumps({"filters": [*uses, "my_filters"]}))

    write("sed -u s/b/c/")
    server = fws_server("-c", "fws.json", module=ANSWER)
    client = server.open()
    client.send("a")
    assert client.text() == "c"
    stays, goes = children(server)
    write("sed -u s/b/d/")
    server.signal(signal.SIGHUP)
    server.wait_for("reloaded")
    client.send("a")
    assert client.text() == "d"
    are_gone([goes])
    assert runs(stays)
