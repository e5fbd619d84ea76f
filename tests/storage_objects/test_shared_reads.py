"""Equal questions of one turn are asked once: how often, of each backend that shares them."""

import pytest
from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.python.failure import Failure

from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.redis import storage_object as redis
from filtered_websocket.storage_objects.shared_reads import SharedReads
from filtered_websocket.storage_objects.sqlite import storage_object as sqlite
from tests.support.backends import message
from tests.support.reactor_thread import call

KEEP = Keep(1000, 60)


def test_a_question_is_asked_once_until_something_changes_or_the_turn_is_over():
    begun, asked = [], []
    reads = SharedReads(lambda: begun.append(1))

    def begin():
        asked.append(Deferred())
        return asked[-1]

    answers = [reads.ask("room", "since 1", begin) for _ in range(3)]
    assert (len(begun), len(asked)) == (1, 1)
    reads.ask("room", "since 2", begin)
    reads.changed("elsewhere")
    answers.append(reads.ask("room", "since 1", begin))
    assert (len(begun), len(asked)) == (1, 2)
    reads.changed("room")
    reads.ask("room", "since 1", begin)
    reads.clear()
    reads.ask("room", "since 1", begin)
    assert (len(begun), len(asked)) == (3, 4)
    asked[0].callback(["one"])
    assert [each.result for each in answers] == [["one"]] * 4
    assert len({id(each.result) for each in answers}) == 4


def test_what_fails_fails_for_all_and_what_is_there_at_once_is_given_at_once():
    reads = SharedReads()
    assert reads.ask("room", "now", lambda: succeed(["at once"])).result == ["at once"]
    assert reads.ask("room", "now", lambda: succeed(["again"])).result == ["again"]
    failing = Deferred()
    answers = [reads.ask("room", "later", lambda: failing) for _ in range(2)]
    told = []
    for answer in answers:
        answer.addErrback(lambda failure: told.append(failure.type))
    failing.errback(Failure(KeyError()))
    assert told == [KeyError] * 2
    with pytest.raises(TypeError):
        reads.ask("room", "raises", lambda: len(5))
    assert reads.ask("room", "raises", lambda: succeed(1)).result == 1


@pytest.mark.parametrize("clients", [1, 100])
def test_clients_that_come_back_together_have_one_answer_decoded_for_all(backend, clients, monkeypatch):
    node = backend.node()
    start, *_ = [node.send(message("room", str(number)), KEEP) for number in range(11)]
    decoded = [0]

    def counted(function):
        def count(*arguments):
            decoded[0] += 1
            return function(*arguments)

        return count

    monkeypatch.setattr(sqlite, "_publication", counted(sqlite._publication))
    monkeypatch.setattr(redis.replies, "decode", counted(redis.replies.decode))
    found = call(lambda: gatherResults([node.storage.since("room", start or 0) for _ in range(clients)]))
    assert [len(each) for each in found] == [10] * clients
    assert len({id(each[0]) for each in found}) == 1
    assert decoded[0] <= 10
