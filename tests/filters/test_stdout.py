"""Printing, where standard output is not what one hopes for."""

import os
import pty
import subprocess
import sys

from filtered_websocket.filters.stdout import show
from tests.support.deadlines import limited


def test_an_item_is_a_title_and_the_text(capsys):
    show("MESSAGE", "hi")
    show("PUBSUB", {"a": 1})
    assert capsys.readouterr().out == "--MESSAGE--\nhi\n--PUBSUB--\n{'a': 1}\n"


def test_what_a_client_sends_is_shown_at_a_terminal_and_not_obeyed(monkeypatch):
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        show("MESSAGE", "id => \x1b]0;title\x07\x1b[2J\u202e\n\té")
        shown = os.read(ours, 1000).decode()
    os.close(ours)
    assert "\x1b" not in shown
    assert r"id => \x1b]0;title\x07\x1b[2J\u202e" in shown
    assert "é" in shown


def test_what_a_client_sends_is_as_it_is_in_a_pipe(capsys):
    show("MESSAGE", "\x1b[2J")
    assert capsys.readouterr().out == "--MESSAGE--\n\x1b[2J\n"


def test_an_item_is_flushed_at_once_and_a_reader_that_has_gone_is_no_error():
    script = (
        "import sys\n"
        "from filtered_websocket.filters.stdout import show\n"
        "show('A', 'first')\n"
        "sys.stdin.readline()\n"
        "show('B', 'x' * 100_000)\n"
        "show('C', 'nobody reads this')\n"
        "print('still here', file=sys.stderr)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process, limited(process):
        assert process.stdout.readline() == "--A--\n"
        assert process.stdout.readline() == "first\n"
        process.stdout.close()
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.stderr.readline() == "still here\n"


def test_characters_that_standard_output_has_not_are_shown_by_their_numbers():
    ended = subprocess.run(
        [sys.executable, "-c", "from filtered_websocket.filters.stdout import show; show('A', 'a\\u20ac\\ud800b')"],
        capture_output=True,
        env={"PYTHONIOENCODING": "latin-1"},
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (0, b"--A--\na\\u20ac\\ud800b\n")
