"""What records leave in Redis: one key each, which expires."""


def test_a_record_is_a_hash_that_expires_and_keeps_its_time_when_it_is_taken(shared, redis_server):
    node = shared.node()
    node.store("pid", "value", 60, "a")
    node.take("pid", "b")
    assert redis_server.ask("HMGET", "fws:r:pid", "v", "o") == b"*2\r\n$5\r\nvalue\r\n$1\r\nb\r\n"
    assert 59_000 < int(redis_server.ask("PTTL", "fws:r:pid")[1:]) <= 60_000
    node.store("pid", None, 60)
    assert redis_server.ask("KEYS", "fws:r:*") == b"*0\r\n"
