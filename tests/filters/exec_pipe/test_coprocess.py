"""One program for all: each answer to its asker, or to nobody."""

import random

import pytest

from filtered_websocket.filters.exec_pipe import coprocess as module
from filtered_websocket.filters.exec_pipe.coprocess import Coprocess, ProgramEnded
from filtered_websocket.filters.exec_pipe.program import Program, environment
from tests.support.child_programs import runs
from tests.support.log_lines import LogLines
from tests.support.reactor_thread import call, until

ECHO = 'while read -r line; do echo "<$line>"; done'


class Asked:
    """Questions to a coprocess, and what became of each."""

    def __init__(self, script: str, in_flight: int = 1, seconds: float = 30.0) -> None:
        self.programs: list[Program] = []
        self.outcomes: dict[str, str] = {}

        def make() -> Coprocess:
            from twisted.internet import reactor

            def start(said, ended) -> Program:
                words = ["/bin/sh", "-c", script]
                self.programs.append(Program(reactor, words, environment(), longest=1000, said=said, ended=ended))
                return self.programs[-1]

            made = Coprocess(reactor, "it", start, in_flight, seconds)
            made.start()
            return made

        self.coprocess = call(make)

    def ask(self, *questions: str) -> None:
        call(self.ask_here, *questions)

    def ask_here(self, *questions: str) -> list:
        """In the reactor's thread: nothing is answered before the caller goes on."""
        answers = [self.coprocess.ask(each.encode()) for each in questions]
        for question, answer in zip(questions, answers, strict=True):
            answer.addCallbacks(
                lambda line, question: self.outcomes.__setitem__(question, line.decode()),
                lambda failure, question: self.outcomes.__setitem__(question, failure.type.__name__),
                (question,),
                {},
                (question,),
                {},
            )
        return answers

    def all_of(self, count: int) -> dict[str, str]:
        until(lambda: len(self.outcomes) == count)
        return self.outcomes

    def __enter__(self) -> "Asked":
        return self

    def __exit__(self, *_: object) -> None:
        call(self.coprocess.stop)
        assert not any(runs(each.pid) for each in self.programs)


@pytest.mark.parametrize("in_flight", [1, 3, 16])
def test_each_gets_its_own_answer(in_flight):
    with Asked(ECHO, in_flight) as asked:
        questions = [str(number) for number in range(100)]
        asked.ask(*questions)
        assert asked.all_of(100) == {each: f"<{each}>" for each in questions}


def test_a_program_is_told_no_more_than_may_be_under_way():
    with Asked("exec sleep 1000", in_flight=2) as asked:
        asked.ask("a", "b", "c")
        program = asked.programs[0]
        until(lambda: not program.waiting)
        assert call(lambda: len(asked.coprocess._asked)) == 2
    assert asked.outcomes == dict.fromkeys("abc", "ProgramEnded")


def test_when_it_is_killed_what_was_under_way_fails_and_the_rest_goes_to_the_next():
    with Asked(ECHO, in_flight=4) as asked, LogLines() as lines:
        rng, questions = random.Random(7), [str(number) for number in range(400)]
        for begin in range(0, 400, 50):
            asked.ask(*questions[begin : begin + 50])
            until(lambda begin=begin: len(asked.outcomes) > begin + rng.randrange(40))
            call(asked.programs[-1]._signal, 9)
        outcomes = asked.all_of(400)
        assert all(outcomes[each] in (f"<{each}>", "ProgramEnded") for each in questions)
        assert sum(outcomes[each] == f"<{each}>" for each in questions) >= 400 - 8 * 4
    assert any(line.startswith("exec_pipe: it was ended by SIGKILL: it is started again") for line in lines)


def test_a_line_that_nobody_awaits_ends_it_and_goes_to_nobody():
    with Asked("while read -r line; do printf '%s\\n%s\\n' $line $line; done") as asked, LogLines() as lines:
        asked.ask(*"abcdefgh")
        outcomes = asked.all_of(8)
    assert {outcomes[each] for each in "abcdefgh"} == {"ProgramEnded"}
    assert any("nobody awaits" in line for line in lines)
    with Asked("while read -r line; do echo $line; echo $line; done", in_flight=16) as asked, LogLines() as lines:
        asked.ask(*"abcdefgh")
        asked.all_of(8)
        until(lambda: any("nobody awaits" in line for line in lines))


def test_one_that_does_not_answer_in_time_is_ended_and_started_again(monkeypatch):
    monkeypatch.setattr(module, "FIRST_WAIT", 0.01)
    with Asked('read -r line; [ "$line" = good ] && echo yes; read -r line; echo $line', seconds=0.3) as asked:
        asked.ask("silent")
        assert asked.all_of(1) == {"silent": "ProgramEnded"}
        asked.ask("good")
        assert asked.all_of(2)["good"] == "yes"


def test_the_answer_of_one_that_has_left_is_nobodys():
    with Asked(ECHO, in_flight=1) as asked:

        def ask_and_leave() -> None:
            first, second, _ = asked.ask_here("a", "b", "c")
            second.cancel()
            first.cancel()

        call(ask_and_leave)
        assert asked.all_of(3) == {"a": "CancelledError", "b": "CancelledError", "c": "<c>"}


def test_it_is_started_again_later_and_later(monkeypatch):
    monkeypatch.setattr(module, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(module, "LONGEST_WAIT", 0.004)
    with Asked("exit 1") as asked:
        until(lambda: len(asked.programs) > 5)
        assert call(lambda: asked.coprocess._wait) == 0.004


def test_what_is_asked_at_the_end_fails_and_nothing_runs_on():
    with Asked("exec sleep 1000") as asked:
        asked.ask("a")
    assert asked.outcomes == {"a": ProgramEnded.__name__}
