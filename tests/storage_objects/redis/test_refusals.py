from redis.exceptions import BusyLoadingError, ConnectionError, MovedError, ResponseError, TimeoutError

from filtered_websocket.storage_objects.redis.refusals import Refused, is_reply, reason_of


def test_what_redis_itself_says_is_told_apart_from_what_happens_to_a_connection():
    assert is_reply(ResponseError("x"))
    assert is_reply(BusyLoadingError("Redis is loading", status_code="LOADING"))  # of which redis-py makes a lost one
    assert not is_reply(ConnectionError("gone"))


def test_a_reason_is_in_redis_words_or_in_one_of_the_system():
    assert reason_of(MovedError("5 :7001", status_code="MOVED")) == "MOVED 5 :7001"
    assert reason_of(TimeoutError("Timeout reading from socket")) == "no answer in time"
    assert reason_of(OSError(111, "Connection refused")) == "Connection refused"
    refused = Refused("host:1", ResponseError("no", status_code="ERR"))
    assert (refused.said, str(refused)) == ("ERR no", "Redis at host:1 refused: ERR no: not done")
