"""What waits while a partition has no home."""

from twisted.internet.defer import succeed
from twisted.python.failure import Failure

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.cluster.patient_queue import MOST, PatientQueue


def ended(deferred):
    """What it has fired with, None while it has not."""
    found = []

    def note(result):
        found.append(result)
        return None if isinstance(result, Failure) else result

    deferred.addBoth(note)
    return found[0] if found else None


def failed(deferred):
    result = ended(deferred)
    return result is not None and result.check(StorageAway) is not None


def test_with_patience_all_waits_in_order_and_what_was_refused_stands_first():
    queue, done = PatientQueue(0), []

    def ask(name):
        return lambda: done.append(name) or succeed(name)

    answers = [queue.put(ask("write")), queue.pass_time(ask("read"))]
    (refused,) = [queue.put(ask("unused"))]
    waiting = queue._waiting.pop()  # a Deferred that somebody waits for
    queue.put_first([(ask("refused"), waiting[1])])
    assert not done
    queue.empty(lambda: True)
    assert done == ["refused", "write", "read"]
    assert [ended(each) for each in (refused, *answers)] == ["refused", "write", "read"]


def test_without_it_the_oldest_writes_stay_that_there_is_room_for_and_all_else_is_told_that_it_is_not_done():
    queue = PatientQueue(2)
    writes = [queue.put(lambda: succeed(True)) for _ in range(3)]
    read = queue.pass_time(lambda: succeed(True))
    queue.lose_patience()
    assert [failed(each) for each in (*writes, read)] == [False, False, True, True]
    assert failed(queue.pass_time(lambda: succeed(True)))
    assert failed(queue.put(lambda: succeed(True)))
    queue.empty(lambda: True)
    assert ended(queue.put(lambda: succeed(True))) is None  # there is room again
    queue.fail()


def test_what_is_refused_after_that_is_told_at_once():
    queue = PatientQueue(5)
    queue.lose_patience()
    waiting = queue.put(lambda: succeed(True))
    refused = queue._append(lambda: succeed(True))
    queue.put_first([queue._waiting.pop()])
    assert failed(refused)
    assert ended(waiting) is None
    queue.empty(lambda: True)
    assert ended(waiting) is True


def test_there_is_a_limit_to_what_waits_with_patience():
    queue = PatientQueue(0)
    for _ in range(MOST):
        queue.pass_time(lambda: succeed(True))
    assert failed(queue.pass_time(lambda: succeed(True)))
    assert failed(queue.put(lambda: succeed(True)))
    queue.empty(lambda: True)
