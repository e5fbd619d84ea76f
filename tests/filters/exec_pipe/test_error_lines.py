"""Standard error in the log: in lines, without what steers a terminal, and not more than some."""

from twisted.internet.task import Clock

from filtered_websocket.filters.exec_pipe.error_lines import LONGEST, MOST, SECONDS, ErrorLines
from tests.support.log_lines import LogLines


def test_lines_are_told_whole_and_printable_and_the_last_without_its_end():
    with LogLines() as lines:
        errors = ErrorLines(Clock(), "jq")
        errors.read(b"one\r\ntw")
        errors.read(b"o \x1b[2J\nlast \xff")
        errors.end()
    assert lines == ["exec_pipe: jq: one", "exec_pipe: jq: two \\x1b[2J", "exec_pipe: jq: last \ufffd"]


def test_of_many_lines_some_are_told_and_the_others_counted():
    clock = Clock()
    with LogLines() as lines:
        errors = ErrorLines(clock, "jq")
        errors.read(b"line\n" * (MOST + 7))
        clock.advance(SECONDS)
        errors.read(b"line\n" * 2)
        errors.end()
    assert lines.count("exec_pipe: jq: line") == MOST + 2
    assert lines[MOST] == "exec_pipe: jq: 7 more lines of standard error"


def test_a_line_without_end_is_kept_no_longer_than_it_is_told():
    with LogLines() as lines:
        errors = ErrorLines(Clock(), "jq")
        for _ in range(10):
            errors.read(b"x" * LONGEST)
        errors.end()
    assert lines == ["exec_pipe: jq: " + "x" * LONGEST]
