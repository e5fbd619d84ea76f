"""What waits while a partition has no home."""

from twisted.internet.defer import succeed
from twisted.python.failure import Failure

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.cluster.patient_queue import PatientQueue
from filtered_websocket.storage_objects.redis.cluster.room import EACH_BYTES, Room


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
    queue, done = PatientQueue(0, Room()), []

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
    queue = PatientQueue(2, Room())
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
    queue = PatientQueue(5, Room())
    queue.lose_patience()
    waiting = queue.put(lambda: succeed(True))
    refused = queue._append(lambda: succeed(True))
    queue.put_first([queue._waiting.pop()])
    assert failed(refused)
    assert ended(waiting) is None
    queue.empty(lambda: True)
    assert ended(waiting) is True


def test_all_that_waits_in_several_with_patience_has_one_limit_of_bytes():
    room = Room(10 * EACH_BYTES)
    one, other = PatientQueue(1, room), PatientQueue(0, room)
    one.put(lambda: succeed(True), 4 * EACH_BYTES)
    other.pass_time(lambda: succeed(True), 3 * EACH_BYTES)
    assert failed(other.pass_time(lambda: succeed(True), 1))
    assert failed(one.put(lambda: succeed(True), 1))
    assert not failed(one.put(lambda: succeed(True)))
    one.empty(lambda: True)
    assert not failed(other.put(lambda: succeed(True), 4 * EACH_BYTES))
    other.lose_patience()
    assert failed(other.put(lambda: succeed(True)))
    assert not failed(one.pass_time(lambda: succeed(True), 9 * EACH_BYTES))
    one.fail()
    assert room.take(10 * EACH_BYTES)


def test_redis_queue_has_its_place_where_there_is_no_room():
    queue = PatientQueue(2, Room(0))
    assert [failed(queue.put(lambda: succeed(True))) for _ in range(3)] == [False, False, True]
    queue.empty(lambda: True)
