"""A child: what it is told and says, how it ends, and that nothing of it is left."""

import os
import signal

import pytest

from filtered_websocket.filters.exec_pipe.program import Program, environment
from tests.support.child_programs import Run, descriptors, runs
from tests.support.reactor_thread import call, until


def test_lines_go_in_and_come_out_in_order():
    with Run("exec cat") as run:
        run.tell(b"one\ntwo\n")
        run.tell(b"three\n")
        assert run.lines(3) == [b"one", b"two", b"three"]
        until(lambda: run.taken and not run.program.waiting)


def test_how_it_ended_is_told_once_with_what_it_said_last():
    run = Run("read line; printf 'end of %s' \"$line\"; exit 3")
    run.tell(b"it\n")
    assert (run.end(), run.program.status, run.said) == ("exited with 3", 3, [b"end of it"])
    run.stop("later")
    assert run.why == "exited with 3"
    killed = Run("kill -9 $$")
    assert (killed.end(), killed.program.status) == ("was ended by SIGKILL", -signal.SIGKILL)


def test_its_whole_group_ends_with_it_and_no_descriptor_is_left():
    before = descriptors()
    run = Run("sleep 1000 & echo $!; sleep 1000 & echo $!; cat; wait")
    helpers = [int(line) for line in run.lines(2)]
    assert all(map(runs, helpers))
    run.stop("its time has come")
    assert run.end() == "its time has come"
    until(lambda: not any(map(runs, [*helpers, run.program.pid])))
    assert {each for each in descriptors() - before if each.startswith(("pipe:", "anon_inode:[pidfd"))} == set()


def test_what_it_leaves_in_its_group_ends_when_it_exits_by_itself():
    run = Run("sleep 1000 & echo $!; exit 0")
    assert run.end() == "exited with 0"
    until(lambda: not runs(int(run.said[0])))


def test_one_that_leaves_its_group_and_holds_the_pipes_keeps_nobody_waiting():
    run = Run("setsid sleep 1000 & echo $!; exit 0")
    assert run.end() == "exited with 0"
    for each in run.said:
        os.kill(int(each), signal.SIGKILL)


def test_one_that_ignores_its_end_is_killed():
    run = Run("trap '' TERM; echo ready; while :; do sleep 0.1; done")
    run.lines(1)
    run.stop()
    assert run.end() == "was ended by SIGKILL"


def test_a_line_without_end_ends_it():
    with Run("head -c 5000 /dev/zero; exec cat", longest=4096) as run:
        assert run.end() == "said a line of more than 4096 bytes"
        assert run.said == []


def test_its_output_waits_while_nobody_reads_it():
    with Run("i=0; while :; do i=$((i + 1)); echo $i; done") as run:
        run.lines(1)
        call(run.program.pause)
        seen = len(run.said)
        # A turn of the reactor, in which it would be read.
        for _ in range(3):
            call(lambda: None)
        assert len(run.said) == seen
        call(run.program.resume)
        until(lambda: len(run.said) > seen)


def test_a_program_that_is_not_there_is_an_error_of_the_system():
    def start() -> None:
        from twisted.internet import reactor

        Program(reactor, ["/no/such/program"], {}, longest=1, said=print, ended=print)

    before = descriptors()
    with pytest.raises(FileNotFoundError):
        call(start)
    assert descriptors() <= before


def test_it_sees_no_secret_of_the_servers(monkeypatch):
    monkeypatch.setenv("FWS_ADMIN_SECRET", "s3cret")
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("MINE", "yes")
    assert "FWS_ADMIN_SECRET" not in environment()
    assert {"PATH", "LC_ALL"} <= environment().keys()
    assert environment(["MINE"])["MINE"] == "yes"
    with Run("env; ls /proc/self/fd | wc -l; echo done") as run:
        until(lambda: b"done" in run.said)
        assert not any(b"s3cret" in line for line in run.said)
        assert int(run.said[-2]) <= 4  # its three, and that of the folder
