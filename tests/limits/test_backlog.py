"""What waits for a slow reader, and what is dropped of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.limits.backlog import LARGE, Backlog, Blob, least_large

CHANNELS = ["news", "sports", None]


def filled(*entries):
    backlog = Backlog()
    for channel, size in entries:
        backlog.add(Blob(channel, b"x" * size))
    return backlog


def kept(backlog):
    return [(each.channel, each.size) for each in backlog]


def test_entries_stay_in_order_and_their_bytes_are_counted():
    backlog = Backlog()
    assert not backlog
    backlog = filled(("news", 3), (None, 5))
    assert backlog
    assert (kept(backlog), backlog.size) == ([("news", 3), (None, 5)], 8)
    backlog.remove(Blob("news", b"xxx"))
    assert (kept(backlog), backlog.size) == ([(None, 5)], 5)


def test_latest_drops_what_is_older_of_the_channel_alone():
    backlog = filled(("news", 1), ("sports", 2), (None, 3), ("news", 4))
    assert backlog.remove_channel("news") == 2
    assert (kept(backlog), backlog.size) == ([("sports", 2), (None, 3)], 5)
    assert backlog.remove_channel("news") == 0


def test_the_oldest_is_dropped_until_the_rest_fits_and_never_what_was_sent_to_the_client_itself():
    backlog = filled((None, 10), ("news", 1), ("sports", 2), (None, 10), ("news", 4))
    assert backlog.drop_oldest(lambda: backlog.size > 25) == 2
    assert kept(backlog) == [(None, 10), (None, 10), ("news", 4)]
    assert backlog.drop_oldest(lambda: backlog.size > 5) == 1
    assert kept(backlog) == [(None, 10), (None, 10)]
    assert backlog.drop_oldest(lambda: False) == 0


@pytest.mark.parametrize(("limit", "large"), [(100, 100), (LARGE, LARGE), (10 * LARGE, LARGE)])
def test_a_message_is_large_by_its_own_size_or_as_large_as_the_limit(limit, large):
    assert least_large(limit) == large
    backlog = filled(("news", large - 1), (None, large), ("news", large + 5))
    assert backlog.largest(limit) == large + 5
    assert filled(("news", large - 1)).largest(limit) == 0
    assert Backlog().largest(limit) == 0


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.sampled_from(CHANNELS), st.integers(0, 50)),
            st.tuples(st.just("latest"), st.sampled_from(CHANNELS[:2]), st.just(0)),
            st.tuples(st.just("oldest"), st.none(), st.integers(0, 200)),
        )
    )
)
def test_whatever_comes_and_goes_the_size_is_that_of_what_is_kept_and_direct_messages_stay(steps):
    backlog, direct, gone, came = Backlog(), [], 0, 0
    for number, (what, channel, amount) in enumerate(steps):
        if what == "add":
            entry = Blob(channel, number.to_bytes(4, "big") + bytes(amount))
            backlog.add(entry)
            came += 1
            direct += [entry] if channel is None else []
        elif what == "latest":
            gone += backlog.remove_channel(channel)
            assert all(each.channel != channel for each in backlog)
        else:
            gone += backlog.drop_oldest(lambda limit=amount: backlog.size > limit)
            assert backlog.size <= amount or all(each.channel is None for each in backlog)
        assert backlog.size == sum(each.size for each in backlog)
        assert [each for each in backlog if each.channel is None] == direct
        assert [each.blob for each in backlog] == sorted(each.blob for each in backlog)
    assert came - gone == len(backlog.kept)
