"""Requests made in one piece are what the plain way makes."""

from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.messages.envelope import MARK
from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.redis import requests
from filtered_websocket.storage_objects.redis.command import command
from filtered_websocket.storage_objects.redis.requests import Requests
from filtered_websocket.storage_objects.redis.send_scripts import CLASSIC, keep_values

binary = st.binary(max_size=30)
pools = st.just(Pool("p", 1000, 10))
ages = st.sampled_from([0.0, 0.5, 60.0])
keeps = st.builds(Keep, st.integers(1, 1000), ages, pools, st.integers(0, 1000), ages)


@given(binary, binary)
def test_a_publication_is_published_behind_its_mark(channel, body):
    made = Requests(b"fws:", b"epoch").publish(channel, body)
    assert made == command(b"PUBLISH", channel, MARK + b"\n" + body)


@given(binary, binary, binary, keeps)
def test_one_that_is_kept_is_a_call_of_the_script(name, channel, body, keep):
    made = Requests(b"fws:", b"epoch")
    keys = b"fws:h:" + name, b"fws:e:" + name
    for reign in (b"7", b"7", b"8"):  # the second has the tail of the first
        values = channel, body, *keep_values(keep, b"epoch", reign, b"fws:")
        assert made.send(name, channel, body, keep, reign) == CLASSIC.send.request(keys, values)


def test_what_is_remembered_of_rules_is_bounded(monkeypatch):
    monkeypatch.setattr(requests, "MAX_TAILS", 3)
    made = Requests(b"fws:", b"epoch")
    for number in range(10):
        made.send(b"name", b"channel", b"body", Keep(number + 1), b"%d" % (number % 4))
        assert sum(map(len, made._tails.values())) <= 3


def test_one_that_is_sent_once_carries_its_name_before_the_prefix():
    made = Requests(b"fws:", b"epoch").send_once(b"room", b"fws:c:room", b"body", Keep(5), reign=b"7", once=b"name")
    values = b"fws:c:room", b"body", *keep_values(Keep(5), b"epoch", b"7", b"")[:-1], b"name", b"fws:"
    assert made == CLASSIC.once.request((b"fws:h:room", b"fws:e:room"), values)
