"""What Redis says to a connection that subscribes."""

from tests.support.ledger.deferreds import PendingDeferreds
from tests.support.log_lines import LogLines
from tests.support.reactor_thread import call, until


def test_a_channel_that_may_not_be_subscribed_to_is_told_with_redis_own_words(shared, redis_server):
    redis_server.ask(
        "ACL", "SETUSER", "deaf", "on", ">secret", "~*", "+@all", "resetchannels", "&fws:beat:*", "&global"
    )
    try:
        with LogLines() as lines:
            node = shared.node(redis_username="deaf", redis_password="secret")
            confirmed = []
            call(lambda: [node.storage.subscribe("room").addCallbacks(confirmed.append, lambda _: None)])
            until(lambda: any("NOPERM" in line for line in lines))
        assert confirmed == []
        node.stop()
    finally:
        redis_server.ask("ACL", "DELUSER", "deaf")


def test_nobody_waits_until_redis_confirms_what_is_left(cluster, server):
    node = cluster.node()
    call(node.storage.subscribe, "room")
    made = PendingDeferreds()
    server.freeze()
    with made.counted():
        call(node.storage.unsubscribe, "room")
        left = [each for each in made.left() if "subscriber.py" in each]
    assert left == []
    server.thaw()
    # What Redis confirms next is taken for the right one.
    call(node.storage.subscribe, "room")
